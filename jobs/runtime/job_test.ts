import { PipelineError, type ServingStore } from "@pipeline/core";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { z } from "zod";
import { loadConfig } from "./config.ts";
import { runJob } from "./job.ts";
import { type ProcessConfig, processFields } from "./job_config.ts";
import { command, commandConfig, type JobSpec } from "./job_spec.ts";
import type { SignalSource, StopSignal } from "./shutdown.ts";

/** A store that is unavailable for a number of calls. */
function store(away: number): { readonly store: ServingStore; close(): Promise<void> } {
  const current = () =>
    away-- > 0
      ? Promise.reject(new PipelineError("unavailable", "The store is away"))
      : Promise.resolve(7);
  const close = () => Promise.resolve();
  return { store: { current, close } as unknown as ServingStore, close };
}

interface Config extends ProcessConfig {
  readonly elasticsearch?: string | undefined;
}

/**
 * Runs a command on a store that is unavailable for a number of calls. Returns its exit code and
 * its lines.
 */
async function run(
  away: number,
  work: (ports: { readonly store: ServingStore }) => Promise<void>,
  { signals, impatient = false }: {
    readonly signals?: SignalSource;
    readonly impatient?: boolean;
  } = {},
): Promise<{ code: number; lines: { level: string; msg: string }[] }> {
  const lines: { level: string; msg: string }[] = [];
  const spec: JobSpec<Config> = {
    name: "job",
    summary: "A job",
    config: z.strictObject({ ...processFields, elasticsearch: z.string().optional() }),
    needs: ["elasticsearch"],
    commands: { try: command({ summary: "Tries", impatient, run: work }) },
  };
  const code = await runJob(spec, {
    args: ["try"],
    env: { CONFIG__ELASTICSEARCH: "here" },
    print: (line) => void lines.push(JSON.parse(line)),
    printError: (line) => void lines.push({ level: "error", msg: line }),
    open: () => Promise.resolve(store(away)),
    ...(signals === undefined ? {} : { signals }),
  });
  return { code, lines };
}

Deno.test("runJob() gives a command ports that wait for what passes", async () => {
  let found: unknown;
  const { code, lines } = await run(3, async ({ store }) => {
    found = await store.current();
  });
  assertEquals([code, found], [0, 7]);
  assertEquals(lines.at(0)?.msg, "Retrying: The store is away");
  assertEquals(lines.at(-1)?.msg, "Succeeded after retries");
});

Deno.test("runJob() gives a command that answers others ports that fail at once", async () => {
  const { code } = await run(1, async ({ store }) => void await store.current(), {
    impatient: true,
  });
  assertEquals(code, 1);
});

Deno.test("a command that is stopped reports what it was still waiting for", async () => {
  let tell: ((signal: StopSignal) => void) | undefined;
  const signals: SignalSource = {
    listen: (listener) => {
      tell = listener;
      return () => {};
    },
  };
  const { code, lines } = await run(Infinity, async ({ store }) => {
    setTimeout(() => tell!("SIGTERM"), 300);
    await store.current();
  }, { signals });
  assertEquals(code, 0);
  const [why] = lines.filter(({ level }) => level === "error");
  assert(/^Stopped while it was still waiting: tried \d+ times: The store is away$/.test(why!.msg));
});

Deno.test("commandConfig() names the servers that a command cannot do without", () => {
  const server = z.string().optional();
  type Given = Partial<Record<"kafka" | "hdfs" | "embedded", string | undefined>>;
  const spec: JobSpec<ProcessConfig & Given> = {
    name: "job",
    summary: "A job",
    config: z.strictObject({ ...processFields, kafka: server, hdfs: server, embedded: server }),
    needs: ["kafka", "hdfs"],
    commands: {
      all: command({ summary: "Needs all", run: async () => {} }),
      some: command({
        summary: "Needs one, or both",
        needs: ["hdfs"],
        flags: { log: z.boolean().default(false) },
        also: (_, { log }) => log ? ["kafka"] : [],
        run: async () => {},
      }),
    },
  };
  const refused = (name: string, file: object, flags = {}) =>
    assertThrows(() => loadConfig(commandConfig(spec, name, flags), { file }), PipelineError)
      .message;
  const missing = (name: string) =>
    `"${name}" is missing: it must be given, unless "embedded" replaces it`;
  assertEquals(refused("all", {}), `${missing("kafka")}\n${missing("hdfs")}`);
  assertEquals(refused("some", {}), missing("hdfs"));
  assertEquals(refused("some", { hdfs: "here" }, { log: true }), missing("kafka"));
  for (const name of ["all", "some"]) {
    loadConfig(commandConfig(spec, name), { file: { embedded: "here" } });
  }
});
