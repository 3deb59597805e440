/**
 * Runs the demo the way people do: as a process with a terminal's signals, on a folder
 * and a port of its own. Whatever fails shows what the processes wrote.
 */

import { pause } from "./eventually.ts";

export { pause };

const ROOT = new URL("../../", import.meta.url).pathname;

/** What `make demo` reads from the environment. */
export type DemoVariables = Partial<
  Record<"DURATION" | "PORT" | "DATA" | "RATE" | "SEED" | "POSTS" | "COMMENTS", string>
>;

/** How a demo is started. */
export interface DemoStart extends DemoVariables {
  /** Further options of scripts/demo. */
  readonly args?: readonly string[];
  /** Through `make demo`; scripts/demo itself where not given. */
  readonly make?: boolean;
  /** On a terminal. */
  readonly terminal?: boolean;
}

/** A folder with the demos that run on it, one after the other or beside each other. */
export class DemoFolder {
  /** Holds `data` and whatever a test puts beside it. */
  readonly path: string = Deno.makeTempDirSync({ prefix: "demo-" });
  readonly port: number = freePort();
  readonly #started: Program[] = [];

  /** The data folder. */
  get data(): string {
    return `${this.path}/data`;
  }

  /** Puts a file beside the data, and returns its path. */
  async file(name: string, content: Uint8Array | string): Promise<string> {
    const path = `${this.path}/${name}`;
    const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
    await Deno.writeFile(path, bytes);
    return path;
  }

  /** Starts a demo. */
  start({ args = [], make = false, terminal = false, ...variables }: DemoStart = {}): Demo {
    const command = make ? ["make", "demo"] : ["scripts/demo", ...args];
    const port = variables.PORT ?? String(this.port);
    const env = { ...NO_VARIABLES, DATA: this.data, ...variables, PORT: port };
    const demo = new Demo(terminal ? [...TERMINAL, ...command] : command, env);
    this.#started.push(demo);
    return demo;
  }

  /** Runs a demo to its end. */
  async run(options: DemoStart = {}): Promise<Demo> {
    const demo = this.start(options);
    await demo.ended();
    return demo;
  }

  /** Runs the `verify` command. */
  async verify(data: string = this.data): Promise<Program> {
    const main = `${ROOT}jobs/demo/main.ts`;
    const allowed = [`--allow-read=${ROOT},${data}`, `--allow-write=${data}`];
    const program = new Program(
      ["scripts/deno", "run", "--frozen", "--no-check", ...allowed, main, "verify", "--data", data],
      {},
    );
    this.#started.push(program);
    await program.ended();
    return program;
  }

  /** Ends whatever runs, and removes the folder. */
  async remove(): Promise<void> {
    for (const program of this.#started) await program.kill();
    await Deno.remove(this.path, { recursive: true });
  }

  /** What all programs wrote, the last one first. */
  transcript(): string {
    return this.#started.map((program) => program.transcript()).reverse().join("\n");
  }
}

/** Calls a test with a folder, and adds to what it throws what the programs wrote. */
export async function onFolder(test: (folder: DemoFolder) => Promise<void>): Promise<void> {
  const folder = new DemoFolder();
  try {
    await test(folder);
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`${message}\n\n${folder.transcript()}`, { cause });
  } finally {
    await folder.remove();
  }
}

/** A process group of its own: what it starts ends with it. */
export class Program {
  readonly #command: string;
  readonly #child: Deno.ChildProcess;
  readonly #read: Promise<void>;
  readonly #status: Promise<Deno.CommandStatus>;
  readonly #started = performance.now();
  readonly #waiting = new Set<() => void>();
  #all = "";
  #result: Deno.CommandStatus | undefined;
  /** What came on standard output so far. */
  stdout = "";
  /** What came on standard error so far, without make's own words. */
  stderr = "";

  constructor(command: readonly string[], env: Readonly<Record<string, string>>) {
    this.#command = command.join(" ");
    this.#child = new Deno.Command(command[0]!, {
      args: command.slice(1),
      cwd: ROOT,
      env: { NO_COLOR: "1", ...env },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
      // A terminal signals its whole foreground group, and so do we.
      detached: true,
    }).spawn();
    const take = async (stream: ReadableStream<Uint8Array>, add: (text: string) => void) => {
      for await (const text of stream.pipeThrough(new TextDecoderStream())) {
        add(text);
        this.#all += text;
        this.#wake();
      }
    };
    this.#read = Promise.all([
      take(this.#child.stdout, (text) => this.stdout += text),
      take(this.#child.stderr, (text) => this.stderr += text.replaceAll(/^make: \*\*\*.*\n/gm, "")),
    ]).then(() => {});
    this.#status = this.#child.status.then(async (status) => {
      await this.#read;
      this.#result = status;
      this.#wake();
      return status;
    });
  }

  /** Whether it has not ended yet. */
  get running(): boolean {
    return this.#result === undefined;
  }

  /** What it said, for messages. */
  transcript(): string {
    const { code, signal } = this.#result ?? {};
    const end = this.running ? "runs" : signal === null ? `exit ${code}` : `ended by ${signal}`;
    return `--- ${this.#command} (${end})\n${this.#all}`;
  }

  /** Resolves with its exit code once it ended by itself; -1 where a signal ended it. */
  async ended(seconds = 120): Promise<number> {
    const { code, signal } = await this.#soon(this.#status, { seconds, what: "its end" });
    return signal === null ? code : -1;
  }

  /** Resolves once standard output matches. */
  async says(pattern: RegExp, seconds = 60): Promise<RegExpExecArray> {
    return await this.until(() => pattern.exec(this.stdout) ?? undefined, {
      seconds,
      what: String(pattern),
    });
  }

  /** Resolves with what `look` finds; it is asked at every word and every few milliseconds. */
  async until<T>(
    look: () => T | undefined | Promise<T | undefined>,
    { seconds = 60, what }: { readonly seconds?: number; readonly what: string },
  ): Promise<T> {
    const deadline = performance.now() + seconds * 1000;
    for (;;) {
      const found = await look();
      if (found !== undefined) return found;
      if (!this.running) throw new Error(`The program ended before ${what}`);
      if (performance.now() > deadline) throw new Error(`${what} took over ${seconds} s`);
      await Promise.race([this.#word(), pause(10)]);
    }
  }

  /** Signals the whole group, as a terminal does. */
  signal(signal: Deno.Signal): void {
    try {
      Deno.kill(-this.#child.pid, signal);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error; // It has ended in the meantime.
    }
  }

  /** Ends the whole group at once, and waits until it is gone. */
  async kill(): Promise<void> {
    this.signal("SIGKILL");
    await this.#status;
  }

  /** Seconds since the start. */
  get seconds(): number {
    return (performance.now() - this.#started) / 1000;
  }

  #word(): Promise<void> {
    return new Promise((resolve) => void this.#waiting.add(resolve));
  }

  #wake(): void {
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }

  async #soon<T>(
    promise: Promise<T>,
    { seconds, what }: { readonly seconds: number; readonly what: string },
  ): Promise<T> {
    let timer: number | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`${what} took over ${seconds} s`)), seconds * 1000);
    });
    try {
      return await Promise.race([promise, late]);
    } finally {
      clearTimeout(timer);
    }
  }
}

/** A demo, and the API that it serves. */
export class Demo extends Program {
  readonly #url: string;

  constructor(command: readonly string[], env: Readonly<Record<string, string>>) {
    super(command, env);
    this.#url = `http://localhost:${env.PORT}`;
  }

  /** Asks the API. */
  async fetch(path: string): Promise<Response> {
    return await fetch(`${this.#url}${path}`, { signal: AbortSignal.timeout(20_000) });
  }

  /** Asks the API for JSON; an answer other than 200 is an error. */
  // deno-lint-ignore no-explicit-any -- answers are looked at field by field
  async get(path: string): Promise<any> {
    const response = await this.fetch(path);
    const text = await response.text();
    if (response.status !== 200) throw new Error(`${path} answers ${response.status}: ${text}`);
    return JSON.parse(text);
  }

  /** Resolves once `test` holds for the status; until then it may also not answer. */
  // deno-lint-ignore no-explicit-any -- see above
  async status(what: string, test: (status: any) => boolean): Promise<any> {
    return await this.until(async () => {
      const status = await this.get("/v1/status").catch(() => undefined);
      return status !== undefined && test(status) ? status : undefined;
    }, { what });
  }

  /** A line of the closing table by its name. */
  row(name: string): string {
    const line = this.stdout.split("\n").find((line) => line.startsWith(`  ${name} `));
    if (line === undefined) throw new Error(`The table has no line ${JSON.stringify(name)}`);
    return line.slice(name.length + 2).trim();
  }

  /** The number at the start of a line of the closing table. */
  figure(name: string): number {
    const digits = /^[\d,]+/.exec(this.row(name))?.[0] ?? "";
    return Number(digits.replaceAll(",", "") || NaN);
  }
}

/** A port that nobody listens to at the moment. */
export function freePort(): number {
  const listener = Deno.listen({ hostname: "0.0.0.0", port: 0 });
  const { port } = listener.addr;
  listener.close();
  return port;
}

// What the tests themselves were started with must not reach the demo.
const NO_VARIABLES: Readonly<Record<string, string>> = {
  DURATION: "",
  RATE: "",
  SEED: "",
  POSTS: "",
  COMMENTS: "",
  MAKEFLAGS: "",
  MAKELEVEL: "",
};

const TERMINAL = [
  "python3",
  "-c",
  "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))",
];
