/**
 * A job as one value: its name, its configuration, the servers it needs, and its commands.
 *
 * @module
 */

import { z } from "zod";
import type { Command } from "./cli.ts";
import { text } from "./fields.ts";
import type { OpsConfig, ProcessConfig } from "./job_config.ts";
import type { Ports } from "./patient.ts";
import type { Job } from "./running.ts";

/** The servers that jobs need, in the order in which they are opened, with the port of each. */
export const PORT_OF = { kafka: "log", hdfs: "dataset", elasticsearch: "store" } as const;

/** A server by its name, which is also the name of its settings. */
export type Server = keyof typeof PORT_OF;

/** The ports on a set of servers. */
export type PortsOn<N extends Server> = Pick<Ports, (typeof PORT_OF)[N]>;

/** The configuration that all commands have in common. */
export type CommandConfig = ProcessConfig & { readonly ops?: OpsConfig };

/** The servers that a configuration has settings for. */
export type ServersOf<C> = Extract<keyof C, Server>;

/** A job. */
export interface JobSpec<C extends CommandConfig> {
  /** Name on the command line. */
  readonly name: string;
  /** One or two lines: what the job is for. */
  readonly summary: string;
  /** Schema of the configuration. If it has `ops`, health and metrics are served there. */
  readonly config: z.ZodType<C>;
  /** All servers that any command uses. */
  readonly needs: readonly ServersOf<C>[];
  /** The commands by name. */
  readonly commands: Readonly<Record<string, JobCommand<C>>>;
}

/** A command of a job. Made by {@linkcode command}. */
export interface JobCommand<C> extends Command {
  /** Servers that it requires; all of the job's by default. */
  readonly needs?: readonly ServersOf<C>[];
  /** Servers that it also needs, depending on configuration and flags. */
  also?(config: C, flags: unknown): readonly ServersOf<C>[];
  /** Members of the configuration that flags set; `undefined` sets nothing. */
  args?(flags: unknown): Readonly<Record<string, unknown>>;
  /** Reports further problems of a configuration. */
  check?(config: C, context: z.RefinementCtx): void;
  /**
   * Calls of its ports fail at once instead of being retried, as needed by a job that answers
   * requests.
   */
  readonly impatient?: boolean;
  /** Runs the command. */
  run(ports: Partial<Ports>, job: Job<C>, flags: unknown): Promise<number | void>;
}

/**
 * Options of {@linkcode command}. `M` are the servers that it requires, `A` those that it may also
 * need.
 */
export interface CommandOptions<C, M extends ServersOf<C>, A extends ServersOf<C>, F> {
  /** What the command does, in one line. */
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
   * Runs the command, on ports that are closed when it ends. Their calls are retried without end,
   * see {@linkcode patient}. Returns the exit code; 0 if it returns nothing.
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

/** The servers that a run of a command uses. */
export function serversFor<C extends CommandConfig>(
  spec: JobSpec<C>,
  { needs = spec.needs, also }: JobCommand<C>,
  config: C,
  flags: unknown,
): readonly ServersOf<C>[] {
  const needed = [...needs, ...also?.(config, flags) ?? []];
  return spec.needs.filter((server) => needed.includes(server));
}

/**
 * The schema of a command's configuration: its servers are required, unless `embedded` replaces
 * them.
 */
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
          message: `given, unless "embedded" replaces it`,
        });
      }
    }
    command.check?.(config, context);
  });
}
