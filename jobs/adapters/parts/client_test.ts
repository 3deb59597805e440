/** Rounds, what is joined in them, and how long they wait: over HTTP, on virtual time. */

import {
  newestParts,
  PARTS_BOUNDS,
  type PartsQuestion,
  type PartsRequest,
} from "@pipeline/protocol";
import { createLogger, Metrics, TestClock } from "@pipeline/runtime";
import { assertEquals, assertStringIncludes } from "@std/assert";
import { openParts, type PartsClient, type PartsOptions } from "./client.ts";
import { echo, Pod } from "./testing/pod.ts";

function client(pods: readonly Pod[], options: PartsOptions = {}) {
  const parts = openParts({ urls: pods.map(({ url }) => url) }, options);
  return Object.assign(parts, { [Symbol.asyncDispose]: () => parts.close() });
}

function key(name: string): PartsQuestion {
  return { view: "user_activity", keys: [name] };
}

function about(questions: readonly PartsQuestion[], more: Partial<PartsRequest> = {}) {
  return { generation: 1, identity: "d", questions, ...more };
}

/** The offsets of all answers, by partition. */
async function offsets(asking: ReturnType<PartsClient["ask"]>): Promise<[number, number][]> {
  const found = (await asking).map((part): [number, number] => [part.partition, part.next_offset]);
  return found.sort(([a, x], [b, y]) => a - b || x - y);
}

/** Answers with these partitions at these offsets. */
function holding(pod: Pod, parts: Readonly<Record<number, number>>): void {
  pod.answer = (request) =>
    Object.entries(parts).map(([partition, offset]) => echo(Number(partition), offset, request));
}

Deno.test("ask() asks every source once, and returns all answers for one part", async () => {
  await using one = new Pod();
  await using other = new Pod();
  holding(one, { 0: 7, 1: 3 });
  holding(other, { 0: 9 });
  await using parts = client([one, other]);
  const request = about([key("a")]);
  const answers = await parts.ask(request);
  assertEquals([one.requests, other.requests], [[request], [request]]);
  assertEquals(one.lines, ["POST /v1/parts"]);
  assertEquals(answers.length, 3);
  const newest = newestParts(answers);
  assertEquals(newest.get("reddit.posts-0"), echo(0, 9, request));
  assertEquals(newest.get("reddit.posts-1"), echo(1, 3, request));
});

Deno.test("ask() has no answers where there is no source", async () => {
  await using parts = client([]);
  assertEquals(await parts.ask(about([key("a")])), []);
});

Deno.test("ask() joins what comes while a request is in flight, and asks equal questions once", async () => {
  await using pod = new Pod();
  await using parts = client([pod]);
  const held = pod.hold();
  const first = parts.ask(about([key("a")]));
  await held.arrived;
  const later = [
    parts.ask(about([key("b"), key("c")])),
    parts.ask(about([key("c"), key("a"), key("b")])),
    parts.ask(about([])),
  ];
  held.release();
  assertEquals(await first, [echo(0, 1, about([key("a")]))]);
  assertEquals(await Promise.all(later), [
    [echo(0, 1, about([key("b"), key("c")]))],
    [echo(0, 1, about([key("c"), key("a"), key("b")]))],
    [echo(0, 1, about([]))],
  ]);
  assertEquals(pod.requests, [about([key("a")]), about([key("b"), key("c"), key("a")])]);
});

Deno.test("ask() joins nothing about another generation or pipeline", async () => {
  await using pod = new Pod();
  await using parts = client([pod]);
  const held = pod.hold();
  const requests = [
    about([key("a")]),
    about([key("b")], { generation: 2 }),
    about([key("c")], { identity: "e" }),
    about([key("d")], { generation: 2 }),
  ];
  const asking = requests.map((request) => parts.ask(request));
  await held.arrived;
  held.release();
  assertEquals(await Promise.all(asking), requests.map((request) => [echo(0, 1, request)]));
  assertEquals(pod.requests, [
    about([key("a")]),
    about([key("b"), key("d")], { generation: 2 }),
    about([key("c")], { identity: "e" }),
  ]);
});

Deno.test("ask() sends what does not fit in the next request in a later one", async () => {
  await using pod = new Pod();
  await using parts = client([pod]);
  const held = pod.hold();
  const many = (name: string) => Array.from({ length: 10 }, (_, i) => key(`${name}${i}`));
  const requests = [about([key("first")]), about(many("a")), about(many("b"))];
  const asking = requests.map((request) => parts.ask(request));
  await held.arrived;
  held.release();
  assertEquals(await Promise.all(asking), requests.map((request) => [echo(0, 1, request)]));
  assertEquals(pod.requests, requests);
});

Deno.test("ask() does not send what no source accepts", async () => {
  await using pod = new Pod();
  const lines: string[] = [];
  const logger = createLogger({ sink: (line) => lines.push(line), clock: new TestClock() });
  await using parts = client([pod], { logger });
  const keys = Array.from({ length: PARTS_BOUNDS.keys + 1 }, (_, i) => String(i));
  for (let i = 0; i < 2; i++) {
    assertEquals(await parts.ask(about([{ view: "top_posts", keys }])), []);
  }
  assertEquals([pod.requests.length, lines.length], [0, 1]);
  assertEquals((await parts.ask(about([{ view: "top_posts", keys: keys.slice(1) }]))).length, 1);
});

/** Two sources that have answered before, the second of which is slow now, while time stands still. */
async function slowRound(
  held: Readonly<Record<"quick" | "slow", Readonly<Record<number, number>>>>,
  work: (round: {
    readonly clock: TestClock;
    readonly parts: PartsClient;
    readonly slow: Pod;
    /** Resolves once so many requests have been answered. */
    readonly answered: (requests: number) => Promise<void>;
    readonly asking: Promise<[number, number][]>;
    readonly release: () => void;
  }) => Promise<void>,
) {
  await using quick = new Pod();
  await using slow = new Pod();
  holding(quick, held.quick);
  holding(slow, held.slow);
  const [clock, metrics] = [new TestClock(), new Metrics()];
  await using parts = client([quick, slow], { clock, metrics });
  await parts.ask(about([]));
  const { arrived, release } = slow.hold();
  const asking = offsets(parts.ask(about([])));
  await arrived;
  const answered = (requests: number) => untilAnswered(metrics, requests);
  await answered(3);
  await work({ clock, parts, slow, answered, asking, release });
}

/** Resolves once so many requests have been answered. */
async function untilAnswered(metrics: Metrics, requests: number): Promise<void> {
  const answered = () => metrics.read("parts_requests_total", { result: "answered" });
  while (await answered() !== requests) await new Promise((resolve) => setTimeout(resolve, 1));
}

Deno.test("ask() waits 20 ms for a source whose parts are covered", async () => {
  await slowRound({ quick: { 0: 5, 1: 5 }, slow: { 1: 4 } }, async ({ clock, asking }) => {
    assertEquals(await clock.run(asking), [[0, 5], [1, 5]]);
    assertEquals(clock.monotonic(), 20);
  });
});

Deno.test("ask() takes what comes within the 20 ms", async () => {
  await slowRound({ quick: { 0: 5, 1: 5 }, slow: { 1: 4 } }, async ({ clock, asking, release }) => {
    await clock.advance(19);
    release();
    assertEquals(await asking, [[0, 5], [1, 4], [1, 5]]);
  });
});

Deno.test("ask() waits for a source that held a part which no other answers for", async () => {
  await slowRound({ quick: { 0: 5 }, slow: { 1: 5 } }, async ({ clock, asking, release }) => {
    await clock.advance(100);
    release();
    assertEquals(await asking, [[0, 5], [1, 5]]);
  });
});

Deno.test("ask() waits for a source that was ahead of all others in a part", async () => {
  await slowRound({ quick: { 0: 5 }, slow: { 0: 6 } }, async ({ clock, asking, release }) => {
    await clock.advance(100);
    release();
    assertEquals(await asking, [[0, 5], [0, 6]]);
  });
});

Deno.test("ask() waits for a source that has not answered about the generation yet", async () => {
  await using quick = new Pod();
  await using slow = new Pod();
  const [clock, metrics] = [new TestClock(), new Metrics()];
  await using parts = client([quick, slow], { clock, metrics });
  await parts.ask(about([]));
  const held = slow.hold();
  const asking = parts.ask(about([], { generation: 2 }));
  await held.arrived;
  await untilAnswered(metrics, 3);
  await clock.advance(100);
  held.release();
  assertEquals((await asking).length, 2);
});

Deno.test("ask() sends nothing for which no one waits any more", async () => {
  const held = { quick: { 0: 5 }, slow: { 0: 4 } };
  await slowRound(held, async ({ clock, parts, slow, answered, asking, release }) => {
    const next = parts.ask(about([key("forgotten")]));
    await answered(4);
    await clock.run(Promise.all([asking, next]));
    release();
    assertEquals((await parts.ask(about([key("later")]))).length, 2);
    assertEquals(slow.requests.slice(2), [about([key("later")])]);
  });
});

Deno.test("close() ends rounds, what is in flight and what waits, and then nothing is asked", async () => {
  await using pod = new Pod();
  await using parts = client([pod], { clock: new TestClock() });
  const held = pod.hold();
  const asking = [parts.ask(about([])), parts.ask(about([key("a")]))];
  await held.arrived;
  await parts.close();
  assertEquals(await Promise.all(asking), [[], []]);
  assertEquals(await parts.ask(about([])), []);
  assertEquals(pod.requests.length, 1);
});

Deno.test("openParts() counts requests and sources", async () => {
  await using one = new Pod();
  await using other = new Pod();
  other.answer = () => new Response(null, { status: 409 });
  const metrics = new Metrics();
  await using parts = client([one, other], { metrics });
  await parts.ask(about([]));
  const count = (result: string) => metrics.read("parts_requests_total", { result });
  assertEquals([await count("answered"), await count("refused")], [1, 1]);
  assertEquals(await metrics.read("parts_sources"), 2);
  assertStringIncludes(await metrics.render(), "parts_seconds_count 1");
});
