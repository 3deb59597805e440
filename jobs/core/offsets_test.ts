import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { covers, distance, eachOffset, offsetVector, partitionName } from "./offsets.ts";
import { type Topic, TOPICS } from "./records.ts";

const PARTITIONS = 2;
const vector = fc.array(fc.nat(5), { minLength: 6, maxLength: 6 }).map((offsets) =>
  offsetVector(PARTITIONS, (topic, p) => offsets[TOPICS.indexOf(topic) * PARTITIONS + p]!)
);

Deno.test("offsetVector() and eachOffset() are inverse, in the order of topics and partitions", () => {
  const asked: [Topic, number][] = [];
  const built = offsetVector(PARTITIONS, (topic, p) => asked.push([topic, p]));
  assertEquals(
    [...eachOffset(built)],
    asked.map(([topic, partition], i) => ({
      topic,
      partition,
      offset: i + 1,
    })),
  );
  assertEquals(Object.keys(built), [...TOPICS]);
});

Deno.test("covers() is a partial order that distance() measures", () => {
  fc.assert(fc.property(vector, vector, vector, (a, b, c) => {
    assert(covers(a, a));
    if (covers(a, b) && covers(b, a)) assertEquals(a, b);
    if (covers(a, b) && covers(b, c)) assert(covers(a, c));
    assertEquals(covers(a, b), distance(a, b) === 0);
    if (covers(a, b) && covers(b, c)) assertEquals(distance(c, a), distance(c, b) + distance(b, a));
  }));
});

Deno.test("covers() is false where a partition is unknown, which distance() counts from 0", () => {
  const two = offsetVector(2, () => 3);
  const one = offsetVector(1, () => 9);
  assert(!covers(one, two));
  assert(covers(two, offsetVector(1, () => 3)));
  assertEquals(distance(one, two), 9);
  assert(!covers(one, offsetVector(2, () => 0)));
});

Deno.test("partitionName() is what parts are called", () => {
  assertEquals(partitionName("reddit.posts", 2), "reddit.posts-2");
});
