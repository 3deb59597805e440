import { errors } from "@elastic/elasticsearch";
import { type ErrorCode, hasCode, PipelineError, type StoredDocument } from "@pipeline/core";
import { assertEquals, assertThrows } from "@std/assert";
import { sortAnswer } from "./_bulk_answer.ts";
import { codeOf, type ErrorBody, storeError } from "./_errors.ts";
import { openElasticsearch } from "./store.ts";

const refused: ErrorBody = { type: "es_rejected_execution_exception", reason: "queue is full" };
const shard = (type: string) => ({ shard: 0, index: "i", reason: { type, reason: "" } });
const phase = (...types: string[]): ErrorBody => ({
  type: "search_phase_execution_exception",
  reason: "all shards failed",
  root_cause: types.slice(0, 1).map((type) => ({ type, reason: "" })),
  failed_shards: types.map(shard),
});

/** Answers of Elasticsearch 9, or of a proxy in between. */
const ANSWERS: readonly (readonly [ErrorCode, number, ErrorBody?])[] = [
  ["invalid", 400, { type: "illegal_argument_exception", reason: "unknown setting [x]" }],
  ["invalid", 400, { type: "parsing_exception", reason: "unknown query [x]" }],
  ["invalid", 400, {
    type: "document_parsing_exception",
    reason: "[1:9] failed to parse field [score]",
    caused_by: { type: "illegal_argument_exception", reason: "For input string" },
  }],
  ["invalid", 400, { type: "strict_dynamic_mapping_exception", reason: "[1:2] mapping set" }],
  ["invalid", 400, phase("query_shard_exception", "query_shard_exception")],
  ["too_large", 413],
  ["not_found", 404, { type: "index_not_found_exception", reason: "no such index [i]" }],
  ["not_found", 404, { type: "aliases_not_found_exception", reason: "aliases [a] missing" }],
  ["exists", 400, { type: "resource_already_exists_exception", reason: "index [i] exists" }],
  ["conflict", 409, { type: "version_conflict_engine_exception", reason: "[1]: conflict" }],
  ["full", 429, {
    type: "cluster_block_exception",
    reason:
      "index [i] blocked by: [TOO_MANY_REQUESTS/12/disk usage exceeded flood-stage watermark]",
  }],
  ["full", 400, {
    type: "validation_exception",
    reason: "Validation Failed: 1: this action would add [2] shards, but this cluster currently " +
      "has [1000]/[1000] maximum normal shards open;",
  }],
  ["unavailable", 503, {
    type: "cluster_block_exception",
    reason: "blocked by: [state not recovered]",
  }],
  ["unavailable", 403, { type: "cluster_block_exception", reason: "blocked by: [index closed]" }],
  ["unavailable", 400, phase("query_shard_exception", "es_rejected_execution_exception")],
  ["unavailable", 400, phase("no_shard_available_action_exception")],
  ["unavailable", 503, { ...phase(), failed_shards: [] }],
  ["unavailable", 400, { type: "illegal_argument_exception", reason: "x", caused_by: refused }],
  ["unavailable", 400, {
    type: "illegal_argument_exception",
    caused_by: { type: "exception", caused_by: { type: "node_closed_exception" } },
  }],
  ["unavailable", 400, { type: "task_cancelled_exception", reason: "http channel closed" }],
  ["unavailable", 400, { type: "status_exception", reason: "no such thing yet" }],
  ["unavailable", 400, { type: "index_closed_exception", reason: "closed" }],
  ["unavailable", 404, { type: "resource_not_found_exception", reason: "task is not found" }],
  ["unavailable", 404, { type: "shard_not_found_exception", reason: "no such shard" }],
  ["unavailable", 404, { type: "illegal_index_shard_state_exception", reason: "[RECOVERING]" }],
  ["unavailable", 409, { type: "index_primary_shard_not_allocated_exception" }],
  ["unavailable", 429, { type: "circuit_breaking_exception", reason: "[parent] Data too large" }],
  ["unavailable", 500, { type: "circuit_breaking_exception" }],
  ["unavailable", 503, { type: "process_cluster_event_timeout_exception" }],
  ["unavailable", 503, { type: "master_not_discovered_exception" }],
  ["unavailable", 503, { type: "unavailable_shards_exception" }],
  ["unavailable", 401, { type: "security_exception", reason: "unable to authenticate user [x]" }],
  ["unavailable", 403, {
    type: "security_exception",
    reason: "action [indices:data/read/search] is unauthorized (assigned roles [r] were not found)",
  }],
  ["unavailable", 400],
  ["unavailable", 401],
  ["unavailable", 403],
  ["unavailable", 404],
  ["unavailable", 405],
  ["unavailable", 409],
  ["unavailable", 429],
  ["unavailable", 502],
];

Deno.test("codeOf() takes an error for permanent only if it is known to be", () => {
  for (const [code, status, body] of ANSWERS) {
    assertEquals(codeOf(status, body), code, `${status} ${JSON.stringify(body)}`);
  }
});

Deno.test("sortAnswer() retries every item that is not refused for good", () => {
  const document = { id: "a", version: 1, body: {} } as unknown as StoredDocument;
  for (const [code, status, error] of ANSWERS) {
    const item = { status, error: error ?? {} };
    const sorted = () => sortAnswer("alias", [document], [item]);
    const what = `${status} ${JSON.stringify(error)}`;
    if (code === "unavailable" || code === "full") {
      assertEquals([sorted().again, sorted().error?.code], [[0], code], what);
    } else if (code === "conflict") assertEquals(sorted(), { again: [] }, what);
    else assertThrows(sorted, PipelineError);
  }
});

Deno.test("storeError() is retriable if a client, a socket or Deno gives up", () => {
  const meta = { headers: {}, warnings: null, meta: {} } as never;
  const thrown: readonly unknown[] = [
    new errors.ConnectionError("connect ECONNREFUSED 127.0.0.1:9200"),
    new errors.ConnectionError("getaddrinfo ENOTFOUND elasticsearch"),
    new errors.ConnectionError("certificate has expired"),
    new errors.TimeoutError("Request timed out"),
    new errors.NoLivingConnectionsError("There are no living connections", meta),
    new errors.DeserializationError("Unexpected token '<'", "<html>"),
    new errors.ProductNotSupportedError("Elasticsearch", meta),
    new Error("other side closed"),
    new TypeError("fetch failed", { cause: new Error("connection reset") }),
    new Deno.errors.ConnectionReset("Connection reset by peer"),
    new Deno.errors.BadResource("Bad resource ID"),
    "a string",
  ];
  for (const error of thrown) {
    assertEquals(storeError(error, "search").code, "unavailable", String(error));
  }
});

Deno.test("storeError() is invalid where a request cannot be made at all", () => {
  const thrown = [
    new errors.ConfigurationError("Missing node(s) option"),
    new errors.SerializationError("Converting circular structure to JSON", {}),
  ];
  for (const error of thrown) assertEquals(storeError(error, "search").code, "invalid");
});

/** A store on a server that answers every request alike. */
async function answered<T>(
  answer: () => Response,
  work: (store: ReturnType<typeof openElasticsearch>) => Promise<T>,
): Promise<T> {
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, answer);
  const store = openElasticsearch({ nodes: [`http://127.0.0.1:${server.addr.port}`] });
  try {
    return await work(store);
  } finally {
    await store.close();
    await server.shutdown();
  }
}

const json = (status: number, body: unknown) => () =>
  Response.json(body, { status, headers: { "x-elastic-product": "Elasticsearch" } });
const page = (status: number) => () =>
  new Response("<html>nginx</html>", { status, headers: { "content-type": "text/html" } });

// The client keeps timers of its connections for a moment.
const options = { sanitizeOps: false, sanitizeResources: false };

Deno.test(
  "control() finds nothing only if Elasticsearch itself reports it missing",
  options,
  async () => {
    const control = (answer: () => Response) =>
      answered(answer, (store) => store.control("lock").catch((error) => error));
    assertEquals(await control(json(404, { _index: "c", _id: "lock", found: false })), undefined);
    const missing = { error: { type: "index_not_found_exception" }, status: 404 };
    assertEquals(await control(json(404, missing)), undefined);
    const others = [
      page(404),
      page(200),
      page(401),
      page(403),
      page(502),
      json(404, { error: "x" }),
    ];
    for (const answer of others) {
      assertEquals(hasCode(await control(answer), "unavailable"), true, await answer().text());
    }
  },
);
