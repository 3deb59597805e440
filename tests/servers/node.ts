/**
 * One server process: started, killed, paused and started again on the same data.
 *
 * @module
 */

import { PipelineError } from "@pipeline/core";
import process from "node:process";
import { lastLines } from "./_command.ts";

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
const START_TIMEOUT = 120_000;

/** Milliseconds that a node may take to end once asked. */
const STOP_TIMEOUT = 20_000;

/** A server process. */
export class ServerNode {
  readonly #spec: NodeSpec;
  readonly #folder: string;
  #pid: number | undefined;

  /** @param folder of its own, which exists. A process that its file `pid` names is taken over. */
  constructor(spec: NodeSpec, folder: string) {
    this.#spec = spec;
    this.#folder = folder;
    this.#pid = readPid(folder);
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
    return readPid(this.#folder) ?? this.#pid ?? 0;
  }

  /** Whether the process is there. */
  get runs(): boolean {
    return isAlive(this.pid);
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
    this.#pid = child.pid;
    Deno.writeTextFileSync(`${this.#folder}/pid`, String(child.pid));
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
    const { pid } = this;
    send(pid, signal);
    const end = performance.now() + STOP_TIMEOUT;
    while (isAlive(pid)) {
      if (performance.now() > end) send(pid, "SIGKILL");
      await pause(20);
    }
    await Deno.remove(`${this.#folder}/pid`).catch(() => {});
  }

  /** Freezes the process. */
  pause(): void {
    send(this.pid, "SIGSTOP");
  }

  /** Lets it go on. */
  resume(): void {
    send(this.pid, "SIGCONT");
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

function readPid(folder: string): number | undefined {
  try {
    return Number(Deno.readTextFileSync(`${folder}/pid`));
  } catch {
    return undefined;
  }
}

/** Whether there is a process of that number that has not ended. */
export function isAlive(pid: number): boolean {
  if (pid <= 0) return false;
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  // One that has ended stays until its parent has asked for its end.
  try {
    const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
    return stat.slice(stat.lastIndexOf(")") + 2, stat.lastIndexOf(")") + 3) !== "Z";
  } catch (error) {
    return !(error instanceof Deno.errors.NotFound) || Deno.build.os !== "linux";
  }
}

function send(pid: number, signal: Deno.Signal): void {
  try {
    if (pid > 0) Deno.kill(pid, signal);
  } catch (error) {
    if (isAlive(pid)) throw error;
  }
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
