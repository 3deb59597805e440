import { PipelineError, type ServingStore } from "@pipeline/core";
import { assertEquals, assertRejects } from "@std/assert";
import { z } from "zod";
import { systemClock } from "./clock.ts";
import { type ProcessConfig, processFields } from "./job_config.ts";
import { command, type JobSpec } from "./job_spec.ts";
import { createLogger } from "./log.ts";
import { type RunningCommand, startCommand } from "./running.ts";

type Config = ProcessConfig & { readonly elasticsearch?: string | undefined };

const spec: JobSpec<Config> = {
  name: "job",
  summary: "A job",
  config: z.strictObject({ ...processFields, elasticsearch: z.string().optional() }),
  needs: ["elasticsearch"],
  commands: {
    ask: command({
      summary: "Asks the store",
      flags: { times: z.int().default(1) },
      run: async ({ store }, { metrics, print }, { times }) => {
        const asked = metrics.counter("asked_total", { help: "Questions" });
        for (let i = 0; i < times; i++) {
          await store.current();
          asked.add(1);
        }
        print("asked");
        return 3;
      },
    }),
  },
};

/** Starts the command on a store that is away for a number of calls. */
function ask(away: number, { signal, flags }: { signal?: AbortSignal; flags?: object } = {}) {
  const lines: string[] = [];
  const current = () =>
    away-- > 0
      ? Promise.reject(new PipelineError("unavailable", "The store is away"))
      : Promise.resolve(1);
  let closed = 0;
  const running = startCommand(spec, "ask", {
    config: spec.config.parse({}),
    flags: spec.commands.ask!.flags.parse(flags ?? {}),
    open: () =>
      Promise.resolve({
        store: { current } as unknown as ServingStore,
        close: () => Promise.resolve(void closed++),
      }),
    logger: createLogger({ sink: () => {}, clock: systemClock }),
    signal: signal ?? new AbortController().signal,
    print: (line) => lines.push(line),
  });
  return { running, lines, closed: () => closed };
}

const asked = ({ metrics }: RunningCommand) => metrics.read("asked_total");

Deno.test("startCommand() runs commands beside each other, each with figures of its own", async () => {
  const [one, two] = [ask(2), ask(0, { flags: { times: 5 } })];
  assertEquals(await Promise.all([one.running.done, two.running.done]), [3, 3]);
  assertEquals([await asked(one.running), await asked(two.running)], [1, 5]);
  assertEquals(await one.running.metrics.read("job_retries_total", { code: "unavailable" }), 2);
  assertEquals([one.lines, one.closed(), two.closed()], [["asked"], 1, 1]);
  assertEquals(await one.running.metrics.read("process_cpu_seconds_total"), undefined);
});

Deno.test("startCommand() rejects with `stopped` if it is ended while it waits", async () => {
  const stop = new AbortController();
  const { running, closed } = ask(Infinity, { signal: stop.signal });
  while (running.trouble === undefined) await systemClock.sleep(1);
  assertEquals(running.health.report().ready, false);
  stop.abort();
  await assertRejects(() => running.done, PipelineError, "was stopped");
  assertEquals([closed(), await asked(running)], [1, 0]);
});
