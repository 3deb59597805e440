import { assert, assertEquals } from "@std/assert";
import { type Manifest, renderChart, type RenderOptions } from "./_render.ts";

const COMPONENT = "app.kubernetes.io/component";

/** Whose metrics are read, on which ports. */
const PROMETHEUS = [
  "prometheus -> batch 8080",
  "prometheus -> canary 8080",
  "prometheus -> datanode 9864",
  "prometheus -> elasticsearch-exporter 9114",
  "prometheus -> generator 8080",
  "prometheus -> ingest 8080",
  "prometheus -> kafka 9404",
  "prometheus -> namenode 9404 9870",
  "prometheus -> serving 8080",
  "prometheus -> speed 8080",
];

/** Who may talk to whom, on which ports. */
const EDGES = [
  "batch -> datanode 9864",
  "batch -> elasticsearch 9200",
  "batch -> kafka 9092",
  "batch -> namenode 9870",
  "canary -> kafka 9092",
  "canary -> serving 30080",
  "datanode -> datanode 9866 9867",
  "datanode -> namenode 8020",
  "elasticsearch -> elasticsearch 9300",
  "elasticsearch-exporter -> elasticsearch 9200",
  "generator -> kafka 9092",
  "grafana -> elasticsearch 9200",
  "grafana -> prometheus 9090",
  "history -> datanode 9864",
  "history -> elasticsearch 9200",
  "history -> namenode 9870",
  "ingest -> datanode 9864",
  "ingest -> kafka 9092",
  "ingest -> namenode 9870",
  "kafka -> kafka 9092 9093",
  ...PROMETHEUS,
  "serving -> elasticsearch 9200",
  "serving -> kafka 9092",
  "setup -> elasticsearch 9200",
  "setup -> kafka 9092",
  "setup -> namenode 9870",
  "speed -> elasticsearch 9200",
  "speed -> kafka 9092",
  "test -> datanode 9864",
  "test -> elasticsearch 9200",
  "test -> kafka 9092",
  "test -> namenode 9870",
  "test -> serving 30080",
];

async function policies(options: RenderOptions = {}): Promise<Manifest[]> {
  return (await renderChart(options)).filter(({ kind }) => kind === "NetworkPolicy");
}

function componentOf({ spec }: Manifest): string {
  return spec.podSelector.matchLabels[COMPONENT];
}

function portsOf(rule: Manifest): string {
  return rule.ports.map(({ port }: Manifest) => port).join(" ");
}

/** Rules that name pods, as `from -> to ports`; `side` says which end has them. */
function edges(all: readonly Manifest[], side: "ingress" | "egress"): string[] {
  const found = all.flatMap((policy) =>
    (policy.spec[side] ?? []).flatMap((rule: Manifest) => {
      const peers = rule[side === "ingress" ? "from" : "to"] ?? [];
      return peers.map(({ podSelector }: Manifest) => {
        const other = podSelector.matchLabels[COMPONENT];
        const own = componentOf(policy);
        const [from, to] = side === "ingress" ? [other, own] : [own, other];
        return `${from} -> ${to} ${portsOf(rule)}`;
      });
    })
  );
  return found.sort();
}

Deno.test("both ends of each edge have a rule, and there is no other", async () => {
  const all = await policies();
  assertEquals(edges(all, "egress"), EDGES);
  const there = all.map(componentOf);
  assertEquals(
    edges(all, "ingress"),
    EDGES.filter((edge) => there.includes(edge.replace(/^.* -> ([\w-]+).*$/, "$1"))),
  );
});

Deno.test("everything else is denied, for every pod of the release", async () => {
  const all = await policies();
  const [deny, ...others] = all.filter(({ spec }) => componentOf({ spec }) === undefined);
  assertEquals(others, []);
  assertEquals(deny.spec.policyTypes, ["Ingress", "Egress"]);
  assertEquals([deny.spec.ingress, deny.spec.egress], [undefined, undefined]);
  assertEquals(deny.spec.podSelector.matchLabels, {
    "app.kubernetes.io/instance": "reddit",
    "app.kubernetes.io/part-of": "reddit-pipeline",
  });
});

/** Rules into a component that anyone may use. */
function open(all: readonly Manifest[], component: string): string[] {
  const policy = all.find((one) => componentOf(one) === component);
  return (policy.spec.ingress ?? []).filter((rule: Manifest) => rule.from === undefined).map(
    portsOf,
  );
}

Deno.test("only what is published is open to everyone", async () => {
  const closed = await policies();
  const dev = await policies({ presets: ["values-dev.yaml"] });
  const components = closed.map(componentOf).filter((name) => name !== undefined);
  assertEquals(components.filter((name) => open(closed, name).length > 0), ["serving"]);
  assertEquals(
    ["serving", "namenode", "elasticsearch", "prometheus", "grafana"].map((name) =>
      open(dev, name)
    ),
    [["30080"], ["9870"], ["9200"], ["9090"], ["3000"]],
  );
});

Deno.test("metrics are for those who are named, besides the release's Prometheus", async () => {
  const monitoring = { namespaceSelector: { matchLabels: { name: "monitoring" } } };
  const rules = (all: readonly Manifest[]) =>
    all.flatMap((one) =>
      (one.spec.ingress ?? [])
        .filter(({ from }: Manifest) =>
          from?.some((peer: Manifest) => peer.podSelector === undefined)
        )
        .map((rule: Manifest) => ({ rule, component: componentOf(one) }))
    );
  assertEquals(rules(await policies()), []);
  const named = rules(
    await policies({ values: { global: { networkPolicy: { metricsFrom: [monitoring] } } } }),
  );
  const jobs = ["batch", "canary", "generator", "history", "ingest", "serving", "setup", "speed"];
  assertEquals(
    named.map(({ rule, component }) => `${component} ${portsOf(rule)}`).sort(),
    [
      ...jobs.map((job) => `${job} 8080`),
      "datanode 9864",
      "elasticsearch-exporter 9114",
      "kafka 9404",
      "namenode 9404 9870",
    ].sort(),
  );
  for (const { rule } of named) assertEquals(rule.from, [monitoring]);
});

Deno.test("Prometheus goes to what it scrapes, the API server and those that it alerts", async () => {
  const all = await policies({
    values: { prometheus: { alertmanagers: ["alerts.example:9093"] } },
  });
  const { spec } = all.find((one) => componentOf(one) === "prometheus");
  const anywhere = spec.egress.filter((rule: Manifest) => rule.to === undefined).map(portsOf);
  assertEquals(anywhere, ["53 53", "443 6443 9093"]);
});

Deno.test("servers of others are reached by port, and names are always resolved", async () => {
  const all = await policies({ presets: ["ci/bring-your-own-values.yaml"] });
  const inside = PROMETHEUS.filter((edge) => !/(kafka|node) /.test(edge));
  assertEquals(
    edges(all, "egress"),
    ["canary -> serving 30080", "grafana -> prometheus 9090", ...inside, "test -> serving 30080"],
  );
  const out = (component: string) =>
    all.find((one) => componentOf(one) === component).spec.egress.map(portsOf);
  assertEquals(out("speed"), ["53 53", "9093", "9200"]);
  assertEquals(out("ingest"), ["53 53", "9093", "9871", "1"]);
});

Deno.test("extraEgress is for those who go outside", async () => {
  const values = {
    global: { networkPolicy: { extraEgress: [{ ports: [{ protocol: "TCP", port: 9999 }] }] } },
  };
  const extra = (all: readonly Manifest[]) =>
    all.filter(({ spec }) => (spec.egress ?? []).some((rule: Manifest) => portsOf(rule) === "9999"))
      .map(componentOf).sort();
  assertEquals(extra(await policies({ values })), []);
  assertEquals(
    extra(await policies({ values, presets: ["ci/bring-your-own-values.yaml"] })),
    [
      "batch",
      "canary",
      "generator",
      "grafana",
      "history",
      "ingest",
      "serving",
      "setup",
      "speed",
      "test",
    ],
  );
});

Deno.test("networkPolicy.enabled takes all of them away", async () => {
  const values = { global: { networkPolicy: { enabled: false } } };
  assertEquals(await policies({ values }), []);
  assert((await policies()).length > 0);
});

Deno.test("a Prometheus of yours is reached on the port of its URL", async () => {
  const prometheus = { url: "https://prometheus.example.com" };
  const all = await policies({ values: { grafana: { datasources: { prometheus } } } });
  assert(!edges(all, "egress").includes("grafana -> prometheus 9090"));
  const { spec } = all.find((one) => componentOf(one) === "grafana");
  assertEquals(spec.egress.map(portsOf), ["53 53", "443", "9200"]);
});
