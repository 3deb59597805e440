import { assert, assertEquals } from "@std/assert";
import { Queue } from "./_queue.ts";

/** Pushes and takes as `step` says; returns the lengths of what was taken. */
function compare(steps: readonly { readonly push: number; readonly take: number | undefined }[]) {
  const queue = new Queue<number>();
  const model: number[] = [];
  let next = 0;
  for (const { push, take } of steps) {
    for (let i = 0; i < push; i++) {
      queue.push(next);
      model.push(next++);
    }
    assertEquals(queue.take(take), model.splice(0, take ?? Infinity));
    assertEquals(queue.size, model.length);
  }
}

Deno.test("Queue gives each item once, in order, whatever is pushed between two calls of take()", () => {
  // Slots are given up on the way, with items behind them and without.
  const steps = Array.from({ length: 200 }, (_, i) => ({
    push: (i * 7919) % 400,
    take: (i * 104_729) % 350,
  }));
  compare([{ push: 5_000, take: 0 }, ...steps, { push: 1, take: undefined }]);
  compare([{ push: 3, take: 3 }, { push: 0, take: 1 }, { push: 2, take: 9 }]);
});

Deno.test("Queue takes a few of many items without moving the others each time", () => {
  const queue = new Queue<number>();
  const count = 400_000;
  for (let i = 0; i < count; i++) queue.push(i);
  let moved = 0;
  const { copyWithin } = Array.prototype;
  Array.prototype.copyWithin = function (target, start, end) {
    moved += this.length - start;
    return copyWithin.call(this, target, start, end);
  };
  try {
    for (let taken = 0; taken < count; taken += 100) queue.take(100);
  } finally {
    Array.prototype.copyWithin = copyWithin;
  }
  assertEquals(queue.size, 0);
  assert(moved > 0 && moved < count, `${moved} of ${count} were moved`);
});
