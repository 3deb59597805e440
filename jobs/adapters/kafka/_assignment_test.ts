import { assertEquals } from "@std/assert";
import { assign, type Assignment, type MemberState } from "./_assignment.ts";

const PARTITIONS = new Map([["posts", 3], ["comments", 2]]);

function member(id: string, owned: Assignment = {}, topics = [...PARTITIONS.keys()]): MemberState {
  return { id, topics, owned };
}

/** The assignment, without the objects' missing prototypes. */
function assigned(members: readonly MemberState[], partitions = PARTITIONS) {
  return Object.fromEntries([...assign(members, partitions)].map(([id, of]) => [id, { ...of }]));
}

Deno.test("assign() gives partition p of every topic to one member, in whatever order members come", () => {
  const wanted = { a: { posts: [0, 2], comments: [0] }, b: { posts: [1], comments: [1] } };
  assertEquals(assigned([member("a"), member("b")]), wanted);
  assertEquals(assigned([member("b"), member("a")]), wanted);
});

Deno.test("assign() leaves a partition unassigned until its old owner has revoked it", () => {
  const all = { posts: [0, 1, 2], comments: [0, 1] };
  assertEquals(assigned([member("a", all), member("b")]), {
    a: { posts: [0, 2], comments: [0] },
    b: {},
  });
  // In the next round the old owner owns only the rest.
  const left = { posts: [0, 2], comments: [0] };
  assertEquals(assigned([member("a", left), member("b")]).b, { posts: [1], comments: [1] });
});

Deno.test("assign() gives a member nothing of a topic that it has not subscribed to", () => {
  assertEquals(assigned([member("a", {}, ["posts"]), member("b")]), {
    a: { posts: [0, 2] },
    b: { posts: [1], comments: [0, 1] },
  });
  assertEquals(assigned([member("a", {}, ["posts"])]), { a: { posts: [0, 1, 2] } });
});

Deno.test("assign() has an assignment for every member, even beyond the number of partitions", () => {
  const one = new Map([["posts", 1]]);
  assertEquals(assigned([member("a"), member("b")], one), { a: { posts: [0] }, b: {} });
});

Deno.test("assign() takes a topic of any name for a topic", () => {
  const odd = new Map([["__proto__", 1], ["constructor", 1]]);
  const [of] = assign([member("a", {}, [...odd.keys()])], odd).values();
  assertEquals(Object.entries(of!), [["__proto__", [0]], ["constructor", [0]]]);
});
