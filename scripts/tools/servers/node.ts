/**
 * One server process: started, killed, paused and started again on the same data.
 *
 * @module
 */

import { PipelineError } from "@pipeline/core";
import { lastLines } from "./command.ts";
import { isAlive, type ProcessId, readPid, send, writePid } from "./process.ts";

/**
 * A second listener of a broker, for a proxy in front of it: brokers tell clients where to find each of
 * them, and so must name the proxy to whoever comes through it.
 */
export interface Proxied {
  /** `host:port` where the proxy is to listen, and where clients begin. */
  readonly proxy: string;
  /** `host:port` that the proxy is to pass everything on to. */
  readonly behind: string;
}

/** What starts a node, and how it is known to answer. Plain data besides `answers`. */
export interface NodeSpec {
  /** Such as `kafka-1`; also the name of its folder. */
  readonly name: string;
  /** `host:port` of what clients talk to. */
  readonly endpoint: string;
  /** The program and its arguments. */
  readonly command: readonly string[];
  /** Where there is a listener for a proxy. */
  readonly proxied?: Proxied;
  /** Added to the environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Rejects, or resolves with false, as long as it does not answer. */
  answers(): Promise<boolean>;
}

/** Milliseconds that a node may take to answer. */
const START_TIMEOUT = 300_000;

/** Milliseconds that a node may take to end once asked. */
const STOP_TIMEOUT = 20_000;

/** A server process. */
export class ServerNode {
  readonly #spec: NodeSpec;
  readonly #folder: string;
  #last: ProcessId | undefined;

  /** @param folder of its own, which exists. A process that its file `pid` names is taken over. */
  constructor(spec: NodeSpec, folder: string) {
    this.#spec = spec;
    this.#folder = folder;
    this.#last = readPid(folder);
  }

  /** Such as `kafka-1`. */
  get name(): string {
    return this.#spec.name;
  }

  /** `host:port` of what clients talk to. */
  get endpoint(): string {
    return this.#spec.endpoint;
  }

  /** The listener for a proxy, where there is one. */
  get proxied(): Proxied | undefined {
    return this.#spec.proxied;
  }

  /** Of the process, or of the last one; 0 where there never was one. */
  get pid(): number {
    return this.#id?.pid ?? 0;
  }

  /** Whether the process is there. */
  get runs(): boolean {
    const id = this.#id;
    return id !== undefined && isAlive(id);
  }

  /** The process, or the last one. */
  get #id(): ProcessId | undefined {
    return readPid(this.#folder) ?? this.#last;
  }

  /** File with what the process writes. */
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
    // The shell becomes the program: its output goes into a file, and nobody has to read it.
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

  /** Lets it go on. */
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
      // It has written nothing.
    }
    return new PipelineError("unavailable", `${this.name} ${what}. Its last lines:\n${output}`, {
      cause,
    });
  }
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
