import {
  CHARTS,
  chartSchema,
  find,
  type Manifest,
  refusal,
  renderChart,
  renderText,
  umbrellaSchema,
} from "@pipeline/tools/charts";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { parse } from "yaml";
import { merged, nested, numbers } from "./_mutations.ts";

/** The text of each server's settings, as its container finds it. */
async function settings(values: unknown): Promise<Record<string, string>> {
  const manifests = await renderChart({ values });
  const { args } = containerOf(manifests, "prometheus");
  return {
    kafka: find(manifests, "ConfigMap", "reddit-kafka").data["server.properties"],
    hdfs: find(manifests, "ConfigMap", "reddit-hdfs").data["hdfs-site.xml"],
    elasticsearch: find(manifests, "ConfigMap", "reddit-elasticsearch").data["elasticsearch.yml"],
    modules: find(manifests, "ConfigMap", "reddit-elasticsearch").data.modules,
    prometheus: args.join("\n"),
    grafana: JSON.stringify(find(manifests, "ConfigMap", "reddit-grafana-settings").data, null, 1),
  };
}

function containerOf(manifests: readonly Manifest[], name: string): Manifest {
  return find(manifests, "StatefulSet", `reddit-${name}`).spec.template.spec.containers[0];
}

/** Settings by server, and the line that each becomes. */
const LINES: readonly [server: string, config: Record<string, unknown>, line: string][] = [
  ["kafka", { "log.segment.bytes": 1_073_741_824 }, "log.segment.bytes=1073741824"],
  ["kafka", { "log.cleaner.min.cleanable.ratio": 0.25 }, "log.cleaner.min.cleanable.ratio=0.25"],
  ["kafka", { "log.retention.ms": "9223372036854775807" }, "log.retention.ms=9223372036854775807"],
  ["kafka", { "auto.create.topics.enable": true }, "auto.create.topics.enable=true"],
  ["kafka", { "group.initial.rebalance.delay.ms": 7 }, "group.initial.rebalance.delay.ms=7"],
  ["kafka", { "super.users": ["User:a", "User:b"] }, "super.users=User:a,User:b"],
  ["kafka", { "x.y": "C:\\é" }, "x.y=C:\\\\\\u00e9"],
  ["kafka", { "x.y": "  x" }, "x.y=\\  x"],
  ["hdfs", { "dfs.blocksize": 268_435_456 }, property("dfs.blocksize", "268435456")],
  ["hdfs", { "dfs.replication": 2 }, property("dfs.replication", "2")],
  // Not for nothing: merge takes false for nothing given.
  [
    "hdfs",
    { "dfs.client.use.datanode.hostname": false },
    property("dfs.client.use.datanode.hostname", "false"),
  ],
  ["hdfs", { "x.y": "<&>" }, property("x.y", "&lt;&amp;&gt;")],
  ["elasticsearch", { "xpack.ml.enabled": true }, "xpack.ml.enabled: true"],
  ["elasticsearch", { xpack: { ml: { enabled: true } } }, "xpack.ml.enabled: true"],
  ["elasticsearch", { "xpack.ml": { enabled: true } }, "xpack.ml.enabled: true"],
  ["elasticsearch", { network: { host: "_site_" } }, "network.host: _site_"],
  ["elasticsearch", { "http.max_content_length": 10_485_760 }, "http.max_content_length: 10485760"],
  ["prometheus", { "storage.tsdb.retention.time": "30d" }, "--storage.tsdb.retention.time=30d"],
  ["prometheus", { "web.enable-lifecycle": true }, "--web.enable-lifecycle"],
  ["prometheus", { "web.enable-lifecycle": "true" }, "--web.enable-lifecycle"],
  ["prometheus", { "config.auto-reload": false }, "--no-config.auto-reload"],
  ["prometheus", { "query.max-samples": 50_000_000 }, "--query.max-samples=50000000"],
  ["prometheus", { "enable-feature": ["a", "b"] }, "--enable-feature=a\n--enable-feature=b"],
  ["grafana", { "GF_DATAPROXY_ROW_LIMIT": 10_000_000 }, ' "GF_DATAPROXY_ROW_LIMIT": "10000000",'],
  ["grafana", { "GF_NEWS_NEWS_FEED_ENABLED": true }, ' "GF_NEWS_NEWS_FEED_ENABLED": "true",'],
];

function property(name: string, value: string): string {
  return `  <property><name>${name}</name><value>${value}</value></property>`;
}

/** What a setting is called in any server's text. */
function keysOf(server: string, text: string): string[] {
  switch (server) {
    case "kafka":
      return text.trim().split("\n").map((line) => line.split("=")[0]!);
    case "hdfs":
      return [...text.matchAll(/<name>(.*?)<\/name>/g)].map(([, name]) => name!);
    case "elasticsearch":
      return Object.keys(parse(text));
    case "prometheus":
      return text.split("\n").map((flag) => flag.replace(/^--(no-)?|=.*$/g, ""));
    default:
      return Object.keys(JSON.parse(text));
  }
}

for (const [server, config, line] of LINES) {
  Deno.test(`${server}.config ${JSON.stringify(config)} is written exactly, once, and wins`, async () => {
    const text = (await settings({ [server]: { config } }))[server]!;
    assert(`\n${text}\n`.includes(`\n${line}\n`), text);
    const keys = keysOf(server, text).filter((key) => key !== "enable-feature");
    assertEquals(keys.length, new Set(keys).size, text);
  });
}

Deno.test("null takes one of the chart's settings away", async () => {
  const gone = {
    kafka: "unclean.leader.election.enable",
    hdfs: "dfs.heartbeat.interval",
    elasticsearch: "node.store.allow_mmap",
    prometheus: "storage.tsdb.retention.size",
    grafana: "GF_NEWS_NEWS_FEED_ENABLED",
  };
  const entries = Object.entries(gone);
  const before = await settings({});
  const after = await settings(
    Object.fromEntries(entries.map(([server, key]) => [server, { config: { [key]: null } }])),
  );
  for (const [server, key] of entries) {
    const kept = keysOf(server, before[server]!).filter((one) => one !== key);
    assertEquals(keysOf(server, after[server]!), kept, server);
  }
});

Deno.test("a user's setting of a module of Elasticsearch is not repeated by the chart", async () => {
  const lines = async (config: unknown) =>
    (await settings({ elasticsearch: { config } })).modules!.trim().split("\n");
  const [geoip, ml] = [
    "ingest-geoip ingest.geoip.downloader.enabled: false",
    "x-pack-ml xpack.ml.enabled: false",
  ];
  assertEquals(await lines({}), [geoip, ml]);
  assertEquals(await lines({ "xpack.ml.enabled": true }), [geoip]);
  assertEquals(await lines({ ingest: { geoip: { downloader: { enabled: null } } } }), [ml]);
});

Deno.test("Grafana has the administrator of a file, or of a variable", async () => {
  const config = { GF_SECURITY_ADMIN_USER__FILE: "/x" };
  const { grafana } = await settings({ grafana: { adminPassword: "p", config } });
  assert(!keysOf("grafana", grafana!).includes("GF_SECURITY_ADMIN_USER"));
});

const OWNED: Readonly<Record<string, readonly string[]>> = {
  kafka: [
    ...["listeners", "advertised.listeners", "listener.security.protocol.map", "node.id"],
    ...["broker.id", "process.roles", "controller.quorum.voters", "log.dirs", "log.dir"],
    ...["controller.listener.names", "inter.broker.listener.name"],
  ],
  hdfs: [
    ...["dfs.namenode.name.dir", "dfs.data.dir", "dfs.namenode.http-address", "fs.defaultFS"],
    ...["dfs.datanode.hostname", "dfs.ha.namenodes.x", "dfs.permissions.supergroup"],
  ],
  elasticsearch: [
    ...["cluster.initial_master_nodes", "discovery.type", "node.name", "path.data", "http.port"],
    ...["xpack.security.enabled", "xpack.security.http.ssl.enabled"],
  ],
  prometheus: [
    ...["config.file", "storage.tsdb.path", "web.listen-address", "web.external-url"],
    ...["web.route-prefix", "agent", "no-web.enable-lifecycle"],
  ],
  grafana: [
    ...["GF_PATHS_PROVISIONING", "GF_SERVER_HTTP_PORT", "GF_SECURITY_ADMIN_PASSWORD"],
    ...["GF_SECURITY_ADMIN_PASSWORD__FILE"],
  ],
};

Deno.test("Helm refuses by name each setting that a release relies on", async () => {
  const values = Object.entries(OWNED).map(([server, keys]) => [
    server,
    { config: Object.fromEntries(keys.map((key) => [key, "true"])) },
  ]);
  const refused = (await refusal({ values: Object.fromEntries(values) }))
    .map((line) => line.replace(/^ERROR: (.*) cannot be set: .*$/, "$1"));
  const all = Object.entries(OWNED).flatMap(([server, keys]) =>
    keys.map((key) => `${server}.config.${key}`)
  );
  assertEquals(refused.sort(), all.sort());
});

Deno.test("a nested name of Elasticsearch is refused as one with dots is", async () => {
  const config = { xpack: { security: { enabled: true } }, path: { data: "/x" } };
  assertEquals(await refusal({ values: { elasticsearch: { config } } }), [
    "ERROR: elasticsearch.config.path.data cannot be set: the volume is mounted where the chart puts its data",
    "ERROR: elasticsearch.config.xpack.security.enabled cannot be set: it follows from elasticsearch.security.existingSecret",
  ]);
});

/** What no server's text can have, and how it is refused. */
const INEXACT: readonly [server: string, config: Record<string, unknown>, line: RegExp][] = [
  ["kafka", { "a.b": "x\nprocess.roles=broker" }, /^ERROR: kafka\.config\.a\.b .* one line$/],
  ["kafka", { "a.b": ["x", "y\r"] }, /^ERROR: kafka\.config\.a\.b .* one line$/],
  ["kafka", { "a b": "x" }, /^ERROR: kafka\.config has no setting "a b"/],
  ["kafka", { "a\nlisteners": "x" }, /^ERROR: kafka\.config has no setting "a\\nlisteners"/],
  ["kafka", { "a.b": 2 ** 53 }, /^ERROR: kafka\.config\.a\.b .* write it in quotes$/],
  ["kafka", { "a.b": "😀" }, /^ERROR: kafka\.config\.a\.b .* cannot have$/],
  ["hdfs", { "a.b": "x\ny" }, /^ERROR: hdfs\.config\.a\.b .* one line$/],
  ["hdfs", { "a.b": "x\u2028y" }, /^ERROR: hdfs\.config\.a\.b .* one line$/],
  ["hdfs", { "a<b": "x" }, /^ERROR: hdfs\.config has no setting/],
  ["elasticsearch", { a: { b: "x\ny" } }, /^ERROR: elasticsearch\.config\.a\.b .* one line$/],
  ["elasticsearch", { a: { b: 1 }, "a.b": 2 }, /^ERROR: elasticsearch\.config has a\.b twice/],
  ["prometheus", { "a.b": "x\n--y" }, /^ERROR: prometheus\.config\.a\.b .* one line$/],
  ["prometheus", { "--web.enable-lifecycle": true }, /^ERROR: prometheus\.config has no setting/],
  ["grafana", { GF_A_B: "x\ny" }, /^ERROR: grafana\.config\.GF_A_B .* one line$/],
  ["grafana", { gf_a_b: "x" }, /^ERROR: grafana\.config has no setting "gf_a_b"/],
];

for (const [server, config, line] of INEXACT) {
  Deno.test(`Helm refuses ${server}.config ${JSON.stringify(config)}`, async () => {
    const lines = await refusal({ values: { [server]: { config } } });
    assertEquals(lines.length, 1);
    assertMatch(lines[0]!, line);
  });
}

Deno.test("no number of a values file is rounded, or written with an exponent", async () => {
  const all = [
    ...numbers(umbrellaSchema().properties!.global!, ["global"]),
    ...CHARTS.flatMap((chart) => {
      const { global: _, ...properties } = chartSchema(chart).properties!;
      return [...numbers({ properties }, [chart])];
    }),
  ];
  assert(all.length > 100);
  const extraEnv = [{ name: "A", value: 12_345_678 }, { name: "B", value: true }];
  const published = { service: { type: "NodePort" } };
  const rest = [
    // What rules over several values want.
    { global: { topics: { minInsyncReplicas: 1 } } },
    ...["kafka", "hdfs"].map((chart) => ({
      [chart]: { podDisruptionBudget: { maxUnavailable: 1 } },
    })),
    ...["elasticsearch", "serving", "prometheus", "grafana"].map((chart) => ({
      [chart]: published,
    })),
    { hdfs: { namenode: published } },
    ...CHARTS.map((chart) => ({ [chart]: { extraEnv } })),
  ];
  const values = [...all.map(nested), ...rest].reduce(merged);
  const { stdout, stderr } = await renderText({ values });
  assertEquals(stderr, "");
  assertEquals(stdout.match(/^.*\b\d(\.\d+)?e\+\d+.*$/gm) ?? [], []);
  assertEquals(stdout.match(/name: B\n *value: true/), null);
  assert(stdout.match(/value: "12345678"/g)!.length > 10);
});
