import { assert, assertEquals, assertFalse, assertStringIncludes } from "@std/assert";
import { offsetVector, PipelineError, type ServingStore } from "@pipeline/core";
import { Health, Metrics, TestClock } from "@pipeline/runtime";
import { readManifest, writeManifest } from "@pipeline/protocol";
import { MemoryStore } from "@pipeline/adapters/testing";
import {
  activityAnswer,
  problemAnswer,
  statusAnswer,
  subredditsAnswer,
  topAnswer,
  userAnswer,
} from "./api/schemas.ts";
import { type AppOptions, createApp } from "./app.ts";
import type { Asset } from "./page/mod.ts";
import { buildStore, comment, NOON, post, user } from "./testing/world.ts";

async function setUp(options: Partial<AppOptions> = {}) {
  const store = options.store ?? await buildStore({
    batch: [post({ score: 3 }), user()],
    speed: [post({ post_id: "t3_2", score: 5 }), comment({ user_id: "u_2" })],
  });
  const ends = () => Promise.resolve(offsetVector(3, () => 1));
  const app = createApp({ ends, clock: new TestClock(NOON), ...options, store });
  const get = async (path: string, init?: RequestInit) =>
    await app.fetch(new Request(`http://localhost${path}`, init));
  const problem = async (path: string, init?: RequestInit) => {
    const response = await get(path, init);
    assertEquals(response.headers.get("content-type"), "application/problem+json");
    const body = problemAnswer.parse(await response.json());
    assertEquals(body.status, response.status);
    return { status: body.status, detail: body.detail };
  };
  return { app, get, problem, store };
}

Deno.test("each endpoint answers in the form of the description", async () => {
  const { get } = await setUp();
  const forms = [
    ["/v1/subreddits/deno/top?k=10", topAnswer],
    ["/v1/subreddits/deno/activity?window=1h", activityAnswer],
    ["/v1/subreddits?sort=trending", subredditsAnswer],
    ["/v1/subreddits?sort=posts&window=1d&limit=1", subredditsAnswer],
    ["/v1/users/u_1/activity", userAnswer],
    ["/v1/status", statusAnswer],
  ] as const;
  for (const [path, form] of forms) {
    const response = await get(path);
    assertEquals(response.status, 200, path);
    assertEquals(response.headers.get("content-type"), "application/json", path);
    form.parse(await response.json());
  }
});

Deno.test("GET top answers with items, proof and provenance", async () => {
  const { get } = await setUp();
  const { provenance, ...answer } = await (await get("/v1/subreddits/deno/top?k=1")).json();
  assertEquals(answer, {
    subreddit: "deno",
    items: [{
      post_id: "t3_2",
      title: "Title",
      user_id: "u_1",
      score: 5,
      num_comments: 0,
      created_utc: "2026-01-31T12:00:00.000Z",
      timestamp: "2026-01-31T12:00:00.000Z",
    }],
    exact: true,
  });
  assertEquals([provenance.generation, provenance.partial, provenance.lag], [1, false, 5]);
});

Deno.test("GET activity takes ISO times, dates and epochs", async () => {
  const { get } = await setUp();
  const starts = async (query: string) => {
    const { items } = await (await get(`/v1/subreddits/deno/activity?window=1h&${query}`)).json();
    return items.map((item: { window_start: string }) => item.window_start);
  };
  const noon = ["2026-01-31T12:00:00.000Z"];
  assertEquals(await starts("from=2026-01-31T12:00:00Z"), noon);
  assertEquals(await starts("from=2026-01-31T14:00:00%2B02:00"), noon);
  assertEquals(await starts("from=2026-01-31T14:00:00+02:00"), noon);
  assertEquals(await starts(`from=${NOON}`), noon);
  assertEquals(await starts(`from=${NOON / 1000}`), noon);
  assertEquals(await starts("from=2026-01-31&to=2026-02-01"), noon);
  assertEquals(await starts("from=2026-01-31T13:00:00Z"), []);
});

const LOOK_UPS = [
  ["/v1/subreddits/None/top", "subreddit"],
  ["/v1/subreddits/None/activity", "subreddit"],
  ["/v1/users/None/activity", "user"],
] as const;

Deno.test("a name that no record contains is a 404 with its provenance", async () => {
  const { get, problem } = await setUp();
  for (const [path, kind] of LOOK_UPS) {
    const detail = `No record in generation 1 names a ${kind} "None"`;
    assertEquals(await problem(path), { status: 404, detail });
    const { provenance } = await (await get(path)).json();
    assertEquals([provenance.generation, provenance.partial, provenance.lag], [1, false, 5]);
  }
});

Deno.test("a name is known if a record contains it, even if there is nothing else about it", async () => {
  const update = { created_utc: NOON, timestamp: NOON + 1 };
  const records = [
    post({ subreddit: "Announced", user_id: "Author" }),
    comment({ subreddit: "Commented", user_id: "Commentator" }),
    post({ post_id: "t3_2", subreddit: "Updated", user_id: "Editor", ...update }),
    user({ user_id: "Account" }),
  ];
  const subreddits = ["announced", "commented", "updated"];
  const users = ["author", "commentator", "editor", "account"];
  for (const layers of [{ batch: records }, { speed: records }]) {
    const { get } = await setUp({ store: await buildStore(layers) });
    for (const name of subreddits) {
      assertEquals((await get(`/v1/subreddits/${name}/top`)).status, 200, name);
      const path = `/v1/subreddits/${name}/activity?from=2030-01-01&to=2030-01-02`;
      const { subreddit, items, provenance } = await (await get(path)).json();
      assertEquals([subreddit.toLowerCase(), items, provenance.partial], [name, [], false]);
    }
    for (const name of users) {
      const { user_id } = await (await get(`/v1/users/${name}/activity`)).json();
      assertEquals(user_id.toLowerCase(), name);
    }
    // Every name in an answer can be looked up.
    const { items } = await (await get("/v1/subreddits/updated/top")).json();
    assertEquals(items.map((item: { user_id: string }) => item.user_id), ["Editor"]);
    assertEquals((await get("/v1/subreddits/editor/top")).status, 404);
    assertEquals((await get("/v1/users/announced/activity")).status, 404);
  }
});

Deno.test("while speed has not begun with a part, a name that no other part holds is a 503", async () => {
  const unfolded = ["reddit.comments-1"];
  const store = await buildStore({ batch: [post({ subreddit: "deno" })] }, { unfolded });
  const { get, problem } = await setUp({ store });
  for (const [path, kind] of LOOK_UPS) {
    assertEquals(await problem(path), {
      status: 503,
      detail: `It is not known yet whether there is a ${kind} "None": speed has not begun with ` +
        `reddit.comments-1 in generation 1`,
    });
    assertEquals((await get(path)).headers.get("retry-after"), "5");
  }
  const { items, provenance } = await (await get("/v1/subreddits/DENO/top")).json();
  assertEquals([items.length, provenance.missing], [1, ["reddit.comments-1"]]);
  // Records of users contain no subreddit.
  const users = await setUp({
    store: await buildStore({}, { unfolded: ["reddit.users-0"] }),
  });
  assertEquals((await users.problem(LOOK_UPS[0][0])).status, 404);
  assertEquals((await users.problem(LOOK_UPS[2][0])).status, 503);
});

Deno.test("names are not looked up in a generation of other definitions", async () => {
  const store = await buildStore({ batch: [post()] });
  const { manifest, version } = (await readManifest(store, 1))!;
  await writeManifest(store, { ...manifest, definition: "other" }, version);
  const { problem } = await setUp({ store });
  for (const path of [...LOOK_UPS.map(([path]) => path), "/v1/users/u_1/activity"]) {
    const { status, detail } = await problem(path);
    assertEquals(status, 503);
    assertStringIncludes(detail, "was built by other definitions of the views");
  }
});

Deno.test("an invalid parameter is a 400 that names the allowed values", async () => {
  const { problem } = await setUp();
  const time =
    'a time such as "2026-01-31T12:00:00Z" or "2026-01-31", epoch seconds or milliseconds';
  const cases = {
    "/v1/subreddits/a/top?k=many":
      'Parameter "k" is "many": it must be an integer between 1 and 100',
    "/v1/subreddits/a/top?k=0": 'Parameter "k" is "0": it must be an integer between 1 and 100',
    "/v1/subreddits/a/top?k=999999999":
      'Parameter "k" is "999999999": it must be an integer between 1 and 100',
    "/v1/subreddits/a/top?k=1&k=2":
      'Parameter "k" is ["1","2"]: it must be an integer between 1 and 100',
    "/v1/subreddits/a/top?K=1": 'Parameter "K" is not known; did you mean "k"?',
    "/v1/subreddits?sort=best":
      'Parameter "sort" is "best": it must be one of "trending", "posts", "comments", "active_users"',
    "/v1/subreddits?window=1w": 'Parameter "window" is "1w": it must be one of "1m", "1h", "1d"',
    "/v1/subreddits?at=yesterday": `Parameter "at" is "yesterday": it must be ${time}`,
    "/v1/subreddits?at=2026-02-30": `Parameter "at" is "2026-02-30": it must be ${time}`,
    "/v1/subreddits/a/activity?from=-1": `Parameter "from" is "-1": it must be ${time}`,
    "/v1/users/a/activity?window=1m": '"window" is "1m": users are counted in windows of "1d"',
    "/v1/status?verbose=1": 'Parameter "verbose" is not known; known: at_least',
  };
  for (const [path, detail] of Object.entries(cases)) {
    assertEquals(await problem(path), { status: 400, detail }, path);
  }
});

Deno.test("unknown parameters with names of an object's own are refused too", async () => {
  const { problem } = await setUp();
  for (const name of ["__proto__", "constructor", "toString"]) {
    const { status, detail } = await problem(`/v1/status?${name}=1`);
    assertEquals(status, 400);
    assertStringIncludes(detail, JSON.stringify(name));
  }
});

Deno.test("names in paths and parameters reach the store as values, whatever they hold", async () => {
  const names = [
    "*",
    "../_cluster/settings",
    '{"match_all":{}}',
    "a' OR 1=1 --",
    "__proto__",
    "%",
    "a/b",
  ];
  const records = names.map((subreddit, i) => post({ subreddit, post_id: `p${i}` }));
  const { get } = await setUp({ store: await buildStore({ speed: records }) });
  for (const [i, name] of names.entries()) {
    const answer = await (await get(`/v1/subreddits/${encodeURIComponent(name)}/top`)).json();
    assertEquals(answer.subreddit, name);
    assertEquals(answer.items.map((item: { post_id: string }) => item.post_id), [`p${i}`], name);
  }
});

Deno.test("paths that are too long or no UTF-8 are refused", async () => {
  const { problem } = await setUp();
  assertEquals(await problem(`/v1/subreddits/${"x".repeat(101)}/top`), {
    status: 400,
    detail: `Parameter "subreddit" is "${"x".repeat(79)}…: it must be text of 1 to 100 characters`,
  });
  assertEquals(
    (await problem("/v1/subreddits/%FF/top")).detail,
    "The address must be percent-encoded UTF-8",
  );
  const long = await problem(`/v1/status?${"x".repeat(5000)}`);
  assertStringIncludes(long.detail, "at most 4096 are allowed");
});

Deno.test("everything else is a problem too: unknown paths, methods, bodies", async () => {
  const { get, problem } = await setUp();
  assertEquals(await problem("/v1/nothing"), {
    status: 404,
    detail: "There is no /v1/nothing; /openapi.json lists what there is",
  });
  assertEquals((await problem("/v1/status", { method: "DELETE" })).status, 405);
  assertEquals((await get("/v1/status", { method: "POST" })).headers.get("allow"), "GET, HEAD");
  const body = { headers: { "content-length": "5" } };
  assertEquals((await problem("/v1/status", body)).status, 413);
});

Deno.test("HEAD answers as GET does, without the body", async () => {
  const { get } = await setUp();
  for (const path of ["/v1/status", "/v1/stream", "/healthz"]) {
    const response = await get(path, { method: "HEAD" });
    assertEquals([response.status, await response.text()], [200, ""], path);
  }
});

Deno.test("without a generation the views are 503, and the job is live but not ready", async () => {
  const { get, problem } = await setUp({ store: new MemoryStore() });
  assertEquals((await problem("/v1/status")).status, 503);
  assertEquals((await get("/v1/subreddits")).headers.get("retry-after"), "5");
  assertEquals((await get("/healthz")).status, 200);
  const ready = await get("/readyz");
  assertEquals(ready.status, 503);
  assertEquals((await ready.json()).checks[0].detail, "There is no generation yet");
});

Deno.test("a job that stalls is not live", async () => {
  const clock = new TestClock();
  const health = new Health(clock);
  health.loop("fold", 1000);
  const { get } = await setUp({ health, clock });
  assertEquals((await get("/healthz")).status, 200);
  await clock.advance(5000);
  assertEquals((await get("/healthz")).status, 503);
  assertEquals((await get("/readyz")).status, 200);
});

function failing(error: Error): ServingStore {
  return new Proxy(new MemoryStore(), {
    get: () => () => Promise.reject(error),
  });
}

Deno.test("a store that does not answer is 503; anything unforeseen is 500 and kept inside", async () => {
  const away = await setUp({ store: failing(new PipelineError("unavailable", "es-0 refused")) });
  assertEquals((await away.problem("/v1/status")).status, 503);
  assertEquals((await away.get("/readyz")).status, 503);
  const broken = await setUp({ store: failing(new TypeError("secret detail")) });
  const { status, detail } = await broken.problem("/v1/status");
  assertEquals(status, 500);
  assertFalse(detail.includes("secret"));
});

Deno.test("a request is given up after its time, and too many at once are refused", async () => {
  const clock = new TestClock();
  const hanging = new Proxy(new MemoryStore(), { get: () => () => new Promise(() => {}) });
  const limits = { requestTimeout: 1000, maxRequests: 2, maxStreams: 1 };
  const { get } = await setUp({ store: hanging, clock, limits });
  const waiting = [get("/v1/status"), get("/v1/status")];
  await clock.advance(0);
  const refused = await get("/v1/status");
  assertEquals([refused.status, refused.headers.get("retry-after")], [503, "1"]);
  assertEquals((await get("/healthz")).status, 200);
  await clock.advance(1000);
  for (const response of await Promise.all(waiting)) assertEquals(response.status, 503);
});

Deno.test("every answer carries the security headers", async () => {
  const { get } = await setUp({ store: await buildStore({}) });
  for (const path of ["/v1/status", "/v1/nothing", "/healthz", "/openapi.json"]) {
    const { headers } = await get(path);
    assertStringIncludes(headers.get("content-security-policy") ?? "", "default-src 'none'", path);
    assertEquals(headers.get("x-content-type-options"), "nosniff", path);
    assertEquals(headers.get("cache-control"), "no-store", path);
    assertEquals(headers.get("access-control-allow-origin"), null, path);
  }
});

Deno.test("the page's files are revalidated by their entity tags", async () => {
  const asset: Asset = { type: "text/html", body: new Uint8Array([60]), etag: '"abc"' };
  const { get } = await setUp({ assets: new Map([["/", asset]]) });
  const first = await get("/");
  assertEquals([first.status, await first.text(), first.headers.get("etag")], [200, "<", '"abc"']);
  assertEquals(first.headers.get("cache-control"), "no-cache");
  for (const known of ['"abc"', 'W/"abc"', '"x", "abc"', "*"]) {
    assertEquals((await get("/", { headers: { "if-none-match": known } })).status, 304, known);
  }
  assertEquals((await get("/", { headers: { "if-none-match": '"x"' } })).status, 200);
});

Deno.test("/metrics measures requests by route, never by name", async () => {
  const { get } = await setUp({ metrics: new Metrics() });
  await get("/v1/subreddits/very-private/top");
  await get("/v1/nothing/very-private");
  const text = await (await get("/metrics")).text();
  assertStringIncludes(text, 'route="/v1/subreddits/:subreddit/top",status="404"');
  assertStringIncludes(text, "serving_stream_clients 0");
  assertFalse(text.includes("very-private"));
});

Deno.test("/openapi.json describes every endpoint and parameter", async () => {
  const { get } = await setUp();
  const document = await (await get("/openapi.json")).json();
  assertEquals(Object.keys(document.paths).sort(), [
    "/healthz",
    "/metrics",
    "/readyz",
    "/v1/status",
    "/v1/stream",
    "/v1/subreddits",
    "/v1/subreddits/{subreddit}/activity",
    "/v1/subreddits/{subreddit}/top",
    "/v1/users/{user_id}/activity",
  ]);
  const parameters = document.paths["/v1/subreddits/{subreddit}/top"].get.parameters;
  const k = parameters.find((parameter: { name: string }) => parameter.name === "k");
  assertEquals([k.in, k.required, k.schema.type], ["query", false, "integer"]);
  assertEquals([k.schema.minimum, k.schema.maximum, k.schema.default], [1, 100, 10]);
  assert(document.components.schemas.Provenance !== undefined);
  const unknown = Object.entries(document.paths).filter(([, path]) =>
    "404" in (path as { get: { responses: object } }).get.responses
  );
  assertEquals(unknown.map(([path]) => path).sort(), [
    "/v1/subreddits/{subreddit}/activity",
    "/v1/subreddits/{subreddit}/top",
    "/v1/users/{user_id}/activity",
  ]);
});

Deno.test("names of subreddits and users are looked up without regard to case, and shown as last written", async () => {
  const { get } = await setUp({
    store: await buildStore({
      batch: [post({ subreddit: "askmen", user_id: "bob", created_utc: NOON - 2 })],
      speed: [
        post({ post_id: "t3_2", subreddit: "AskMen", user_id: "Bob", created_utc: NOON }),
        comment({ subreddit: "ASKMEN", user_id: "BOB", created_utc: NOON - 1 }),
      ],
    }),
  });
  for (const name of ["askmen", "AskMen", "ASKMEN", "aSKMEn"]) {
    const top = await (await get(`/v1/subreddits/${name}/top`)).json();
    assertEquals([top.subreddit, top.items.length, top.exact], ["AskMen", 2, true], name);
    const activity = await (await get(`/v1/subreddits/${name}/activity?window=1d`)).json();
    assertEquals(activity.subreddit, "AskMen");
    assertEquals(activity.items.map((item: { active_users: number }) => item.active_users), [1]);
  }
  const { items } = await (await get("/v1/subreddits?sort=posts&window=1d")).json();
  assertEquals(items, [{ subreddit: "AskMen", posts: 2, comments: 1, active_users: 1 }]);
  for (const name of ["bob", "Bob", "BOB", "bOb"]) {
    const user = await (await get(`/v1/users/${name}/activity`)).json();
    assertEquals([user.user_id, user.totals.posts, user.totals.comments], ["Bob", 2, 1], name);
    assertEquals(user.totals.subreddits, 1);
  }
});

Deno.test("only letters of ASCII compare without case in names", async () => {
  const names = ["Größe", "GRÖßE", "größE", "İ", "i̇"];
  const records = names.map((subreddit, i) => post({ subreddit, post_id: `p${i}` }));
  const { get, problem } = await setUp({ store: await buildStore({ batch: records }) });
  const posts = async (name: string) => {
    const { items } = await (await get(`/v1/subreddits/${encodeURIComponent(name)}/top`)).json();
    return items.map((item: { post_id: string }) => item.post_id).sort();
  };
  assertEquals(await posts("GRößE"), ["p0", "p2"]);
  assertEquals(await posts("grÖßE"), ["p1"]);
  assertEquals(await posts("İ"), ["p3"]);
  assertEquals((await problem(`/v1/subreddits/${encodeURIComponent("I")}/top`)).status, 404);
});
