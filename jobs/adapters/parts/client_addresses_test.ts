/** Which processes are asked, as the addresses of their host change. */

import type { PartsRequest } from "@pipeline/protocol";
import { createLogger, Metrics, TestClock } from "@pipeline/runtime";
import { assertEquals } from "@std/assert";
import { openParts, type PartsOptions } from "./client.ts";
import { Names } from "./testing/names.ts";
import { echo, Pod } from "./testing/pod.ts";

const REQUEST: PartsRequest = { generation: 1, identity: "d", questions: [] };

function client(url: string, options: PartsOptions) {
  const config = { urls: [url], resolveInterval: "100ms", maxSources: 2 };
  const parts = openParts(config, options);
  return Object.assign(parts, { [Symbol.asyncDispose]: () => parts.close() });
}

/** Two processes at the same port of two addresses. */
function twoPods() {
  const one = new Pod();
  const other = new Pod({ hostname: "127.0.0.2", port: one.port });
  other.answer = (request) => [echo(1, 2, request)];
  return { one, other };
}

Deno.test("ask() asks the processes that its host's addresses name at the time", async () => {
  const { one, other } = twoPods();
  await using _one = one;
  await using _other = other;
  const [clock, names] = [new TestClock(), new Names()];
  await using parts = client(`http://speed:${one.port}`, { clock, resolve: names.resolve });
  const partitions = async () =>
    (await parts.ask(REQUEST)).map(({ partition }) => partition).sort();
  names.answer = ["127.0.0.1"];
  assertEquals(await partitions(), [0]);
  names.answer = ["127.0.0.2", "127.0.0.1"];
  await clock.advance(100);
  // The look-up runs beside the first round after the interval.
  await partitions();
  assertEquals(await partitions(), [0, 1]);
  names.answer = ["127.0.0.2"];
  await clock.advance(100);
  await partitions();
  assertEquals(await partitions(), [1]);
});

Deno.test("ask() has the host looked up after a failure, without waiting for the interval", async () => {
  const { one, other } = twoPods();
  await using _other = other;
  await one[Symbol.asyncDispose]();
  const found = ["127.0.0.1", "127.0.0.2"];
  const resolve = () => Promise.resolve(found.splice(0, 1));
  await using parts = client(`http://speed:${other.port}`, { clock: new TestClock(), resolve });
  assertEquals(await parts.ask(REQUEST), []);
  assertEquals(await parts.ask(REQUEST), [echo(1, 2, REQUEST)]);
});

Deno.test("ask() lets a process finish its answer after its address is gone", async () => {
  const { one, other } = twoPods();
  await using _one = one;
  await using _other = other;
  const [clock, names] = [new TestClock(), new Names()];
  await using parts = client(`http://speed:${one.port}`, { clock, resolve: names.resolve });
  names.answer = ["127.0.0.1"];
  const held = one.hold();
  const asking = parts.ask(REQUEST);
  await held.arrived;
  names.answer = ["127.0.0.2"];
  await clock.advance(100);
  const before = parts.ask(REQUEST);
  await clock.advance(0);
  assertEquals(await parts.ask(REQUEST), [echo(1, 2, REQUEST)]);
  held.release();
  assertEquals([await asking, await before], [[echo(0, 1, REQUEST)], [echo(0, 1, REQUEST)]]);
});

Deno.test("ask() has no answers while the first addresses are not there in time", async () => {
  const clock = new TestClock();
  await using parts = client("http://speed:8090", { clock, resolve: () => new Promise(() => {}) });
  assertEquals(await clock.run(parts.ask(REQUEST)), []);
  assertEquals(clock.monotonic(), 150);
});

Deno.test("ask() asks no more processes than allowed", async () => {
  const [clock, names] = [new TestClock(), new Names()];
  const lines: string[] = [];
  const logger = createLogger({ clock, sink: (line) => lines.push(line) });
  await using pod = new Pod();
  names.answer = ["127.0.0.1", "127.0.0.2", "127.0.0.3"];
  const metrics = new Metrics();
  const options = { clock, resolve: names.resolve, logger, metrics };
  await using parts = client(`http://speed:${pod.port}`, options);
  await parts.ask(REQUEST);
  assertEquals(await metrics.read("parts_sources"), 2);
  assertEquals(lines.filter((line) => line.includes("More than 2 addresses")).length, 1);
});
