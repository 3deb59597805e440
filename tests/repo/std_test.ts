// What this project relies on in @std/assert and @std/cli. It holds the stand-ins of
// scripts/offline/jsr to the real packages: the same assertions run against whichever is in use.
import {
  assert,
  assertAlmostEquals,
  assertArrayIncludes,
  assertEquals,
  assertExists,
  assertFalse,
  assertGreater,
  assertGreaterOrEqual,
  assertInstanceOf,
  AssertionError,
  assertIsError,
  assertLess,
  assertLessOrEqual,
  assertMatch,
  assertNotEquals,
  assertNotMatch,
  assertNotStrictEquals,
  assertObjectMatch,
  assertRejects,
  assertStrictEquals,
  assertStringIncludes,
  assertThrows,
  fail,
  unreachable,
} from "@std/assert";
import { parseArgs } from "@std/cli";
import { parseArgs as parseArgsOfSubpath } from "@std/cli/parse-args";

const fails = (fn: () => unknown) => assertThrows(fn, AssertionError);

const EQUAL: [string, unknown, unknown][] = [
  ["NaN", NaN, NaN],
  ["zero and negative zero", 0, -0],
  ["nested objects in another key order", { a: [1, { b: 2 }], c: 3 }, { c: 3, a: [1, { b: 2 }] }],
  ["a null prototype and a plain object", Object.assign(Object.create(null), { a: 1 }), { a: 1 }],
  ["dates", new Date(5), new Date(5)],
  ["patterns", /a/g, /a/g],
  ["maps in another order", new Map([["a", [1]], ["b", [2]]]), new Map([["b", [2]], ["a", [1]]])],
  ["maps with object keys", new Map([[{ k: 1 }, 1]]), new Map([[{ k: 1 }, 1]])],
  ["sets of objects", new Set([{ a: 1 }, { a: 2 }]), new Set([{ a: 2 }, { a: 1 }])],
  ["bytes", new Uint8Array([1, 2]), new Uint8Array([1, 2])],
  ["big integers", 2n ** 70n, 2n ** 70n],
];

const UNEQUAL: [string, unknown, unknown][] = [
  ["number and string", 1, "1"],
  ["null and undefined", null, undefined],
  ["an absent and an undefined key", {}, { a: undefined }],
  ["an undefined key and another key", { a: undefined }, { b: undefined }],
  ["array and object", [1], { 0: 1 }],
  ["arrays of other length", [1, 2], [1]],
  ["dates", new Date(5), new Date(6)],
  ["patterns with other flags", /a/g, /a/i],
  ["maps with another value", new Map([["a", 1]]), new Map([["a", 2]])],
  ["sets of other size", new Set([1]), new Set([1, 2])],
  ["bytes", new Uint8Array([1, 2]), new Uint8Array([1, 3])],
  ["kinds of bytes", new Uint8Array([1]), new Int8Array([1])],
  ["classes", new (class A {})(), new (class B {})()],
];

for (const [name, a, b] of EQUAL) {
  Deno.test(`assertEquals() accepts ${name}`, () => {
    assertEquals(a, b);
    fails(() => assertNotEquals(a, b));
  });
}

for (const [name, a, b] of UNEQUAL) {
  Deno.test(`assertEquals() refuses ${name}`, () => {
    fails(() => assertEquals(a, b));
    assertNotEquals(a, b);
  });
}

Deno.test("assertEquals() compares circular values", () => {
  const circle = () => {
    const value: Record<string, unknown> = { a: 1 };
    value.self = value;
    return value;
  };
  assertEquals(circle(), circle());
  fails(() => assertEquals(circle(), { ...circle(), b: 1 }));
});

Deno.test("assertEquals() shows both values and the message", () => {
  const { message } = fails(() => assertEquals({ posts: 17 }, { posts: 23 }, "counts of posts"));
  for (const part of ["17", "23", "counts of posts"]) assertStringIncludes(message, part);
});

Deno.test("assertions on one value fail when they do not hold", () => {
  assert(1);
  fails(() => assert(""));
  assertFalse(0);
  fails(() => assertFalse(1));
  assertExists(0);
  fails(() => assertExists(null));
  assertInstanceOf(new TypeError(), Error);
  fails(() => assertInstanceOf({}, Error));
  assertIsError(new TypeError("a b"), TypeError, "b");
  fails(() => assertIsError(new Error("a"), TypeError));
  assertMatch("abc", /b/);
  fails(() => assertMatch("abc", /d/));
  assertNotMatch("abc", /d/);
  fails(() => assertNotMatch("abc", /b/));
  assertStringIncludes("abc", "bc");
  fails(() => assertStringIncludes("abc", "cb"));
  fails(() => fail("why"));
  fails(() => unreachable());
});

Deno.test("assertions on two values fail when they do not hold", () => {
  const object = {};
  assertStrictEquals(object, object);
  fails(() => assertStrictEquals({}, {}));
  fails(() => assertStrictEquals(0, -0));
  assertNotStrictEquals({}, {});
  fails(() => assertNotStrictEquals(1, 1));
  assertAlmostEquals(0.1 + 0.2, 0.3);
  assertAlmostEquals(1, 1.5, 0.5);
  fails(() => assertAlmostEquals(1, 1.001));
  assertGreater(2n, 1n);
  fails(() => assertGreater(1, 1));
  assertGreaterOrEqual(1, 1);
  fails(() => assertGreaterOrEqual(0, 1));
  assertLess("a", "b");
  fails(() => assertLess(1, 1));
  assertLessOrEqual(1, 1);
  fails(() => assertLessOrEqual(2, 1));
  assertArrayIncludes([{ a: 1 }, { a: 2 }], [{ a: 2 }]);
  fails(() => assertArrayIncludes([1, 2], [3]));
});

Deno.test("assertObjectMatch() compares what is expected and nothing else", () => {
  assertObjectMatch({ a: 1, b: { c: [1, { d: 2, e: 3 }] } }, { b: { c: [1, { d: 2 }] } });
  fails(() => assertObjectMatch({ a: 1 }, { a: 2 }));
  fails(() => assertObjectMatch({ a: 1 }, { b: undefined }));
  fails(() => assertObjectMatch({ a: { b: 1 } }, { a: { b: 1, c: 2 } }));
  fails(() => assertObjectMatch({ a: null }, { a: {} }));
});

Deno.test("assertThrows() returns the error, and refuses another one", () => {
  const boom = () => {
    throw new TypeError("some text");
  };
  assertEquals(assertThrows(boom, TypeError, "text").message, "some text");
  fails(() => assertThrows(boom, RangeError));
  fails(() => assertThrows(boom, TypeError, "other"));
  fails(() => assertThrows(() => 1));
});

Deno.test("assertRejects() resolves to the error, and refuses another one", async () => {
  const boom = () => Promise.reject(new TypeError("some text"));
  assertEquals((await assertRejects(boom, TypeError, "text")).message, "some text");
  await assertRejects(() => assertRejects(boom, RangeError), AssertionError);
  await assertRejects(() => assertRejects(() => Promise.resolve()), AssertionError);
  const synchronous = (): Promise<void> => {
    throw new TypeError("now");
  };
  await assertRejects(() => assertRejects(synchronous), AssertionError);
});

Deno.test("parseArgs() types values by declaration, else by look", () => {
  const args = ["--name", "007", "--port", "8080", "--hex=0x10", "--dry", "rest", "12"];
  const parsed = parseArgs(args, { string: ["name"], boolean: ["dry", "quiet"] });
  const name: string | undefined = parsed.name;
  const dry: boolean = parsed.dry;
  assertEquals([name, dry, parsed.quiet], ["007", true, false]);
  assertEquals([parsed.port, parsed.hex, parsed._], [8080, 16, ["rest", 12]]);
});

Deno.test("parseArgs() fills in defaults, also for aliases", () => {
  const options = {
    string: ["host"],
    default: { host: "local", p: 80 },
    alias: { p: "port" },
  } as const;
  const parsed = parseArgs([], { ...options, string: ["host"] });
  assertEquals([parsed.host, parsed.p, (parsed as Record<string, unknown>).port], [
    "local",
    80,
    80,
  ]);
  assertEquals(parseArgs(["-p", "9"], { alias: { p: "port" } }).port, 9);
});

Deno.test("parseArgs() collects repeated flags, and keeps the last of others", () => {
  const args = ["--post", "a", "--post=b", "--x=1", "--x=2"];
  const parsed = parseArgs(args, { string: ["post", "other"], collect: ["post", "other"] });
  const posts: string[] = parsed.post;
  assertEquals([posts, parsed.other, parsed.x], [["a", "b"], [], 2]);
});

Deno.test("parseArgs() negates what is negatable only, without collecting it", () => {
  const declared = {
    boolean: ["color", "quiet"],
    negatable: ["color"],
    collect: ["quiet"],
  } as const;
  const parsed = parseArgs(["--no-color", "--no-quiet", "--quiet"], {
    boolean: [...declared.boolean],
    negatable: [...declared.negatable],
    collect: [...declared.collect],
  });
  assertEquals([parsed.color, parsed["no-quiet"], parsed.quiet], [false, true, [true]]);
});

Deno.test("parseArgs() reads an explicit boolean", () => {
  const options = { boolean: ["a", "b", "c"] };
  const parsed = parseArgs(["--a=false", "--b", "false", "--c", "x"], options);
  assertEquals([parsed.a, parsed.b, parsed.c, parsed._], [false, false, true, ["x"]]);
});

Deno.test("parseArgs() takes no value that begins with a dash", () => {
  const parsed = parseArgs(["--rate", "-1", "--rest=-2"], { string: ["rate", "rest"] });
  assertEquals([parsed.rate, parsed.rest, parsed["1"]], ["", "-2", true]);
});

Deno.test("parseArgs() splits short flags", () => {
  const parsed = parseArgs(["-abc", "x", "-n5", "-o=out"]);
  assertEquals({ ...parsed, _: [] }, { a: true, b: true, c: "x", n: 5, o: "out", _: [] });
});

Deno.test("parseArgs() reports what is unknown, and leaves it out on false", () => {
  const told: unknown[] = [];
  const parsed = parseArgs(["--known=1", "--prot", "1", "extra"], {
    string: ["known"],
    unknown: (arg, key, value) => {
      told.push([arg, key, value]);
      return false;
    },
  });
  assertEquals(told, [["--prot", "prot", "1"], ["extra", undefined, undefined]]);
  assertEquals({ ...parsed }, { known: "1", _: [] });
});

Deno.test("parseArgs() leaves everything behind -- alone", () => {
  assertEquals(parseArgs(["a", "--", "--b", "1"])._, ["a", "--b", "1"]);
  const parsed = parseArgsOfSubpath(["a", "--", "--b"], { "--": true });
  assertEquals([parsed._, parsed["--"]], [["a"], ["--b"]]);
});

Deno.test("parseArgs() stops early when asked to", () => {
  assertEquals(parseArgs(["--a", "1", "b", "--c"], { stopEarly: true }), { a: 1, _: ["b", "--c"] });
});
