/**
 * The jobs' commands in one process, on shared ports.
 *
 * @module
 */

import { breakLock } from "@pipeline/batch";
import { batch } from "@pipeline/batch/job";
import { hasCode } from "@pipeline/core";
import { LocalParts } from "@pipeline/protocol";
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

/** Options of {@linkcode Jobs.start}. */
export interface CommandStart {
  /** Configuration in addition to the job's settings in this process. */
  readonly settings?: object;
  /** Flags, by their names in camelCase. */
  readonly flags?: object;
  /** Ends the command; by default {@linkcode Jobs.end} does. */
  readonly signal?: AbortSignal;
  /** Receives a line that the command writes to standard output. */
  readonly print?: (line: string) => void;
  /** Ports that replace shared ones. */
  readonly ports?: Partial<Ports>;
}

/** Options of {@linkcode Jobs.open}. */
export interface JobsOptions {
  /** The folder or the servers of the jobs. */
  readonly place: Place;
  /** `own`: the one process that may append to the log; `join`: beside it. */
  readonly access: "own" | "join";
  /** Writes a line of the log of any job. */
  readonly sink: (line: string) => void;
}

/** Jobs in this process. */
export class Jobs {
  /** The shared ports. */
  readonly parts: Parts;
  /** The shared ports, retrying without limit. */
  readonly ports: Patient<Parts>;
  readonly #o: JobsOptions;
  /** Speed offers its folds to serving without a network. */
  readonly #live = new LocalParts();
  readonly #settings: Settings;
  readonly #ending = new AbortController();
  readonly #kept: Promise<void>[] = [];
  readonly #failure = Promise.withResolvers<never>();
  /** Rejects if a command that was started by {@linkcode keep} fails. */
  readonly failed: Promise<never> = this.#failure.promise;

  private constructor(options: JobsOptions, parts: Parts, logger: Logger) {
    this.#o = options;
    this.#settings = settingsOf(options.place);
    this.parts = parts;
    this.ports = patient(parts, { ...logRetries(logger), signal: this.#ending.signal });
  }

  /** Opens the ports. Rejects with `conflict` if another process owns the place. */
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
    // `Jobs` opened the ports, and closes them.
    const shared = {
      ...this.parts,
      parts: this.#live,
      ...ports,
      close: () => Promise.resolve(),
    };
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
  keep<C extends CommandConfig>(
    spec: JobSpec<C>,
    name: string,
    options: CommandStart = {},
  ): RunningCommand {
    const running = this.start(spec, name, options);
    const ended = unlessStopped(running.done);
    ended.catch(this.#failure.reject);
    this.#kept.push(ended);
    return running;
  }

  /**
   * Starts to build the next generation on a separate thread, so that live records are not delayed.
   *
   * @param options.threads number of threads that fold days.
   */
  async startBatch(
    { threads, signal }: { readonly threads: number; readonly signal: AbortSignal },
  ): Promise<BatchThread> {
    // This process owns the place and builds one generation at a time, so a lock is a killed run's.
    await breakLock(this.ports.store);
    return startBatchThread(this.#config(batch, { threads }), { signal, sink: this.#o.sink });
  }

  /** Drains the kept commands: they write all that they have read, then end. */
  async end(): Promise<void> {
    this.#ending.abort();
    await Promise.all(this.#kept);
  }

  /** Closes the ports. */
  close(): Promise<void> {
    return unlessStopped(this.parts.close());
  }

  #config<C extends CommandConfig>(spec: JobSpec<C>, settings: object = {}): C {
    return configure(spec, this.#o.place, { ...this.#settings[spec.name], ...settings });
  }
}

/** The log of one job. */
export function logTo(sink: JobsOptions["sink"], job: string): Logger {
  return createLogger({ sink, clock: systemClock, fields: { job } });
}

/** Waits for work that may be stopped without failing. */
export async function unlessStopped(work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!hasCode(error, "stopped")) throw error;
  }
}
