import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { TestClock } from "@pipeline/runtime";
import { Problem } from "./problem.ts";
import { EventHub } from "./stream.ts";

function setUp(options: { maxClients?: number; patience?: number } = {}) {
  const clock = new TestClock();
  let made = 0;
  const make = () => Promise.resolve({ event: "summary", data: { n: ++made } });
  const hub = new EventHub({ make, clock, maxClients: 10, ...options });
  return { clock, hub, made: () => made };
}

function reader(stream: ReadableStream<Uint8Array>) {
  const source = stream.pipeThrough(new TextDecoderStream()).getReader();
  return async () => (await source.read()).value;
}

Deno.test("EventHub sends an event a second to every client, made once for all", async () => {
  const { clock, hub, made } = setUp();
  const [first, second] = [reader(hub.connect()), reader(hub.connect())];
  assertEquals(await first(), "retry: 2000\n\n");
  assertEquals(await second(), "retry: 2000\n\n");
  for (const n of [1, 2, 3]) {
    const event = `event: summary\ndata: {"n":${n}}\n\n`;
    assertEquals([await first(), await second()], [event, event]);
    await clock.advance(1000);
  }
  assertEquals(made(), 4);
  await hub.close();
});

Deno.test("EventHub sends the last event at once to who comes later", async () => {
  const { clock, hub } = setUp();
  hub.connect();
  await clock.advance(500);
  const late = reader(hub.connect());
  await late();
  assertEquals(await late(), 'event: summary\ndata: {"n":1}\n\n');
  await hub.close();
});

Deno.test("EventHub makes nothing while there are no clients", async () => {
  const { clock, hub, made } = setUp();
  await clock.advance(5000);
  assertEquals(made(), 0);
  const stream = hub.connect();
  await clock.advance(1500);
  assertEquals(made(), 2);
  await stream.cancel();
  assertEquals(hub.clients, 0);
  await clock.advance(60_000);
  assertEquals([made(), clock.sleeping], [2, 0]);
  hub.connect();
  await clock.advance(0);
  assertEquals(made(), 3);
  await hub.close();
});

Deno.test("EventHub drops a client that does not read, and keeps the others", async () => {
  const { clock, hub } = setUp({ patience: 5 });
  const slow = hub.connect();
  const quick = reader(hub.connect());
  await quick();
  for (let second = 0; second < 20; second++) {
    await quick();
    await clock.advance(1000);
  }
  assertEquals(hub.clients, 1);
  await assertRejects(() => reader(slow)());
  await hub.close();
});

Deno.test("EventHub refuses clients beyond its limit, and all once it is closed", async () => {
  const { hub } = setUp({ maxClients: 2 });
  const first = hub.connect();
  hub.connect();
  const error = assertThrows(() => hub.connect(), Problem);
  assertEquals([error.status, error.retryAfter], [503, 10]);
  await first.cancel();
  hub.connect();
  await hub.close();
  assertThrows(() => hub.connect(), Problem, "stopping");
});
