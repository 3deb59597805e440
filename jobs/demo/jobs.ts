/**
 * The commands of the jobs in this process, on ports that they share.
 *
 * @module
 */

import { breakLock } from "@pipeline/batch";
import { batch } from "@pipeline/batch/job";
import { hasCode } from "@pipeline/core";
import {
  type CommandConfig,
  createLogger,
  type JobSpec,
  type Logger,
  logRetries,
  type Patient,
  patient,
  type Ports,
  type RunningCommand,
  startCommand,
  systemClock,
} from "@pipeline/runtime";
import { type BatchThread, startBatchThread } from "./batch_thread.ts";
import { configure, openParts, type Parts, type Place } from "./place.ts";
import { type Settings, settingsOf } from "./settings.ts";

/** How a command is started. */
export interface CommandStart {
  /** What its configuration has besides what all commands of the job have. */
  readonly settings?: object;
  /** As they are written, in camelCase. */
  readonly flags?: object;
  /** Tells it to end; where not given, that is done by {@linkcode Jobs.end}. */
  readonly signal?: AbortSignal;
  /** Takes what it writes to standard output. */
  readonly print?: (line: string) => void;
  /** Ports in place of those that all share. */
  readonly ports?: Partial<Ports>;
}

/** Where the jobs are, and how. */
export interface JobsOptions {
  /** Where everything is. */
  readonly place: Place;
  /** `own`: the one process that may append to the log; `join`: beside it. */
  readonly access: "own" | "join";
  /** Takes the lines of all logs. */
  readonly sink: (line: string) => void;
}

/** Jobs that run in this process. */
export class Jobs {
  /** The ports as they are. */
  readonly parts: Parts;
  /** The same, which wait for servers that are away. */
  readonly ports: Patient<Parts>;
  readonly #o: JobsOptions;
  readonly #settings: Settings;
  readonly #ending = new AbortController();
  readonly #kept: Promise<void>[] = [];
  readonly #failure = Promise.withResolvers<never>();
  /** Rejects where one of those that were started with {@linkcode keep} cannot go on. */
  readonly failed: Promise<never> = this.#failure.promise;

  private constructor(options: JobsOptions, parts: Parts, logger: Logger) {
    this.#o = options;
    this.#settings = settingsOf(options.place);
    this.parts = parts;
    this.ports = patient(parts, { ...logRetries(logger), signal: this.#ending.signal });
  }

  /** Opens the ports. Rejects with `conflict` where another process owns the place. */
  static async open(options: JobsOptions): Promise<Jobs> {
    const logger = logTo(options.sink, "demo");
    return new Jobs(options, await openParts(options.place, { ...options, logger }), logger);
  }

  /** Starts a command. */
  start<C extends CommandConfig>(
    spec: JobSpec<C>,
    name: string,
    { settings, flags = {}, signal, print = () => {}, ports }: CommandStart = {},
  ): RunningCommand {
    // Whoever opened the ports closes them.
    const shared = { ...this.parts, ...ports, close: () => Promise.resolve() };
    const running = startCommand(spec, name, {
      config: this.#config(spec, settings),
      flags: spec.commands[name]!.flags.parse(flags),
      open: () => Promise.resolve(shared),
      logger: logTo(this.#o.sink, spec.name),
      signal: signal ?? this.#ending.signal,
      print,
    });
    running.done.catch(() => {});
    return running;
  }

  /** Starts a command that runs until {@linkcode end}. */
  keep<C extends CommandConfig>(spec: JobSpec<C>, name: string, settings = {}): RunningCommand {
    const running = this.start(spec, name, { settings });
    const ended = unlessStopped(running.done);
    ended.catch(this.#failure.reject);
    this.#kept.push(ended);
    return running;
  }

  /**
   * Starts the building of the next generation, on a thread of its own: what is live answers meanwhile.
   *
   * @param options.threads that fold days.
   */
  async startBatch(
    { threads, signal }: { readonly threads: number; readonly signal: AbortSignal },
  ): Promise<BatchThread> {
    // The place is ours and its batches run one by one: a lock is what a killed one has left.
    await breakLock(this.ports.store);
    return startBatchThread(this.#config(batch, { threads }), { signal, sink: this.#o.sink });
  }

  /** Tells those that were kept to end, and waits for it: what was taken is written first. */
  async end(): Promise<void> {
    this.#ending.abort();
    await Promise.all(this.#kept);
  }

  /** Lets go of the ports. */
  close(): Promise<void> {
    return unlessStopped(this.parts.close());
  }

  #config<C extends CommandConfig>(spec: JobSpec<C>, settings: object = {}): C {
    return configure(spec, this.#o.place, { ...this.#settings[spec.name], ...settings });
  }
}

/** A log of its own for a job. */
export function logTo(sink: JobsOptions["sink"], job: string): Logger {
  return createLogger({ sink, clock: systemClock, fields: { job } });
}

/** Waits for work, of which it is no failure that it was told to stop. */
export async function unlessStopped(work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!hasCode(error, "stopped")) throw error;
  }
}
