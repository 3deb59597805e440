import { PipelineError } from "@pipeline/core";
import { foldIdentity, PARTS_BOUNDS, type PartsRequest } from "@pipeline/protocol";
import { emptyManifest, foldedTo } from "@pipeline/protocol/testing";
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { PARTS_PATH, type PartsServerOptions, serveParts } from "./parts_server.ts";

const manifest = emptyManifest();
const ASKED: PartsRequest = {
  generation: manifest.generation,
  identity: foldIdentity(manifest),
  questions: [],
};

/** An endpoint whose source answers with a part of no documents, unless told otherwise. */
async function withServer(
  work: (
    ask: (init: RequestInit, path?: string) => Promise<Response>,
    asked: PartsRequest[],
  ) => Promise<void>,
  options: Partial<PartsServerOptions> = {},
) {
  const asked: PartsRequest[] = [];
  const source = {
    answered: () => [3, 4],
    answer: (request: PartsRequest) => {
      asked.push(request);
      return [{ ...foldedTo("reddit.posts", 0, 7), answers: [] }];
    },
  };
  const server = serveParts({ host: "127.0.0.1", port: 0, maxQueued: 64, source, ...options });
  const ask = (init: RequestInit, path = PARTS_PATH) =>
    fetch(`http://127.0.0.1:${server.port}${path}`, init);
  try {
    await work(ask, asked);
  } finally {
    await server.close();
  }
}

const post = (body: unknown): RequestInit => ({
  method: "POST",
  body: typeof body === "string" ? body : JSON.stringify(body),
});

Deno.test("serveParts() answers a request with what the folds answer", async () => {
  const statuses: number[] = [];
  const onAnswer = (status: number) => void statuses.push(status);
  await withServer(async (ask, asked) => {
    const questions: PartsRequest["questions"] = [
      { view: "top_posts", keys: ["post|sub|p1"] },
      { view: "user_activity", query: { type: "user_total", order: "id", limit: 10 } },
      { totals: { window: "1h", from: 0, to: 3_600_000 } },
    ];
    const response = await ask(post({ ...ASKED, questions }));
    assertEquals(response.status, 200);
    assertEquals(response.headers.get("content-type"), "application/json");
    const answer = { ...foldedTo("reddit.posts", 0, 7), answers: [] };
    assertEquals(await response.json(), { parts: [answer] });
    assertEquals(asked, [{ ...ASKED, questions }]);
  }, { onAnswer });
  assertEquals(statuses, [200]);
});

Deno.test("serveParts() refuses what is not a request, in one sentence", async () => {
  const many = (count: number) => Array.from({ length: count }, () => "k");
  const query = { order: "id", limit: 1 };
  const question = (one: unknown) => ({ ...ASKED, questions: [one] });
  const cases: readonly (readonly [unknown, RegExp])[] = [
    ["{", /must be JSON/],
    [[], /The body/],
    [{ ...ASKED, more: 1 }, /more/],
    [{ ...ASKED, generation: "1" }, /generation/],
    [{
      ...ASKED,
      questions: Array(PARTS_BOUNDS.questions + 1).fill({ view: "top_posts", keys: [] }),
    }, /questions/],
    [question({ view: "top_posts", keys: many(PARTS_BOUNDS.keys + 1) }), /1000 keys/],
    [question({ view: "other", keys: [] }), /questions/],
    [question({ view: "top_posts", query: { ...query, after: {} } }), /questions/],
    [
      question({ view: "top_posts", query: { ...query, limit: PARTS_BOUNDS.documents + 1 } }),
      /questions/,
    ],
    [
      question({ totals: { window: "1m", from: 0, to: 60_000 * (PARTS_BOUNDS.windows + 1) } }),
      /questions/,
    ],
  ];
  await withServer(async (ask, asked) => {
    for (const [body, text] of cases) {
      const response = await ask(post(body));
      assertEquals(response.status, 400, JSON.stringify(body));
      assertEquals(response.headers.get("content-type"), "application/problem+json");
      assertMatch((await response.json()).detail, text);
    }
    assertEquals(asked, []);
    // The bounds themselves are allowed.
    const most = [
      { view: "top_posts", keys: many(PARTS_BOUNDS.keys) },
      { view: "top_posts", query: { ...query, limit: PARTS_BOUNDS.documents } },
      { totals: { window: "1m", from: 0, to: 60_000 * PARTS_BOUNDS.windows } },
    ];
    const response = await ask(post({ ...ASKED, questions: most }));
    assertEquals([response.status, asked.length], [200, 1]);
    await response.body?.cancel();
  });
});

Deno.test("serveParts() refuses other paths and methods, and names its own", async () => {
  await withServer(async (ask) => {
    const missing = await ask(post(ASKED), "/v1/other");
    assertEquals(missing.status, 404);
    assertStringIncludes((await missing.json()).detail, PARTS_PATH);
    const get = await ask({ method: "GET" });
    assertEquals([get.status, get.headers.get("allow")], [405, "POST"]);
    await get.body?.cancel();
  });
});

Deno.test("serveParts() reads no more of a body than it may have, with a length or without", async () => {
  const padded = JSON.stringify(ASKED) + " ".repeat(PARTS_BOUNDS.body);
  const streamed = new Blob([padded]).stream();
  await withServer(async (ask, asked) => {
    for (const body of [padded, streamed]) {
      const response = await ask({ method: "POST", body });
      assertEquals(response.status, 413);
      await response.body?.cancel();
    }
    const just = JSON.stringify(ASKED).padEnd(PARTS_BOUNDS.body);
    const response = await ask({ method: "POST", body: just });
    assertEquals([response.status, asked.length], [200, 1]);
    await response.body?.cancel();
  });
});

Deno.test("serveParts() answers what the folds refuse with a status, and lists the generations", async () => {
  const cases = [
    [new PipelineError("not_found", "Generation 1 is not folded here"), 409],
    [new PipelineError("conflict", "Generation 1 is that of another pipeline"), 409],
    [new PipelineError("too_large", "The answer has 10001 documents"), 413],
    [new Error("A defect"), 500],
  ] as const;
  for (const [error, status] of cases) {
    const answer = () => {
      throw error;
    };
    await withServer(async (ask) => {
      const response = await ask(post(ASKED));
      assertEquals(response.status, status);
      const { generations, detail } = await response.json();
      assertEquals(generations, status === 409 ? [3, 4] : undefined);
      assertEquals(detail === error.message, status !== 500);
    }, { source: { answered: () => [3, 4], answer } });
  }
});

Deno.test("serveParts() lets the event loop go round between two answers, and refuses what waits beyond its bound", async () => {
  const pauses: (() => void)[] = [];
  const pause = () => new Promise<void>((resolve) => void pauses.push(resolve));
  const statuses: number[] = [];
  const told = Promise.withResolvers<void>();
  const onAnswer = (status: number) => {
    statuses.push(status);
    if (status === 429) told.resolve();
  };
  await withServer(async (ask) => {
    await (await ask(post(ASKED))).body?.cancel();
    // The next ones wait for the pause that follows the answer; there is room for two.
    const waiting = [1, 2, 3].map(() => ask(post(ASKED)));
    await told.promise;
    assertEquals(statuses, [200, 429]);
    const going = setInterval(() => pauses.shift()?.(), 1);
    const responses = await Promise.all(waiting);
    assertEquals(responses.map(({ status }) => status).sort(), [200, 200, 429]);
    const refused = responses.find(({ status }) => status === 429);
    assertEquals(refused?.headers.get("retry-after"), "1");
    for (const { body } of responses) await body?.cancel();
    clearInterval(going);
  }, { pause, onAnswer, maxQueued: 2 });
});

Deno.test("serveParts() does not wait for long for a body, and answers others meanwhile", async () => {
  const statuses: number[] = [];
  const onAnswer = (status: number) => void statuses.push(status);
  const source = { answered: () => [], answer: () => [] };
  const server = serveParts({
    host: "127.0.0.1",
    port: 0,
    maxQueued: 1,
    source,
    onAnswer,
    bodyWithin: 300,
  });
  try {
    using stuck = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
    const head = `POST ${PARTS_PATH} HTTP/1.1\r\nhost: speed\r\ncontent-length: 100\r\n\r\n{`;
    await stuck.write(new TextEncoder().encode(head));
    const response = await fetch(`http://127.0.0.1:${server.port}${PARTS_PATH}`, post(ASKED));
    await response.body?.cancel();
    const buffer = new Uint8Array(1_000);
    const length = await stuck.read(buffer);
    const text = new TextDecoder().decode(buffer.subarray(0, length ?? 0));
    assertMatch(text, /^HTTP\/1\.1 408 /);
    assertStringIncludes(text, "did not arrive within 300 ms");
    assertEquals(statuses, [200, 408]);
  } finally {
    await server.close();
  }
});
