/**
 * A job as one value: its name, its configuration, the servers it needs, and its commands.
 *
 * @module
 */

import { z } from "zod";
import type { Command } from "./cli.ts";
import { text } from "./fields.ts";
import type { Job } from "./job.ts";
import type { OpsConfig, ProcessConfig } from "./job_config.ts";
import type { Ports } from "./patient.ts";

/** The servers that jobs need, in the order in which they are opened, and the port that each stands behind. */
export const PORT_OF = { kafka: "log", hdfs: "dataset", elasticsearch: "store" } as const;

/** A server by its name, which is also that of its settings. */
export type Server = keyof typeof PORT_OF;

/** The ports on some servers. */
export type PortsOn<N extends Server> = Pick<Ports, (typeof PORT_OF)[N]>;

/** The configuration that every command has. */
export type CommandConfig = ProcessConfig & { readonly ops?: OpsConfig };

/** The servers that a configuration has settings of. */
export type ServersOf<C> = Extract<keyof C, Server>;

/** A job. */
export interface JobSpec<C extends CommandConfig> {
  /** As it is called on a command line. */
  readonly name: string;
  /** One or two lines: what the job is for. */
  readonly summary: string;
  /** Schema of the configuration. Where it has `ops`, health and metrics are served there. */
  readonly config: z.ZodType<C>;
  /** All servers that any command works with. */
  readonly needs: readonly ServersOf<C>[];
  /** What it can do. */
  readonly commands: Readonly<Record<string, JobCommand<C>>>;
}

/** One thing that a job can do. Made by {@linkcode command}. */
export interface JobCommand<C> extends Command {
  /** Servers that it cannot do without; all of the job's where not given. */
  readonly needs?: readonly ServersOf<C>[];
  /** Servers that it needs besides with such a configuration and such flags. */
  also?(config: C, flags: unknown): readonly ServersOf<C>[];
  /** Members of the configuration that flags set; `undefined` sets nothing. */
  args?(flags: unknown): Readonly<Record<string, unknown>>;
  /** Looks for what else is wrong with a configuration. */
  check?(config: C, context: z.RefinementCtx): void;
  /** Calls of its ports fail as soon as they do, as whoever answers others wants it. */
  readonly impatient?: boolean;
  /** Does it. */
  run(ports: Partial<Ports>, job: Job<C>, flags: unknown): Promise<number | void>;
}

/** What {@linkcode command} makes a command of. `M` are the servers it needs, `A` those it may need besides. */
export interface CommandOptions<C, M extends ServersOf<C>, A extends ServersOf<C>, F> {
  /** One line: what it does. */
  readonly summary: string;
  /** See {@linkcode JobCommand.needs}. */
  readonly needs?: readonly M[];
  /** See {@linkcode JobCommand.also}. */
  readonly also?: (config: C, flags: FlagsOf<F>) => readonly A[];
  /** Flags besides `--config`. */
  readonly flags?: F;
  /** See {@linkcode JobCommand.args}. */
  readonly args?: (flags: FlagsOf<F>) => Readonly<Record<string, unknown>>;
  /** See {@linkcode JobCommand.check}. */
  readonly check?: (config: C, context: z.RefinementCtx) => void;
  /** See {@linkcode JobCommand.impatient}. */
  readonly impatient?: boolean;
  /**
   * Does it, on ports that are let go of when it ends. Their calls are tried again without end, see
   * {@linkcode patient}. Returns the exit code; 0 where it returns nothing.
   */
  readonly run: (
    ports: PortsOn<M> & Partial<PortsOn<A>>,
    job: Job<C>,
    flags: FlagsOf<F>,
  ) => Promise<number | void>;
}

/** Checked flags of a shape. */
export type FlagsOf<F> = F extends z.core.$ZodShape ? z.output<z.ZodObject<F>> : never;

/** Makes a command of a job. */
export function command<
  C,
  M extends ServersOf<C> = ServersOf<C>,
  A extends ServersOf<C> = never,
  // deno-lint-ignore ban-types -- no flags
  F extends z.core.$ZodShape = {},
>(options: CommandOptions<C, M, A, F>): JobCommand<C> {
  const flags = z.strictObject({
    config: text().optional().describe("File with the configuration, JSON."),
    ...options.flags,
  });
  return { ...options, flags } as JobCommand<C>;
}

/** The servers that a run of a command works with. */
export function serversFor<C extends CommandConfig>(
  spec: JobSpec<C>,
  { needs = spec.needs, also }: JobCommand<C>,
  config: C,
  flags: unknown,
): readonly ServersOf<C>[] {
  const needed = [...needs, ...also?.(config, flags) ?? []];
  return spec.needs.filter((server) => needed.includes(server));
}

/** What the configuration of a command is checked with: its servers are given, unless `embedded` takes their place. */
export function commandConfig<C extends CommandConfig>(
  spec: JobSpec<C>,
  name: string,
  flags: unknown = {},
): z.ZodType<C> {
  const command = spec.commands[name]!;
  return spec.config.superRefine((config, context) => {
    if (!("embedded" in config && config.embedded !== undefined)) {
      for (const server of serversFor(spec, command, config, flags)) {
        if (config[server] !== undefined) continue;
        context.addIssue({
          code: "custom",
          path: [server],
          message: `given, unless "embedded" takes its place`,
        });
      }
    }
    command.check?.(config, context);
  });
}
