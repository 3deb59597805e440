import { PipelineError, type ServingStore } from "@pipeline/core";
import { assert, assertEquals } from "@std/assert";
import { z } from "zod";
import { type Job, jobCommand, runJob } from "./job.ts";
import { type ProcessConfig, processFields } from "./job_config.ts";
import type { SignalSource, StopSignal } from "./shutdown.ts";

/** A store that is away for a number of calls. */
function store(away: number): { readonly store: ServingStore; close(): Promise<void> } {
  const current = () =>
    away-- > 0
      ? Promise.reject(new PipelineError("unavailable", "The store is away"))
      : Promise.resolve(7);
  const close = () => Promise.resolve();
  return { store: { current, close } as unknown as ServingStore, close };
}

/** Runs a command. Returns its exit code and its lines. */
async function run(
  work: (job: Job<ProcessConfig>) => Promise<number | void>,
  signals?: SignalSource,
): Promise<{ code: number; lines: { level: string; msg: string }[] }> {
  const lines: { level: string; msg: string }[] = [];
  const command = jobCommand({
    summary: "Tries",
    config: z.strictObject(processFields),
    flags: z.strictObject({}),
    run: work,
  });
  const code = await runJob({ name: "job", summary: "A job", commands: { try: command } }, {
    args: ["try"],
    env: {},
    print: (line) => void lines.push(JSON.parse(line)),
    printError: (line) => void lines.push({ level: "error", msg: line }),
    ...(signals === undefined ? {} : { signals }),
  });
  return { code, lines };
}

Deno.test("using() gives a command ports that wait for what passes", async () => {
  let found: unknown;
  const { code, lines } = await run((job) =>
    job.using(() => Promise.resolve(store(3)), async ({ store }) => {
      found = await store.current();
    })
  );
  assertEquals([code, found], [0, 7]);
  assertEquals(lines.at(0)?.msg, "Trying again: The store is away");
  assertEquals(lines.at(-1)?.msg, "Succeeded in the end");
});

Deno.test("usingOnce() gives whoever answers others ports that fail at once", async () => {
  const { code } = await run((job) =>
    job.usingOnce(() => Promise.resolve(store(1)), async ({ store }) => {
      await store.current();
    })
  );
  assertEquals(code, 1);
});

Deno.test("a command that is told to end says what it still waited for", async () => {
  let tell: ((signal: StopSignal) => void) | undefined;
  const signals: SignalSource = {
    listen: (listener) => {
      tell = listener;
      return () => {};
    },
  };
  const { code, lines } = await run(
    (job) =>
      job.using(() => Promise.resolve(store(Infinity)), async ({ store }) => {
        setTimeout(() => tell!("SIGTERM"), 300);
        await store.current();
      }),
    signals,
  );
  assertEquals(code, 0);
  const [why] = lines.filter(({ level }) => level === "error");
  assert(/^Told to end while it still waited: tried \d+ times: The store is away$/.test(why!.msg));
});
