import { assertEquals } from "@std/assert";
import {
  canonicalJson,
  comparePostVersions,
  compareUserVersions,
  compareUtf8,
  Distinct,
  Member,
  mergeCounts,
  mergeSpellings,
  mergeTop,
  mergeUserTotals,
  NO_SPELLING,
  NO_USER,
  type PostDocument,
  type Spelling,
  type UserTotal,
} from "@pipeline/core";
import fc from "fast-check";
import { anyPost } from "./_logs.ts";
import { assertBroken, assertHolds } from "./_property.ts";

/** An operation on the stored form of a value. */
interface Monoid<T> {
  readonly values: fc.Arbitrary<T>;
  readonly empty: T;
  readonly combine: (a: T, b: T) => T;
}

function commutative<T>({ values, combine }: Monoid<T>): fc.IProperty<unknown> {
  return fc.property(values, values, (a, b) => assertSame(combine(a, b), combine(b, a)));
}

function associative<T>({ values, combine }: Monoid<T>): fc.IProperty<unknown> {
  return fc.property(values, values, values, (a, b, c) => {
    assertSame(combine(combine(a, b), c), combine(a, combine(b, c)));
  });
}

function hasIdentity<T>({ values, combine, empty }: Monoid<T>): fc.IProperty<unknown> {
  return fc.property(values, (a) => {
    assertSame(combine(a, empty), a);
    assertSame(combine(empty, a), a);
  });
}

function idempotent<T>({ values, combine }: Monoid<T>): fc.IProperty<unknown> {
  return fc.property(values, (a) => assertSame(combine(a, a), a));
}

function assertSame(a: unknown, b: unknown): void {
  assertEquals(canonicalJson(a), canonicalJson(b));
}

function testMonoid<T>(name: string, monoid: Monoid<T>, options: { idempotent: boolean }): void {
  Deno.test(`${name} is a commutative monoid${options.idempotent ? ", and idempotent" : ""}`, () => {
    assertHolds(commutative(monoid));
    assertHolds(associative(monoid));
    assertHolds(hasIdentity(monoid));
    // What is not idempotent must not be folded twice: the laws have to know.
    if (options.idempotent) assertHolds(idempotent(monoid));
    else assertBroken(idempotent(monoid));
  });
}

const counts = fc.record({ posts: fc.nat(), comments: fc.nat() });

testMonoid("a pair of counts", {
  values: counts,
  empty: { posts: 0, comments: 0 },
  combine: (a, b) => mergeCounts([a, b]),
}, { idempotent: false });

function distinctOf(from: number, count: number): string {
  const distinct = new Distinct();
  for (let i = from; i < from + count; i++) distinct.add(Member.of(`u${i}`));
  return distinct.toString();
}

/** Stored distinct counts of both forms, of overlapping sets. */
const distinct = fc.tuple(fc.nat(300), fc.oneof(fc.nat(3), fc.nat(200)))
  .map(([from, count]) => distinctOf(from, count));

testMonoid("a distinct count", {
  values: distinct,
  empty: "",
  combine: (a, b) => {
    const union = new Distinct();
    union.addStored(a);
    union.addStored(b);
    return union.toString();
  },
}, { idempotent: true });

const anyName = fc.constantFrom("", "a", "\uffee", "🎈");
const anyAccount = fc.oneof(
  fc.constant({ karma_timestamp: -1, karma: 0, username: "" }),
  fc.record({
    karma_timestamp: fc.nat(2),
    karma: fc.integer({ min: -2, max: 11 }),
    username: anyName,
  }),
);
const spelling: fc.Arbitrary<Spelling> = fc.oneof(
  fc.constant(NO_SPELLING),
  fc.record({ name: fc.constantFrom("ab", "aB", "Ab"), name_timestamp: fc.nat(2) }),
);

testMonoid("the spelling of a name", {
  values: spelling,
  empty: NO_SPELLING,
  combine: (a, b) => mergeSpellings([a, b]),
}, { idempotent: true });

const total: fc.Arbitrary<UserTotal> = fc.tuple(
  fc.tuple(counts, spelling).map(([a, b]) => ({ ...a, ...b })),
  anyAccount,
  fc.record({ subreddits: distinct, last_active: fc.integer({ min: -1, max: 5 }) }),
).map(([a, b, c]) => ({ ...a, ...b, ...c }));

testMonoid("a user's totals", {
  values: total,
  empty: NO_USER,
  combine: (a, b) => mergeUserTotals([a, b]),
}, { idempotent: false });

testMonoid("a user's totals without counts", {
  values: total.map((t) => ({ ...t, posts: 0, comments: 0 })),
  empty: NO_USER,
  combine: (a, b) => mergeUserTotals([a, b]),
}, { idempotent: true });

const version: fc.Arbitrary<PostDocument> = anyPost.map((post) => {
  const { kind: _, content: __, extra: ___, retrieved_utc: ____, ...version } = post;
  return { type: "post", part: "batch", ...version, post_id: "p" } as PostDocument;
});

testMonoid("a register of posts", {
  values: fc.array(version, { maxLength: 1 }),
  empty: [],
  combine: (a, b) => [...mergeTop(1, a, b).items],
}, { idempotent: true });

Deno.test("versions are totally ordered, and equal only if all their fields are equal", () => {
  const account = anyAccount;
  assertHolds(
    fc.property(version, version, version, (a, b, c) => {
      assertOrder([a, b, c], comparePostVersions);
    }),
    1000,
  );
  assertHolds(
    fc.property(account, account, account, (a, b, c) => {
      assertOrder([a, b, c], compareUserVersions);
    }),
    1000,
  );
});

function assertOrder<T>([a, b, c]: [T, T, T], compare: (a: T, b: T) => number): void {
  assertEquals(Math.sign(compare(a, b)), -Math.sign(compare(b, a)) + 0);
  assertEquals(compare(a, b) === 0, canonicalJson(a) === canonicalJson(b));
  const [x, y, z] = [a, b, c].sort(compare) as [T, T, T];
  assertEquals([compare(x, y) <= 0, compare(y, z) <= 0, compare(x, z) <= 0], [true, true, true]);
  // Deterministic: sorting another arrangement gives the same.
  assertSame([c, a, b].sort(compare), [x, y, z]);
}

Deno.test("sums of floats and means are no monoids, which is why views have none", () => {
  const values = fc.integer({ min: -99, max: 99 }).map((tenths) => tenths / 10);
  assertBroken(associative({ values, empty: 0, combine: (a, b) => a + b }));
  const mean = { values, empty: 0, combine: (a: number, b: number) => (a + b) / 2 };
  assertBroken(associative(mean));
  assertBroken(hasIdentity(mean));
});

Deno.test("a register in which the last one to come wins does not commute", () => {
  const values = fc.array(version, { maxLength: 1 });
  assertBroken(commutative({ values, empty: [], combine: (a, b) => b.length > 0 ? b : a }));
});

Deno.test("the spelling of a name does not commute where equally late ones are kept as they come", () => {
  const combine = (a: Spelling, b: Spelling) => b.name_timestamp > a.name_timestamp ? b : a;
  assertBroken(commutative({ values: spelling, empty: NO_SPELLING, combine }));
});

Deno.test("a register ordered by timestamp alone does not commute", () => {
  const combine = (a: PostDocument[], b: PostDocument[]) =>
    (b[0]?.timestamp ?? -1) > (a[0]?.timestamp ?? -1) ? b : a;
  const values = fc.array(version, { maxLength: 1 });
  assertBroken(commutative({ values, empty: [], combine }));
});

Deno.test("compareUtf8() is a total order", () => {
  const text = fc.string({ unit: fc.constantFrom("a", "\ud7ff", "\ue000", "\uffee", "🎈") });
  assertHolds(fc.property(text, text, text, (a, b, c) => assertOrder([a, b, c], compareUtf8)));
});
