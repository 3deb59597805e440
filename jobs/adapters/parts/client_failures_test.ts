/** Sources that do not answer, refuse, or answer in another form: over HTTP, on virtual time. */

import type { PartsRequest } from "@pipeline/protocol";
import { createLogger, type Logger, Metrics, TestClock } from "@pipeline/runtime";
import { assertEquals, assertRejects } from "@std/assert";
import { openParts, type PartsClient, type PartsOptions } from "./client.ts";
import { echo, Pod } from "./testing/pod.ts";

const REQUEST: PartsRequest = {
  generation: 1,
  identity: "d",
  questions: [{ view: "top_posts", keys: ["a"] }],
};

function client(urls: readonly string[], options: PartsOptions = {}) {
  const parts = openParts({ urls }, options);
  return Object.assign(parts, { [Symbol.asyncDispose]: () => parts.close() });
}

/** A logger, and what it logged. */
function logged(clock: TestClock): { readonly lines: { why?: string }[]; readonly logger: Logger } {
  const lines: { why?: string }[] = [];
  return { lines, logger: createLogger({ clock, sink: (line) => lines.push(JSON.parse(line)) }) };
}

/** Asks, while so many requests in a row have no answer in time. */
async function timeOut({ pod, clock, parts, times }: {
  readonly pod: Pod;
  readonly clock: TestClock;
  readonly parts: PartsClient;
  readonly times: number;
}) {
  const requests = Array.from({ length: times }, () => pod.hold());
  const asking = parts.ask(REQUEST);
  for (const { arrived } of requests) {
    await arrived;
    await clock.advance(150);
  }
  return await asking;
}

/** An address without a listener, not even a server of a test that runs at the same time. */
function nobody(): string {
  const listener = Deno.listen({ port: 0, hostname: "127.0.0.2" });
  listener.close();
  return `http://127.0.0.2:${listener.addr.port}`;
}

Deno.test("ask() asks a source once more that does not answer in time, within the same round", async () => {
  await using pod = new Pod();
  const clock = new TestClock();
  const { lines, logger } = logged(clock);
  await using parts = client([pod.url], { clock, logger });
  for (let i = 0; i < 4; i++) {
    const held = pod.hold();
    const asking = parts.ask(REQUEST);
    await held.arrived;
    await clock.advance(150);
    assertEquals(await asking, [echo(0, 1, REQUEST)]);
  }
  assertEquals([pod.requests.length, clock.monotonic()], [8, 600]);
  assertEquals(lines, []);
});

Deno.test("ask() has no answers from a source that misses both times, and asks it the next time", async () => {
  await using pod = new Pod();
  const clock = new TestClock();
  const { lines, logger } = logged(clock);
  await using parts = client([pod.url], { clock, logger });
  const late = await timeOut({ pod, clock, parts, times: 2 });
  assertEquals([late, clock.monotonic()], [[], 300]);
  assertEquals(await parts.ask(REQUEST), [echo(0, 1, REQUEST)]);
  assertEquals(lines, []);
});

Deno.test("ask() leaves out a source after three time-outs in a row, until it answers a probe", async () => {
  await using pod = new Pod();
  const clock = new TestClock();
  const { lines, logger } = logged(clock);
  await using parts = client([pod.url], { clock, logger });
  assertEquals(await timeOut({ pod, clock, parts, times: 2 }), []);
  assertEquals(await timeOut({ pod, clock, parts, times: 1 }), []);
  await clock.advance(99);
  assertEquals(await parts.ask(REQUEST), []);
  assertEquals(pod.requests.length, 3);

  await clock.advance(1);
  const probe = pod.hold();
  const probing = parts.ask(REQUEST);
  await probe.arrived;
  // No other question waits for the probe.
  assertEquals(await parts.ask(REQUEST), []);
  probe.release();
  assertEquals(await probing, [echo(0, 1, REQUEST)]);
  assertEquals(await parts.ask(REQUEST), [echo(0, 1, REQUEST)]);
  assertEquals(pod.requests.length, 5);
  assertEquals(lines.map(({ why }) => why), ["It did not answer within 150 ms", undefined]);
});

Deno.test("ask() sends what came meanwhile along with the repetition", async () => {
  await using pod = new Pod();
  const clock = new TestClock();
  await using parts = client([pod.url], { clock });
  const other: PartsRequest = { ...REQUEST, questions: [{ view: "top_posts", keys: ["b"] }] };
  const held = pod.hold();
  const asking = [parts.ask(REQUEST), parts.ask(other)];
  await held.arrived;
  await clock.advance(150);
  assertEquals(await Promise.all(asking), [[echo(0, 1, REQUEST)], [echo(0, 1, other)]]);
  const both = { ...REQUEST, questions: [...REQUEST.questions, ...other.questions] };
  assertEquals(pod.requests, [REQUEST, both]);
});

Deno.test("ask() does not keep what waits for a source that is left out", async () => {
  await using pod = new Pod();
  const clock = new TestClock();
  await using parts = client([pod.url], { clock });
  await timeOut({ pod, clock, parts, times: 2 });
  const held = pod.hold();
  const asking = [parts.ask(REQUEST), parts.ask(REQUEST)];
  await held.arrived;
  await clock.advance(150);
  assertEquals(await Promise.all(asking), [[], []]);
  assertEquals(pod.requests.length, 3);
});

Deno.test("ask() leaves out a source that refuses the connection at once", async () => {
  const clock = new TestClock();
  const { lines, logger } = logged(clock);
  const metrics = new Metrics();
  await using parts = client([nobody()], { clock, logger, metrics });
  for (let i = 0; i < 3; i++) assertEquals(await parts.ask(REQUEST), []);
  const count = (result: string) => metrics.read("parts_requests_total", { result });
  assertEquals([await count("failed"), await count("left_out")], [1, 2]);
  assertEquals([lines.length, clock.monotonic()], [1, 0]);
});

Deno.test("ask() takes the answers of others where one is not there", async () => {
  await using pod = new Pod();
  await using parts = client([nobody(), pod.url]);
  assertEquals(await parts.ask(REQUEST), [echo(0, 1, REQUEST)]);
});

for (const status of [400, 409, 413, 429]) {
  Deno.test(`ask() has no answers from a source that refuses with ${status}, and asks it the next time`, async () => {
    await using pod = new Pod();
    await using parts = client([pod.url], { clock: new TestClock() });
    const { answer } = pod;
    pod.answer = () => Response.json({ generations: [2] }, { status });
    assertEquals(await parts.ask(REQUEST), []);
    pod.answer = answer;
    assertEquals(await parts.ask(REQUEST), [echo(0, 1, REQUEST)]);
  });
}

Deno.test("ask() keeps its connection, whatever the answer", async () => {
  await using pod = new Pod();
  await using parts = client([pod.url]);
  const { answer } = pod;
  const refusal = () => Response.json({ why: "x".repeat(100_000) }, { status: 409 });
  for (const next of [answer, refusal, answer]) {
    pod.answer = next;
    await parts.ask(REQUEST);
  }
  assertEquals([pod.requests.length, pod.connections.size], [3, 1]);
});

const BROKEN: [what: string, answer: () => Response, why: string][] = [
  ["another status", () => new Response("x", { status: 503 }), "It answered with status 503"],
  ["a redirection", () => Response.redirect("http://127.0.0.1:1"), "It answered with status 302"],
  ["what is not JSON", () => new Response("{"), "The answer is not JSON"],
  ["no parts", () => Response.json({ parts: {} }), "The answer has no list of parts"],
];

for (const [what, answer, why] of BROKEN) {
  Deno.test(`ask() leaves out a source that answers with ${what}`, async () => {
    await using pod = new Pod();
    const clock = new TestClock();
    const { lines, logger } = logged(clock);
    await using parts = client([pod.url], { clock, logger });
    pod.answer = answer;
    for (let i = 0; i < 2; i++) assertEquals(await parts.ask(REQUEST), []);
    assertEquals(pod.requests.length, 1);
    assertEquals(lines.map((line) => line.why?.startsWith(why)), [true]);
  });
}

Deno.test("ask() drops parts that are malformed, and logs each reason once for a source", async () => {
  await using pod = new Pod();
  const clock = new TestClock();
  const { lines, logger } = logged(clock);
  await using parts = client([pod.url], { clock, logger });
  pod.answer = (request) => [
    echo(0, 1.5, request),
    echo(1, 2.5, request),
    echo(2, 3, request),
    echo(3, 3, { questions: [] }),
  ];
  for (let i = 0; i < 2; i++) assertEquals(await parts.ask(REQUEST), [echo(2, 3, REQUEST)]);
  assertEquals(lines.map(({ why }) => why), [
    'A part\'s "next_offset" is no integer from 0',
    "A part does not have one answer per question",
  ]);
});

Deno.test("ask() does not use the proxy of the environment", async () => {
  await using pod = new Pod();
  const names = ["HTTP_PROXY", "http_proxy", "NO_PROXY", "no_proxy"];
  const before = names.map((name) => [name, Deno.env.get(name)] as const);
  const restore = () => {
    for (const [name, value] of before) {
      if (value === undefined) Deno.env.delete(name);
      else Deno.env.set(name, value);
    }
  };
  for (const name of names) Deno.env.delete(name);
  Deno.env.set("HTTP_PROXY", nobody());
  using usual = Deno.createHttpClient({});
  await using parts = client([pod.url]);
  restore();
  await assertRejects(() => fetch(pod.url, { client: usual }), TypeError);
  assertEquals(await parts.ask(REQUEST), [echo(0, 1, REQUEST)]);
});
