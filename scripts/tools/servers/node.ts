/**
 * One server process, which can be started, killed, paused and restarted on the same data.
 *
 * @module
 */

import { PipelineError } from "@pipeline/core";
import { lastLines } from "./command.ts";
import { isAlive, type ProcessId, readPid, send, writePid } from "./process.ts";

/**
 * A second listener of a broker, for a proxy in front of it: brokers advertise their addresses, and
 * so must name the proxy to clients that come through it.
 */
export interface Proxied {
  /** `host:port` on which the proxy must listen, and to which clients connect first. */
  readonly proxy: string;
  /** `host:port` to which the proxy must forward everything. */
  readonly behind: string;
}

/** How to start a node, and how to check that it answers. Plain data besides `answers`. */
export interface NodeSpec {
  /** Such as `kafka-1`; also the name of its folder. */
  readonly name: string;
  /** `host:port` for clients. */
  readonly endpoint: string;
  /** The program and its arguments. */
  readonly command: readonly string[];
  /** The listener for a proxy, if there is one. */
  readonly proxied?: Proxied;
  /** Added to the environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Rejects, or resolves with false, as long as it does not answer. */
  answers(): Promise<boolean>;
}

/** Milliseconds that a node may take to answer. */
const START_TIMEOUT = 300_000;

/** Milliseconds that a node may take to end on request. */
const STOP_TIMEOUT = 20_000;

/** A server process. */
export class ServerNode {
  readonly #spec: NodeSpec;
  readonly #folder: string;
  #last: ProcessId | undefined;

  /** @param folder its own, existing folder. A process in its file `pid` is taken over. */
  constructor(spec: NodeSpec, folder: string) {
    this.#spec = spec;
    this.#folder = folder;
    this.#last = readPid(folder);
  }

  /** Such as `kafka-1`. */
  get name(): string {
    return this.#spec.name;
  }

  /** `host:port` for clients. */
  get endpoint(): string {
    return this.#spec.endpoint;
  }

  /** The listener for a proxy, if there is one. */
  get proxied(): Proxied | undefined {
    return this.#spec.proxied;
  }

  /** Id of the current or the last process; 0 if there was none. */
  get pid(): number {
    return this.#id?.pid ?? 0;
  }

  /** Whether the process is alive. */
  get runs(): boolean {
    const id = this.#id;
    return id !== undefined && isAlive(id);
  }

  /** The current or the last process. */
  get #id(): ProcessId | undefined {
    return readPid(this.#folder) ?? this.#last;
  }

  /** File with the process's output. */
  get log(): string {
    return `${this.#folder}/out.log`;
  }

  /** Starts the process. Resolves once it answers. */
  async start(): Promise<void> {
    this.spawn();
    await this.ready();
  }

  /** Starts the process without waiting for it. */
  spawn(): void {
    if (this.runs) throw new PipelineError("conflict", `${this.name} runs already`);
    const { command, env } = this.#spec;
    // The shell execs the program: its output goes into a file, which nobody has to drain.
    const child = new Deno.Command("/bin/sh", {
      args: ["-c", 'log=$1; shift; exec "$@" >>"$log" 2>&1', "sh", this.log, ...command],
      ...(env === undefined ? {} : { env }),
      cwd: this.#folder,
      stdin: "null",
      stdout: "null",
      stderr: "null",
      detached: true,
    }).spawn();
    child.unref();
    this.#last = writePid(this.#folder, child.pid);
  }

  /** Waits until the node answers. */
  async ready(timeout: number = START_TIMEOUT): Promise<void> {
    const end = performance.now() + timeout;
    let why: unknown;
    while (performance.now() < end) {
      if (!this.runs) throw this.#failure("ended while it started", why);
      try {
        if (await this.#spec.answers()) return;
      } catch (error) {
        why = error;
      }
      await pause(100);
    }
    throw this.#failure(`did not answer within ${timeout / 1000} s`, why);
  }

  /** Ends the process with a signal. Resolves when it is gone. */
  async kill(signal: Deno.Signal = "SIGKILL"): Promise<void> {
    const id = this.#id;
    if (id !== undefined) {
      send(id, signal);
      const end = performance.now() + STOP_TIMEOUT;
      while (isAlive(id)) {
        if (performance.now() > end) send(id, "SIGKILL");
        await pause(20);
      }
    }
    await Deno.remove(`${this.#folder}/pid`).catch(() => {});
  }

  /** Freezes the process. */
  pause(): void {
    this.#send("SIGSTOP");
  }

  /** Resumes the process. */
  resume(): void {
    this.#send("SIGCONT");
  }

  #send(signal: Deno.Signal): void {
    const id = this.#id;
    if (id !== undefined) send(id, signal);
  }

  #failure(what: string, cause: unknown): PipelineError {
    let output = "";
    try {
      output = lastLines(Deno.readTextFileSync(this.log));
    } catch {
      // It has no output.
    }
    return new PipelineError("unavailable", `${this.name} ${what}. Its last lines:\n${output}`, {
      cause,
    });
  }
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
