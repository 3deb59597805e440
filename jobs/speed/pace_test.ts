import { assert, assertEquals } from "@std/assert";
import { Pace } from "./pace.ts";

/** Writes for a while as fast as the pace allows, by several writers; returns what was when. */
function written(most: number, chunk: (i: number, pace: Pace) => number) {
  let now = 0;
  const pace = new Pace(most, { monotonic: () => now });
  const writes: { readonly at: number; readonly documents: number }[] = [];
  for (let i = 0; now < 5_000; i++) {
    for (let wait = pace.wait(); wait > 0; wait = pace.wait()) now += wait;
    const documents = chunk(i, pace);
    pace.spend(documents);
    writes.push({ at: now, documents });
  }
  return writes;
}

const sum = (writes: readonly { readonly documents: number }[]) =>
  writes.reduce((sum, { documents }) => sum + documents, 0);

Deno.test("Pace allows no second more documents than it is for, in chunks of any size", () => {
  const sizes = [(_: number, pace: Pace) => pace.chunk, (i: number, { chunk }: Pace) => {
    return 1 + (i * 7919) % chunk;
  }];
  for (const most of [2, 10, 333, 1_000, 50_000]) {
    for (const size of sizes) {
      const writes = written(most, size);
      for (const { at } of writes) {
        const second = sum(writes.filter((write) => write.at >= at && write.at < at + 1_000));
        assert(second <= most, `${second} of ${most}`);
      }
      // It is not slower than it need be.
      if (most >= 10) assert(sum(writes) > 0.85 * most * 5, `${sum(writes)} of ${5 * most}`);
    }
  }
});

Deno.test("Pace does not save up what was not written", () => {
  let now = 0;
  const pace = new Pace(1_000, { monotonic: () => now });
  now = 60_000;
  assertEquals(pace.wait(), 0);
  pace.spend(pace.chunk);
  assert(pace.wait() > 100);
});
