import { refusal, type RenderOptions, renderText } from "@pipeline/tools/charts";
import { assert, assertEquals } from "@std/assert";

const endpoints = {
  kafka: ["kafka.example.com:9092"],
  hdfs: ["http://namenode.example.com:9870"],
  elasticsearch: ["https://elasticsearch.example.com"],
};

type Refused = readonly [RenderOptions & { readonly values: unknown }, string];

/** Values that break a rule, and the one line with which each is refused. */
const REFUSED: readonly Refused[] = [
  [
    { values: { global: { topics: { replication: 4 } } } },
    "global.topics.replication (4) must be at most kafka.replicas (3): a broker holds one copy",
  ],
  [
    { values: { global: { topics: { minInsyncReplicas: 3 } } } },
    "global.topics.minInsyncReplicas (3) must be less than global.topics.replication (3): else no broker may be away",
  ],
  [
    { values: { global: { topics: { replication: 1 } } } },
    "global.topics.minInsyncReplicas (2) must be at most global.topics.replication (1)",
  ],
  [
    { values: { global: { otel: { enabled: true } } } },
    "global.otel.enabled is true and global.otel.endpoint is empty: the URL of a collector is needed",
  ],
  [
    { values: { kafka: { controllers: 5 } } },
    "kafka.controllers (5) must be at most kafka.replicas (3): they are the first of the brokers",
  ],
  [
    { values: { kafka: { podDisruptionBudget: { maxUnavailable: 2 } } } },
    "kafka.podDisruptionBudget.maxUnavailable (2) must be at most 1: else topics lose the copies that global.topics.minInsyncReplicas asks for",
  ],
  [
    { values: { global: { views: { replicas: 3 } } } },
    "global.views.replicas (3) must be less than elasticsearch.replicas (3): a node holds one copy of a shard, and replicas do not count the primary",
  ],
  [
    { values: { hdfs: { datanode: { replicas: 2 } } } },
    "global.dataset.replication (3) must be at most hdfs.datanode.replicas (2): a DataNode holds one copy",
  ],
  [
    { values: { hdfs: { podDisruptionBudget: { maxUnavailable: 3 } } } },
    "hdfs.podDisruptionBudget.maxUnavailable (3) must be less than global.dataset.replication (3): else blocks lose all copies",
  ],
  [
    { values: { speed: { replicas: 4 } } },
    "speed.replicas (4) must be at most global.topics.partitions (3): a partition is read by one pod, the others idle",
  ],
  [
    { values: { speed: { standby: { enabled: true, replicas: 4 } } } },
    "speed.standby.replicas (4) must be at most global.topics.partitions (3): a partition is read by one pod, the others idle",
  ],
  [
    { values: { ingest: { replicas: 4 } } },
    "ingest.replicas (4) must be at most global.topics.partitions (3): a partition is read by one pod, the others idle",
  ],
  [
    { values: { kafka: { enabled: false } } },
    "kafka.enabled is false and global.endpoints.kafka is empty: generator, ingest, batch, speed, serving would find no server",
  ],
  [
    { values: { hdfs: { enabled: false } } },
    "hdfs.enabled is false and global.endpoints.hdfs is empty: generator, ingest, batch would find no server",
  ],
  [
    { values: { elasticsearch: { enabled: false } } },
    "elasticsearch.enabled is false and global.endpoints.elasticsearch is empty: batch, speed, serving, grafana would find no server",
  ],
  [
    {
      values: {
        elasticsearch: { enabled: false },
        batch: { enabled: false },
        speed: { enabled: false },
        serving: { enabled: false },
      },
    },
    "elasticsearch.enabled is false and global.endpoints.elasticsearch is empty: grafana would find no server",
  ],
  [
    { values: { prometheus: { enabled: false } } },
    "prometheus.enabled is false and grafana.datasources.prometheus.url is empty: Grafana would find no Prometheus (without Grafana, grafana.enabled=false)",
  ],
  [
    { values: { prometheus: { server: { enabled: false }, operator: { enabled: true } } } },
    "prometheus.server.enabled is false and grafana.datasources.prometheus.url is empty: Grafana would find no Prometheus (without Grafana, grafana.enabled=false)",
  ],
  [
    { values: { kafka: { podLabels: { "app.kubernetes.io/name": "x" } } } },
    "kafka.podLabels.app.kubernetes.io/name cannot be set: the chart tells its pods by it",
  ],
  [
    { values: { speed: { podAnnotations: { "checksum/config": "x" } } } },
    "speed.podAnnotations.checksum/config cannot be set: the chart rolls its pods by it",
  ],
  [
    { values: { prometheus: { extraScrapeConfigs: [{ job_name: "pods" }] } } },
    "prometheus.extraScrapeConfigs has a job_name pods: the chart has one of that name",
  ],
  [
    { values: { prometheus: { extraRules: [{ name: "alerts", rules: [] }] } } },
    "prometheus.extraRules has a group alerts: the chart has one of that name",
  ],
  [
    { values: { global: { endpoints: { hdfs: endpoints.hdfs } } } },
    "global.endpoints.hdfs is given and hdfs.enabled is true: one of both",
  ],
  [
    {
      presets: ["ci/bring-your-own-values.yaml"],
      values: { global: { credentials: { kafka: { existingSecret: "" } } } },
    },
    "global.credentials.kafka.existingSecret is empty: a Secret with ca.crt, tls.crt, tls.key, password is needed",
  ],
  [
    {
      presets: ["ci/bring-your-own-values.yaml"],
      values: { global: { credentials: { kafka: { username: "" } } } },
    },
    "global.credentials.kafka.username is empty: mechanism scram-sha-512 needs one",
  ],
  [
    {
      presets: ["ci/bring-your-own-values.yaml"],
      values: {
        global: {
          credentials: {
            kafka: { mechanism: "plain", tls: false, ca: false, clientCertificate: false },
          },
        },
      },
    },
    "global.credentials.kafka.mechanism is plain and tls is false: the password would be readable",
  ],
  [
    {
      presets: ["ci/bring-your-own-values.yaml"],
      values: { global: { credentials: { kafka: { tls: false } } } },
    },
    "global.credentials.kafka.tls is false: ca and clientCertificate need it",
  ],
  [
    {
      presets: ["ci/bring-your-own-values.yaml"],
      values: { global: { credentials: { elasticsearch: { username: "reddit" } } } },
    },
    "global.credentials.elasticsearch has apiKey and username: one of both",
  ],
  [
    { values: { global: { credentials: { kafka: { tls: true } } } } },
    "global.credentials.kafka is set and kafka.enabled is true: the release's own brokers take neither TLS nor logins",
  ],
  [
    { values: { global: { credentials: { hdfs: { ca: true, existingSecret: "s" } } } } },
    "global.credentials.hdfs.ca is true and hdfs.enabled is true: the release's own HDFS has no TLS",
  ],
  [
    { values: { elasticsearch: { security: { existingSecret: "s" } } } },
    "elasticsearch.security.existingSecret is set: global.credentials.elasticsearch needs ca, and username or apiKey",
  ],
  [
    { values: { global: { credentials: { elasticsearch: { ca: true, existingSecret: "s" } } } } },
    "global.credentials.elasticsearch is set and elasticsearch.security.existingSecret is empty: the nodes have no security",
  ],
  [
    { values: { serving: { service: { nodePort: 30080 } } } },
    "serving.service.nodePort (30080) needs serving.service.type NodePort or LoadBalancer",
  ],
  [
    { values: { hdfs: { namenode: { service: { nodePort: 30870 } } } } },
    "hdfs.namenode.service.nodePort (30870) needs hdfs.namenode.service.type NodePort or LoadBalancer",
  ],
  [
    { values: { grafana: { service: { nodePort: 30300 } } } },
    "grafana.service.nodePort (30300) needs grafana.service.type NodePort or LoadBalancer",
  ],
  [
    { values: { grafana: { adminPassword: "a", admin: { existingSecret: "s" } } } },
    "grafana.adminPassword is set and grafana.admin.existingSecret is too: one of both",
  ],
  [
    { release: "a".repeat(36), values: {} },
    `the release's name ${"a".repeat(36)} has 36 characters: at most 35`,
  ],
  ...["1reddit", "a.b", "9"].map((release): Refused => [
    { release, values: {} },
    `the release's name ${release} cannot begin the names of Services: it must be small letters, digits and dashes, with a letter at its beginning and no dash at its end`,
  ]),
  ...["A", "a.b", "a".repeat(64)].map((namespace): Refused => [
    { namespace, values: {} },
    `the namespace ${namespace} cannot be: its name must be at most 63 small letters, digits and dashes, with no dash at its ends`,
  ]),
];

for (const [options, line] of REFUSED) {
  Deno.test(`Helm refuses: ${line}`, async () => {
    assertEquals(await refusal(options), [`ERROR: ${line}`]);
  });
}

Deno.test("every rule that is broken has a line of its own", async () => {
  const lines = await refusal({ values: { kafka: { replicas: 2 }, speed: { replicas: 9 } } });
  assertEquals(lines.length, 3);
});

Deno.test("what no job needs need not be there", async () => {
  const off = { enabled: false };
  const values = { hdfs: off, generator: off, ingest: off, batch: off };
  assertEquals((await renderText({ values })).stderr, "");
});

Deno.test("Grafana needs no Prometheus where it is not run, or where another one is named", async () => {
  const prometheus = { server: { enabled: false } };
  const url = "https://prometheus.example.com";
  for (
    const grafana of [
      { enabled: false },
      { server: { enabled: false } },
      { datasources: { prometheus: { url } } },
    ]
  ) {
    const { stdout, stderr } = await renderText({ values: { prometheus, grafana } });
    assertEquals(stderr, "");
    assert(!stdout.includes("reddit-prometheus."), "a Service that is not there");
  }
});

Deno.test("one of each is a valid topology", async () => {
  const { stderr } = await renderText({ presets: ["values-dev.yaml"] });
  assertEquals(stderr, "");
});
