import { assert, assertEquals, assertRejects } from "@std/assert";
import { SLICE, Turns } from "./turns.ts";

/** A clock that work moves on, and turns that note their pauses. */
function world() {
  const events: string[] = [];
  let now = 0;
  const turns = new Turns({
    clock: { monotonic: () => now },
    pause: () => {
      events.push("pause");
      return Promise.resolve();
    },
  });
  /** Work of this many milliseconds, one after the other, in as many slices as it takes. */
  const work = async (name: string, ms: number) => {
    for (let left = ms; left > 0;) {
      await turns.run((over) => {
        const before = left;
        do {
          now++;
          left--;
        } while (left > 0 && !over());
        events.push(`${name} ${before - left}`);
      });
    }
  };
  return { events, turns, work };
}

/** The longest work between two pauses. */
function longest(events: readonly string[]): number {
  let [most, sum] = [0, 0];
  for (const event of events) {
    sum = event === "pause" ? 0 : sum + Number(event.split(" ")[1]);
    most = Math.max(most, sum);
  }
  return most;
}

Deno.test("Turns lets the event loop go round after every slice, whoever works", async () => {
  const { events, work } = world();
  await Promise.all([work("a", 12), work("b", 3), work("c", 12)]);
  assertEquals(longest(events), SLICE);
  const done = (name: string) =>
    events.filter((event) => event.startsWith(name))
      .reduce((sum, event) => sum + Number(event.split(" ")[1]), 0);
  assertEquals([done("a"), done("b"), done("c")], [12, 3, 12]);
});

Deno.test("Turns gives the next slice to whoever waits longest", async () => {
  const { events, work } = world();
  await Promise.all([work("a", 10), work("b", 10)]);
  assertEquals(events.filter((event) => event !== "pause"), ["a 5", "b 5", "a 5", "b 5"]);
});

Deno.test("Turns pauses after a slice of small pieces too, and not before", async () => {
  const { events, work } = world();
  for (let i = 0; i < 10; i++) await work("a", 1);
  assertEquals(events.indexOf("pause"), 5);
  assertEquals(events.filter((event) => event === "pause").length, 1);
});

Deno.test("Turns goes on after work that fails", async () => {
  const { events, turns, work } = world();
  const fails = () => {
    throw new Error("It failed");
  };
  await assertRejects(() => turns.run(fails), Error, "It failed");
  await work("a", 1);
  assertEquals(events, ["a 1"]);
});

Deno.test("Turns lets requests in while there is always work", async () => {
  const turns = new Turns();
  let heard = 0;
  const ports = new MessageChannel();
  ports.port1.onmessage = () => void heard++;
  ports.port2.postMessage("");
  for (let i = 0; i < 3; i++) {
    await turns.run((over) => {
      while (!over());
    });
  }
  assert(heard > 0);
  ports.port1.close();
  ports.port2.close();
});
