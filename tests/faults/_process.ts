/**
 * One job as a process, watched over as a cluster would: where it ends without having been asked,
 * it is started again.
 *
 * @module
 */

import { writePid } from "@pipeline/tools/servers";
import { freePort, pause } from "../support/demo.ts";

const ROOT = new URL("../../", import.meta.url).pathname;

/** Milliseconds until a job that ended is started again, as a kubelet waits at first. */
const RESTART_AFTER = 1_000;

/** Milliseconds that a job may take to drain before it is killed; longer than its own grace. */
const LONGEST_END = 90_000;

/** How a job is run. */
export interface JobOptions {
  /** Of this process, such as `ingest-2`; also its folder's. */
  readonly name: string;
  /** The job, such as `ingest`. */
  readonly job: string;
  /** Command of the job and further arguments. */
  readonly args: readonly string[];
  /** Its folder, which is made; whoever cleans up finds the process by the file `pid` there. */
  readonly folder: string;
  /** Configuration without `ops`. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Ends for good when it ends; else it is started again. */
  readonly once?: boolean;
}

/** How a process of a job ended. */
export interface Exit {
  /** -1 where a signal ended it. */
  readonly code: number;
  /** Whether we killed it, or told it to end. */
  readonly ours: boolean;
}

/** A job's process; see the module. */
export class JobProcess {
  readonly name: string;
  readonly #options: JobOptions;
  readonly #port = freePort();
  #crashes = 0;
  #child: Deno.ChildProcess | undefined;
  #ended: Promise<Exit> = Promise.resolve({ code: 0, ours: true });
  #wanted = false;
  #struck = false;

  constructor(options: JobOptions) {
    this.name = options.name;
    this.#options = options;
  }

  /** Of the process that runs, or ran last. */
  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  /** Whether it is to run. */
  get wanted(): boolean {
    return this.#wanted;
  }

  /** Ends that nobody had asked for, since {@linkcode forgive}. */
  get crashes(): number {
    return this.#crashes;
  }

  /** Counts crashes anew. */
  forgive(): void {
    this.#crashes = 0;
  }

  /** File with all that its processes wrote. */
  get log(): string {
    return `${this.#options.folder}/out.log`;
  }

  /** Starts it. */
  async start(): Promise<void> {
    const { folder, config } = this.#options;
    await Deno.mkdir(folder, { recursive: true });
    const ops = { host: "127.0.0.1", port: this.#port };
    await Deno.writeTextFile(`${folder}/config.json`, JSON.stringify({ ...config, ops }));
    this.#wanted = this.#options.once !== true;
    this.#spawn();
  }

  /** Sends a signal out of the blue. Resolves when the process is gone; what is wanted comes back. */
  async kill(signal: Deno.Signal = "SIGKILL"): Promise<Exit> {
    this.#struck = true;
    this.#signal(signal);
    return await this.#ended;
  }

  /** Tells it to drain and end, for good. */
  async stop(signal: Deno.Signal = "SIGTERM"): Promise<Exit> {
    this.#wanted = false;
    this.#struck = true;
    this.#signal(signal);
    const late = setTimeout(() => this.#signal("SIGKILL"), LONGEST_END);
    try {
      return await this.#ended;
    } finally {
      clearTimeout(late);
    }
  }

  /** Resolves when the process has ended. */
  get ended(): Promise<Exit> {
    return this.#ended;
  }

  /** Freezes it. */
  pause(): void {
    this.#signal("SIGSTOP");
  }

  /** Lets it go on. */
  resume(): void {
    this.#signal("SIGCONT");
  }

  /** What `/readyz` or `/healthz` says against it; `undefined` where nothing. */
  async objection(path: "/readyz" | "/healthz"): Promise<string | undefined> {
    try {
      const response = await this.#fetch(path);
      const { checks } = await response.json();
      if (response.ok) return undefined;
      const failing = (checks as { name: string; ok: boolean; detail: string }[])
        .filter(({ ok }) => !ok).map(({ name, detail }) => `${name}: ${detail}`);
      return `${this.name}: ${failing.join("; ")}`;
    } catch (error) {
      return `${this.name} does not answer: ${error}`;
    }
  }

  /** Sum of a metric's samples that carry all of the labels; `undefined` where it does not answer. */
  async metric(name: string, labels: Readonly<Record<string, string>> = {}): Promise<
    number | undefined
  > {
    try {
      const text = await (await this.#fetch("/metrics")).text();
      return sumOf(text, name, labels);
    } catch {
      return undefined;
    }
  }

  /** All that its processes wrote. */
  async output(): Promise<string> {
    return await Deno.readTextFile(this.log).catch(() => "");
  }

  /** Resolves once it has written something that matches, after position `from` of its output. */
  async says(
    pattern: RegExp,
    { from = 0, seconds = 60 }: { readonly from?: number; readonly seconds?: number } = {},
  ): Promise<string> {
    const end = performance.now() + seconds * 1000;
    for (;;) {
      const found = pattern.exec((await this.output()).slice(from));
      if (found !== null) return found[0];
      if (performance.now() > end) {
        throw new Error(`${this.name} did not say ${pattern} within ${seconds} s`);
      }
      await pause(20);
    }
  }

  async #fetch(path: string): Promise<Response> {
    const url = `http://127.0.0.1:${this.#port}${path}`;
    return await fetch(url, { signal: AbortSignal.timeout(3_000) });
  }

  #spawn(): void {
    const { job, args, folder } = this.#options;
    const main = `${ROOT}jobs/${job}/main.ts`;
    // The shell becomes the program: its output goes into a file, and nobody has to read it.
    const child = new Deno.Command("/bin/sh", {
      args: [
        ...["-c", 'log=$1; shift; exec "$@" >>"$log" 2>&1', "sh", this.log],
        ...[Deno.execPath(), "run", "--allow-all", "--no-check", "--frozen", main],
        ...[args[0]!, `--config=${folder}/config.json`, ...args.slice(1)],
      ],
      cwd: ROOT,
      env: { NO_COLOR: "1" },
      stdin: "null",
      stdout: "null",
      stderr: "null",
      detached: true,
    }).spawn();
    this.#child = child;
    this.#struck = false;
    writePid(folder, child.pid);
    this.#ended = child.status.then(({ code, signal }) => {
      const exit = { code: signal === null ? code : -1, ours: this.#struck };
      if (!exit.ours) this.#crashes++;
      // A number that is nobody's any more must not be killed by whoever cleans up.
      Deno.removeSync(`${folder}/pid`);
      if (this.#wanted) setTimeout(() => this.#wanted && this.#spawn(), RESTART_AFTER);
      return exit;
    });
  }

  #signal(signal: Deno.Signal): void {
    try {
      this.#child?.kill(signal);
    } catch (error) {
      // It has ended in the meantime.
      if (!(error instanceof TypeError || error instanceof Deno.errors.NotFound)) throw error;
    }
  }
}

/** Sum of the samples of one metric in Prometheus' text format. */
export function sumOf(
  text: string,
  name: string,
  labels: Readonly<Record<string, string>>,
): number {
  let sum = 0;
  for (const line of text.split("\n")) {
    const [, metric, set = "", value] = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
    if (metric !== name) continue;
    const has = ([label, wanted]: [string, string]) => set.includes(`${label}="${wanted}"`);
    if (Object.entries(labels).every(has)) sum += Number(value);
  }
  return sum;
}
