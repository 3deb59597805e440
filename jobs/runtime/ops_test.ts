import { assertEquals, assertStringIncludes } from "@std/assert";
import { TestClock } from "./clock.ts";
import { Health } from "./health.ts";
import { Metrics } from "./metrics.ts";
import { opsHandler } from "./ops.ts";

function setUp() {
  const clock = new TestClock();
  const health = new Health(clock);
  const metrics = new Metrics();
  const handle = opsHandler({ health, metrics });
  const get = (path: string, init?: RequestInit) =>
    handle(new Request(`http://localhost${path}`, init));
  return { clock, health, metrics, get };
}

Deno.test("opsHandler() answers readiness by gates and liveness by loops", async () => {
  const { clock, health, get } = setUp();
  const gate = health.gate("store");
  health.loop("fold", 1000);
  assertEquals([(await get("/readyz")).status, (await get("/healthz")).status], [503, 200]);
  gate.open();
  await clock.advance(2000);
  assertEquals([(await get("/readyz")).status, (await get("/healthz")).status], [200, 503]);
  assertEquals((await (await get("/healthz")).json()).checks[1].name, "fold");
});

Deno.test("opsHandler() renders metrics", async () => {
  const { metrics, get } = setUp();
  metrics.counter("records_total", { help: "Records." }).add(3);
  const response = await get("/metrics");
  assertEquals(response.headers.get("content-type"), metrics.contentType);
  assertStringIncludes(await response.text(), "records_total 3");
});

Deno.test("opsHandler() refuses everything else", async () => {
  const { get } = setUp();
  assertEquals((await get("/")).status, 404);
  assertEquals((await get("/metrics", { method: "POST" })).status, 405);
  assertEquals((await get("/healthz", { method: "HEAD" })).status, 200);
});
