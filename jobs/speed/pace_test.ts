import { TestClock } from "@pipeline/runtime";
import { assert, assertEquals } from "@std/assert";
import { Pace } from "./pace.ts";

interface Write {
  readonly at: number;
  readonly documents: number;
}

/** Documents to write. */
const some = (count: number) => Array.from({ length: count }, () => 0);

/** A writer that writes as fast as the pace allows, until it is aborted. */
async function write(
  pace: Pace,
  { clock, size, end }: {
    readonly clock: TestClock;
    readonly size: (i: number) => number;
    readonly end: AbortSignal;
  },
): Promise<Write[]> {
  const writes: Write[] = [];
  for (let i = 0; !end.aborted; i++) {
    const { length } = await pace.turn(() => end.aborted ? [] : some(size(i)), end);
    if (length > 0) writes.push({ at: clock.monotonic(), documents: length });
  }
  return writes;
}

/** What each of some writers writes within five seconds. */
async function written(most: number, sizes: readonly ((pace: Pace, i: number) => number)[]) {
  const clock = new TestClock();
  const pace = new Pace(most, clock);
  const end = new AbortController();
  const { signal } = end;
  const writers = sizes.map((size) =>
    write(pace, { clock, size: (i) => size(pace, i), end: signal })
  );
  await clock.advance(5_000);
  end.abort();
  return await Promise.all(writers);
}

const sum = (writes: readonly Write[]) => writes.reduce((sum, { documents }) => sum + documents, 0);

Deno.test("Pace allows no second more documents than it is for, in chunks of any size", async () => {
  const whole = ({ chunk }: Pace) => chunk;
  const any = ({ chunk }: Pace, i: number) => 1 + (i * 7919) % chunk;
  for (const most of [2, 10, 333, 1_000, 50_000]) {
    for (const sizes of [[whole], [any], [whole, any]]) {
      const writes = (await written(most, sizes)).flat();
      for (const { at } of writes) {
        const second = sum(writes.filter((write) => write.at >= at && write.at < at + 1_000));
        assert(second <= most, `${second} of ${most}`);
      }
      // It is not slower than it need be.
      if (most >= 10) assert(sum(writes) > 0.85 * most * 5, `${sum(writes)} of ${5 * most}`);
    }
  }
});

Deno.test("Pace gives each writer its turn, so that the size of its turns is its share", async () => {
  const [whole, half, small] = await written(1_000, [
    ({ chunk }) => chunk,
    ({ chunk }) => chunk / 2,
    ({ chunk }) => chunk / 10,
  ]);
  const turns = [whole!, half!, small!].map(({ length }) => length);
  assert(Math.max(...turns) - Math.min(...turns) <= 1, `${turns}`);
  assert(turns[0]! > 20, `${turns}`);
});

Deno.test("Pace does not save up what was not written", async () => {
  const clock = new TestClock();
  const pace = new Pace(1_000, clock);
  const { signal } = new AbortController();
  await clock.advance(60_000);
  await pace.turn(() => some(pace.chunk), signal);
  assertEquals(clock.monotonic(), 60_000);
  await clock.run(pace.turn(() => some(1), signal));
  assert(clock.monotonic() > 60_100, `${clock.monotonic()}`);
});

Deno.test("turn() waits for nobody once it is to hurry, and keeps nobody waiting", async () => {
  const clock = new TestClock();
  const pace = new Pace(1_000, clock);
  const patient = new AbortController();
  await pace.turn(() => some(pace.chunk), patient.signal);
  const order: string[] = [];
  const waiting = pace.turn(() => (order.push("waiting"), some(1)), patient.signal);
  const hurry = new AbortController();
  const behind = pace.turn(() => (order.push("behind"), some(1)), hurry.signal);
  hurry.abort();
  await behind;
  assertEquals([order, clock.monotonic()], [["behind"], 0]);
  await clock.run(waiting);
  await clock.run(pace.turn(() => (order.push("next"), some(1)), patient.signal));
  assertEquals(order, ["behind", "waiting", "next"]);
});
