import { assertEquals, assertStringIncludes } from "@std/assert";
import { PipelineError, type ServingStore } from "@pipeline/core";
import { TestClock } from "./clock.ts";
import { Health } from "./health.ts";
import { createLogger } from "./log.ts";
import { Metrics } from "./metrics.ts";
import { patient } from "./patient.ts";
import { retry } from "./retry.ts";
import { Trouble } from "./trouble.ts";

function open() {
  const clock = new TestClock();
  const lines: { readonly level: string; readonly msg: string }[] = [];
  const logger = createLogger({ clock, sink: (line) => void lines.push(JSON.parse(line)) });
  const health = new Health(clock);
  const metrics = new Metrics();
  const trouble = new Trouble({ health, metrics, logger });
  return { clock, lines, health, metrics, trouble };
}

const busy = (what = "HDFS") => new PipelineError("unavailable", `${what} is away`);

Deno.test("Trouble reports retries and their end in log, readiness and metrics", async () => {
  const { clock, lines, health, metrics, trouble } = open();
  let away = true;
  const work = retry(() => away ? Promise.reject(busy()) : Promise.resolve(1), {
    ...trouble.retry,
    clock,
  });
  await clock.advance(60_000);
  const [dependencies] = health.report().checks;
  assertEquals([dependencies!.name, dependencies!.ok], ["dependencies", false]);
  assertStringIncludes(dependencies!.detail, "HDFS is away");
  assertStringIncludes(trouble.why!, "HDFS is away");
  const text = await metrics.render();
  assertStringIncludes(text, "job_retrying 1");
  away = false;
  assertEquals(await clock.run(work), 1);
  assertEquals([trouble.why, health.report().ready], [undefined, true]);
  assertStringIncludes(await metrics.render(), "job_retrying 0");
  assertEquals(lines[0]!.msg, "Retrying: HDFS is away");
  assertEquals(lines.at(-1)!.msg, "Succeeded after retries");
});

Deno.test("Trouble is no flood of lines, however many calls meet a long outage", async () => {
  const { clock, lines, trouble } = open();
  const stop = new AbortController();
  const path = (i: number) => `Reading /data/posts/hour=${i}/data_${i}.json`;
  const calls = Array.from({ length: 16 }, (_, i) =>
    retry(() => Promise.reject(busy(path(i))), {
      ...trouble.retry,
      clock,
      signal: stop.signal,
    }).catch(() => {}));
  await clock.advance(600_000);
  assertEquals(lines[0]!.msg, `Retrying: ${path(0)} is away`);
  assertEquals(lines.length < 20, true, `${lines.length} lines`);
  // Another kind of failure meanwhile is logged at once.
  const before = lines.length;
  const other = retry(() => Promise.reject(busy("Elasticsearch")), {
    ...trouble.retry,
    clock,
    signal: stop.signal,
  }).catch(() => {});
  await clock.advance(1);
  assertEquals(lines.slice(before).map(({ msg }) => msg), ["Retrying: Elasticsearch is away"]);
  stop.abort();
  await Promise.all([...calls, other]);
  assertEquals(trouble.why, undefined);
});

Deno.test("Trouble names a call that has no answer for long", async () => {
  const { lines, trouble } = open();
  const answer = Promise.withResolvers<number>();
  const ports = { store: { current: () => answer.promise } as unknown as ServingStore };
  const current = patient(ports, { ...trouble.retry, slowAfter: 5 }).store.current();
  while (lines.length < 2) await new Promise((resolve) => setTimeout(resolve, 5));
  answer.resolve(3);
  assertEquals(await current, 3);
  assertEquals(lines[0]!.msg, "Still waiting: Asking which generation serves");
});
