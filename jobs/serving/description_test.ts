/** Checks the API against its own description: examples, valid requests, and invalid ones. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import fc from "fast-check";
import { MAX_TIME, offsetVector, type ServingStore, WINDOWS } from "@pipeline/core";
import { EmbeddedStore } from "@pipeline/adapters/embedded";
import { TestClock } from "@pipeline/runtime";
import { type AppOptions, createApp } from "./app.ts";
import { readTime } from "./api/parameters.ts";
import { Description, type Operation, type Parameter, type Values } from "./testing/description.ts";
import { addGeneration, buildStore, comment, NOON, post, user } from "./testing/world.ts";

const RECORDS = {
  batch: [
    post({ subreddit: "AskReddit", user_id: "giant_lantern" }),
    user({ user_id: "giant_lantern" }),
  ],
  speed: [comment({ subreddit: "AskReddit", user_id: "giant_lantern" })],
};

async function describe(store?: ServingStore, more: Partial<AppOptions> = {}) {
  const app = createApp({
    store: store ?? await buildStore(RECORDS),
    ends: () => Promise.resolve(offsetVector(3, () => 1)),
    clock: new TestClock(NOON),
    ...more,
  });
  return { app, description: await Description.of(app) };
}

/** The example values of an operation. */
function examplesOf({ parameters }: Operation): Values {
  return Object.fromEntries(parameters.map(({ name, example, schema }) => {
    const value = example ?? schema.example ?? schema.examples?.[0] ?? schema.default;
    assert(value !== undefined, `${name} has no example`);
    return [name, String(value)];
  }));
}

Deno.test("every operation answers its own examples as it describes", async () => {
  const { app, description } = await describe();
  assert(description.operations.length > 8);
  for (const operation of description.operations) {
    const { status } = await description.check(operation, examplesOf(operation));
    assertEquals(status, 200, operation.path);
    const least = { ...examplesOf(operation) };
    for (const { name, required } of operation.parameters) if (!required) delete least[name];
    assertEquals((await description.check(operation, least)).status, 200, operation.path);
  }
  await app.close();
});

Deno.test("answers are as described where nothing is known: no end of the log, no fold, no records", async () => {
  const parts = ["reddit.posts", "reddit.comments", "reddit.users"];
  const unfolded = parts.flatMap((topic) => [0, 1, 2].map((partition) => `${topic}-${partition}`));
  const away = { ends: () => Promise.reject(new Error("The log is away")) };
  for (const store of [await buildStore({}, { unfolded }), await buildStore(RECORDS)]) {
    const { app, description } = await describe(store, away);
    for (const operation of description.operations) {
      const { status } = await description.check(operation, examplesOf(operation));
      // That a name is unknown can only be proved if nothing is missing.
      const named = operation.responses[404] !== undefined;
      assert(
        status === 200 || named && [404, 503].includes(status),
        `${operation.path}: ${status}`,
      );
    }
    await app.close();
  }
});

Deno.test("the examples are answered with every word that another parameter takes", async () => {
  const { app, description } = await describe();
  for (const operation of description.operations) {
    for (const { name, schema: { enum: words = [] } } of operation.parameters) {
      for (const word of words) {
        const values = { ...examplesOf(operation), [name]: word };
        const { status } = await description.check(operation, values);
        const counted = !operation.path.includes("/users/") || word === "1d";
        assertEquals(status, counted ? 200 : 400, `${operation.path} ${name}=${word}`);
      }
    }
  }
  await app.close();
});

const TOPIC_NAMES = ["reddit.posts", "reddit.comments", "reddit.users"] as const;

/** Offsets of some topics, mostly of as many partitions as there are. */
const offsetLists = fc.dictionary(
  fc.constantFrom(...TOPIC_NAMES),
  fc.array(fc.option(fc.integer({ min: 0, max: 3 })), { minLength: 3, maxLength: 3 }),
);

/** Values that the schema of a parameter allows. */
function valid({ name, example, schema }: Parameter): fc.Arbitrary<string> {
  const { enum: words, minimum, maximum, pattern, minLength = 0, maxLength } = schema;
  if (words !== undefined) return fc.constantFrom(...words);
  if (schema.type === "integer") return fc.integer({ min: minimum!, max: maximum! }).map(String);
  if (name === "at_least") {
    return fc.oneof(fc.stringMatching(new RegExp(pattern!)), offsetLists.map(JSON.stringify));
  }
  if (maxLength === undefined) {
    const near = fc.integer({ min: -3000, max: 3000 }).map((hours) => NOON + hours * 1_800_000);
    return fc.oneof(
      fc.stringMatching(new RegExp(pattern!)),
      near.map(String),
      near.map((time) => String(time / 1000 + 0.25)),
      near.map((time) => new Date(time).toISOString()),
      near.map((time) => new Date(time).toISOString().slice(0, 10)),
    );
  }
  const any = fc.string({ unit: "binary", minLength, maxLength });
  return fc.oneof(fc.constant(example ?? name), any.filter((text) => isValid(schema, text)));
}

function isValid(schema: Parameter["schema"], text: string): boolean {
  const { enum: words, minimum = -Infinity, maximum = Infinity, pattern = "" } = schema;
  if (words !== undefined) return words.includes(text);
  if (schema.type === "integer") {
    return /^[0-9]+$/.test(text) && Number(text) >= minimum && Number(text) <= maximum;
  }
  const { minLength = 0, maxLength = Infinity } = schema;
  const { length } = [...text];
  return length >= minLength && length <= maxLength && new RegExp(pattern, "u").test(text);
}

/** All parameters of an operation; optional ones are sometimes left out. */
function validValues({ parameters }: Operation): fc.Arbitrary<Values> {
  return fc.record(Object.fromEntries(
    parameters.map((parameter) => [
      parameter.name,
      parameter.required
        ? valid(parameter)
        : fc.option(valid(parameter), { nil: undefined }) as fc.Arbitrary<string>,
    ]),
  ));
}

/** Whether a text in a time's form is not an existing time: the rule that its description adds. */
function isNoTime(text: string): boolean {
  if (/^[0-9]+(\.[0-9]+)?$/.test(text)) return Number(text) > MAX_TIME;
  const [year, month, day] = text.slice(0, 10).split("-").map(Number);
  if (new Date(Date.UTC(year!, month! - 1, day)).getUTCDate() !== day) return true;
  const rest = text.slice(11).toUpperCase().replace(",", ".").replace(
    /([+-]\d\d):?(\d\d)$/,
    "$1:$2",
  );
  const time = Date.parse(rest === "" ? text : `${text.slice(0, 10)}T${rest}`);
  return time < 0 || time > MAX_TIME;
}

/** Whether a list of offsets has not one for each partition, or a topic is given twice. */
function breaksOffsetRule(text: string): boolean {
  const lists = Object.values(JSON.parse(text) as Record<string, unknown[]>);
  return lists.some((list) => list.length !== 3) || lists.length !== text.split('":').length - 1;
}

/** The rules in an operation's description beside the schemas. */
function breaksRule(
  { path }: Operation,
  { window, from, to, at, at_least, ...names }: Values,
): boolean {
  const times = [from, to, at].filter((time) => time !== undefined);
  if (times.some(isNoTime)) return true;
  if (at_least !== undefined && breaksOffsetRule(at_least)) return true;
  if (path.includes("/users/") && window !== undefined && window !== "1d") return true;
  if (from === undefined) return false;
  const size = WINDOWS[(window ?? (path.includes("/users/") ? "1d" : "1h")) as "1h"];
  const start = readTime(from)!;
  if (to !== undefined && readTime(to)! <= start) return true;
  const known = Object.values(names).some((name) =>
    name === "AskReddit" || name === "giant_lantern"
  );
  const latest = known ? NOON - NOON % size + size : start;
  return (to === undefined ? latest : readTime(to)!) - start > 1500 * size;
}

Deno.test("whatever the schemas allow is answered, or refused for a rule that is stated", async () => {
  const { app, description } = await describe();
  const seen = new Set<string>();
  for (const operation of description.operations.filter(({ path }) => path !== "/v1/stream")) {
    const runs = operation.parameters.length === 0 ? 1 : 400;
    await fc.assert(
      fc.asyncProperty(validValues(operation), async (values) => {
        const { status } = await description.check(operation, values);
        seen.add(`${operation.path} ${status}`);
        if (status === 404) return assert(operation.responses[404] !== undefined);
        // No proof that a name is unknown, before the offsets that were asked for.
        if (status === 503) return assert(operation.responses[404] && values.at_least);
        assertEquals(status, breaksRule(operation, values) ? 400 : 200, JSON.stringify(values));
      }),
      { numRuns: runs },
    );
  }
  // If there is a rule, both cases were tried.
  for (const path of ["/v1/subreddits/{subreddit}/activity", "/v1/users/{user_id}/activity"]) {
    assert(seen.has(`${path} 200`) && seen.has(`${path} 400`), [...seen].join());
  }
  await app.close();
});

Deno.test("whatever a schema does not allow is refused, and named with its value and what is allowed", async () => {
  const { app, description } = await describe();
  const odd = fc.oneof(
    fc.string({ unit: "binary", maxLength: 120 }),
    fc.constantFrom(
      "",
      " ",
      "0",
      "-1",
      "1e3",
      "1.5",
      "+1",
      "NaN",
      "null",
      "٣",
      "-0",
      "1e9",
      "0.0000001",
      " 1",
      "0x10",
      "9".repeat(400),
    ),
    fc.integer().map(String),
    fc.double().map(String),
  );
  for (const operation of description.operations) {
    for (const parameter of operation.parameters.filter(({ in: place }) => place === "query")) {
      const invalid = odd.filter((text) => !isValid(parameter.schema, text));
      await fc.assert(
        fc.asyncProperty(invalid, async (text) => {
          // A space before a zone is a plus that was decoded.
          if (/T.* \d\d:?\d\d$/i.test(text)) return;
          const values = { ...examplesOf(operation), [parameter.name]: text };
          const { status, body } = await description.check(operation, values);
          assertEquals(status, 400, JSON.stringify(values));
          const { detail } = body as { detail: string };
          const start = JSON.stringify(text).slice(0, 40).replace(/"$/, "");
          assertStringIncludes(detail, `Parameter "${parameter.name}" is `);
          assert(/^[ -~]*$/.test(start) ? detail.includes(start) : true, detail);
          assertStringIncludes(detail, "it must be ");
        }),
        { numRuns: 100 },
      );
    }
  }
  await app.close();
});

Deno.test("parameters that are repeated or not known are refused by name", async () => {
  const { app, description } = await describe();
  const refused = async (address: string) => {
    const response = await description.get(address);
    assertEquals(response.status, 400, address);
    return (await response.json()).detail as string;
  };
  for (const operation of description.operations) {
    if (operation.responses[400] === undefined) continue;
    const address = description.address(operation, examplesOf(operation));
    const more = (query: string) => `${address}${address.includes("?") ? "&" : "?"}${query}`;
    assertStringIncludes(await refused(more("no_such=1")), 'Parameter "no_such" is not known');
    assertStringIncludes(await refused(more("%00=1")), 'Parameter "\\u0000" is not known');
    for (const { name, in: place } of operation.parameters) {
      if (place === "path") continue;
      const value = examplesOf(operation)[name] ?? "1h";
      const one = `${name}=${encodeURIComponent(value)}`;
      const twice = `${operation.path.replace(/\{.*\}/, "AskReddit")}?${one}&${one}`;
      const shown = JSON.stringify([value, value]).slice(0, 60);
      assertStringIncludes(await refused(twice), `Parameter "${name}" is ${shown}`);
    }
  }
  await app.close();
});

Deno.test("every operation takes HEAD as GET, and no other method", async () => {
  const { app, description } = await describe();
  for (const operation of description.operations) {
    const address = description.address(operation, examplesOf(operation));
    const head = await description.get(address, { method: "HEAD" });
    assertEquals([head.status, await head.text()], [200, ""], address);
    for (const method of ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"]) {
      const response = await description.get(address, { method });
      assertEquals([response.status, response.headers.get("allow")], [405, "GET, HEAD"], method);
      assertEquals(response.headers.get("content-type"), "application/problem+json");
      await response.body?.cancel();
    }
    const slash = await description.get(address.replace(/(\?|$)/, "/$1"));
    assertEquals([slash.status, (await slash.json()).status], [404, 404], address);
  }
  await app.close();
});

Deno.test("names of any characters are looked up, in memory and in the embedded store", async () => {
  const folder = await Deno.makeTempDir();
  const embedded = new EmbeddedStore(folder);
  await addGeneration(embedded, RECORDS);
  await embedded.switchTo(1, undefined);
  try {
    for (const store of [await buildStore(RECORDS), embedded]) {
      const { app, description } = await describe(store);
      const names = [
        "\0",
        "a/b",
        "%2F",
        "a?b#c",
        "\u202e",
        "🎈".repeat(100),
        "Ω".repeat(100),
        "'\"`;--",
        "|",
        "...",
      ];
      for (const operation of description.operations) {
        const [name] = operation.parameters.filter(({ in: place }) => place === "path");
        if (name === undefined) continue;
        for (const text of names) {
          const { status } = await description.check(operation, { [name.name]: text });
          assert(status === 200 || status === 404, `${text}: ${status}`);
        }
        const { status } = await description.check(operation, { [name.name]: "🎈".repeat(101) });
        assertEquals(status, 400);
      }
      await app.close();
    }
  } finally {
    await embedded.close();
    await Deno.remove(folder, { recursive: true });
  }
});
