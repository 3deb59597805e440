import {
  CHART,
  helm,
  type Manifest,
  renderChart,
  type RenderOptions,
  renderText,
} from "@pipeline/tools/charts";
import { assert, assertEquals, equal } from "@std/assert";

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
  "prometheus -> speed-standby 8080",
];

/** Who may talk to whom, on which ports. */
const EDGES = [
  "batch -> datanode 9864",
  "batch -> elasticsearch 9200",
  "batch -> kafka 9092",
  "batch -> namenode 9870",
  "batch -> speed 8090",
  "batch -> speed-standby 8090",
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
  "namenode -> namenode 8020 9870",
  ...PROMETHEUS,
  "serving -> elasticsearch 9200",
  "serving -> kafka 9092",
  "serving -> speed 8090",
  "serving -> speed-standby 8090",
  "setup -> elasticsearch 9200",
  "setup -> kafka 9092",
  "setup -> namenode 9870",
  "speed -> elasticsearch 9200",
  "speed -> kafka 9092",
  "speed-standby -> elasticsearch 9200",
  "speed-standby -> kafka 9092",
  "test -> datanode 9864",
  "test -> elasticsearch 9200",
  "test -> kafka 9092",
  "test -> namenode 9870",
  "test -> serving 30080",
  "test -> speed 8090",
  "test -> speed-standby 8090",
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
  const all = await policies({ values: { speed: { standby: { enabled: true } } } });
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
    [
      "batch -> speed 8090",
      "batch -> speed-standby 8090",
      "canary -> serving 30080",
      "grafana -> prometheus 9090",
      ...inside,
      "serving -> speed 8090",
      "serving -> speed-standby 8090",
      "test -> serving 30080",
      "test -> speed 8090",
      "test -> speed-standby 8090",
    ],
  );
  const out = (component: string) =>
    all.find((one) => componentOf(one) === component).spec.egress.map(portsOf);
  assertEquals(out("speed"), ["53 53", "9093", "9200"]);
  assertEquals(out("ingest"), ["53 53", "9093", "9871", "1"]);
});

/** Where a component's own rules are among the values. */
const OWN = {
  kafka: "kafka",
  namenode: "hdfs.namenode",
  datanode: "hdfs.datanode",
  elasticsearch: "elasticsearch",
  "elasticsearch-exporter": "elasticsearch.exporter",
  generator: "generator",
  canary: "generator.canary",
  ingest: "ingest",
  batch: "batch",
  speed: "speed",
  serving: "serving",
  prometheus: "prometheus",
  grafana: "grafana",
  setup: "setup",
  history: "history",
  test: "tests",
} as const;

/** `{a: {b: value}}` of `a.b`. */
function at(path: string, value: unknown): Record<string, unknown> {
  return path.split(".").reduceRight((inner, key) => ({ [key]: inner }), value) as Record<
    string,
    unknown
  >;
}

function deepMerge(into: Record<string, unknown>, more: Record<string, unknown>) {
  for (const [key, value] of Object.entries(more)) {
    const there = into[key];
    if (there === undefined) into[key] = value;
    else deepMerge(there as Record<string, unknown>, value as Record<string, unknown>);
  }
  return into;
}

const FROM = {
  from: [{ namespaceSelector: { matchLabels: { team: "data" } } }],
  ports: [{ protocol: "TCP", port: 9999 }],
};
const TO = {
  to: [{ ipBlock: { cidr: "2001:db8::/32", except: ["2001:db8:1::/48"] } }],
  ports: [{ protocol: "UDP", port: 5000, endPort: 6000 }],
};

/** Which components have each of the two rules. */
function extended(all: readonly Manifest[]): Record<"into" | "out", string[]> {
  const having = (side: "ingress" | "egress", rule: unknown) =>
    all.filter(({ spec }) => (spec[side] ?? []).some((one: Manifest) => equal(one, rule))).map(
      componentOf,
    ).sort();
  return { into: having("ingress", FROM), out: having("egress", TO) };
}

Deno.test("extraIngress and extraEgress of `all` apply to every component, also with external servers", async () => {
  const networkPolicy = { extraIngress: [FROM], extraEgress: [TO] };
  const components = Object.keys(OWN).sort();
  const all = extended(await policies({ values: { global: { networkPolicy } } }));
  assertEquals(all, { into: components, out: components });
  const outside = await policies({
    values: { global: { networkPolicy } },
    presets: ["ci/bring-your-own-values.yaml"],
  });
  const there = outside.map(componentOf).filter((name) => name !== undefined).sort();
  assertEquals(extended(outside), { into: there, out: there });
});

Deno.test("extraIngress and extraEgress of a component are its own alone", async () => {
  const [odd, even] = [0, 1].map((rest) =>
    Object.keys(OWN).filter((_, i) => i % 2 === rest).sort()
  ) as [string[], string[]];
  const values = {};
  for (const [component, path] of Object.entries(OWN)) {
    const into = odd.includes(component);
    deepMerge(
      values,
      at(`${path}.networkPolicy`, into ? { extraIngress: [FROM] } : { extraEgress: [TO] }),
    );
  }
  assertEquals(extended(await policies({ values })), { into: odd, out: even });
});

Deno.test("rules are refused that a NetworkPolicy does not have", async () => {
  const wrong = [
    { extraEgress: [{ from: [] }] },
    { extraIngress: [{ ports: [{ port: 70000 }] }] },
    { extraEgress: [{ to: [{ cidr: "10.0.0.0/8" }] }] },
    { extraEgress: [{ to: [{ ipBlock: { cidr: "10.0.0.1" } }] }] },
    { extraIngress: [{ from: [{}] }] },
    { metricsFrom: [{ matchLabels: {} }] },
    { dnsPorts: ["dns"] },
  ];
  for (const networkPolicy of wrong) {
    const { success, stderr } = await renderText({ values: { global: { networkPolicy } } });
    assert(!success, JSON.stringify(networkPolicy));
    assert(stderr.includes("/global/networkPolicy/"), stderr);
  }
});

/** Ports that a component may reach wherever they are. */
function anywhere(all: readonly Manifest[], component: string): string[] {
  const { spec } = all.find((one) => componentOf(one) === component);
  return spec.egress.filter((rule: Manifest) => rule.to === undefined).map(portsOf);
}

Deno.test("names and the API server are reached on the cluster's own ports", async () => {
  const networkPolicy = { dnsPorts: [53, 5353], apiServerPorts: [16443] };
  const all = await policies({ values: { global: { networkPolicy } } });
  for (const component of Object.keys(OWN)) {
    const { spec } = all.find((one) => componentOf(one) === component);
    const [names] = spec.egress;
    assertEquals(
      names.ports.map(({ protocol, port }: Manifest) => `${protocol} ${port}`),
      ["UDP 53", "TCP 53", "UDP 5353", "TCP 5353"],
    );
    assertEquals(names.to, undefined);
  }
  assertEquals(anywhere(all, "prometheus"), ["53 53 5353 5353", "16443"]);
});

Deno.test("without ports of names and the API server there is no rule for them, rather than one for all ports", async () => {
  const networkPolicy = { dnsPorts: [], apiServerPorts: [] };
  const all = await policies({ values: { global: { networkPolicy } } });
  for (const component of Object.keys(OWN)) {
    const policy = all.find((one) => componentOf(one) === component);
    const rules = [...policy.spec.egress ?? [], ...policy.spec.ingress ?? []];
    assert(rules.every(({ ports }: Manifest) => ports?.length > 0), component);
  }
  assertEquals(anywhere(all, "prometheus"), []);
});

Deno.test("webFrom reaches Grafana and Prometheus, whose Services are ClusterIP, on the ports of their pods", async () => {
  const webFrom = [{
    namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "ingress-nginx" } },
    podSelector: { matchLabels: { "app.kubernetes.io/component": "controller" } },
  }];
  const all = await policies({ values: { global: { networkPolicy: { webFrom } } } });
  const reached = all.flatMap((one) =>
    (one.spec.ingress ?? []).filter((rule: Manifest) =>
      JSON.stringify(rule.from) === JSON.stringify(webFrom)
    ).map((rule: Manifest) => `${componentOf(one)} ${portsOf(rule)}`)
  );
  assertEquals(reached.sort(), ["grafana 3000", "prometheus 9090"]);
  assertEquals(open(all, "serving"), ["30080"]);
});

Deno.test("Prometheus reaches the ports of further targets that are listed", async () => {
  const extraScrapeConfigs = [
    { job_name: "nodes", static_configs: [{ targets: ["x.y:9100", "[fd00::1]:9101"] }] },
    { job_name: "secure", scheme: "https", static_configs: [{ targets: ["x.y", "z:9102"] }] },
    { job_name: "plain", static_configs: [{ targets: ["a.b", "[fd00::1]"] }, { targets: [] }] },
    { job_name: "found", kubernetes_sd_configs: [{ role: "pod" }] },
  ];
  const all = await policies({ values: { prometheus: { extraScrapeConfigs } } });
  assertEquals(anywhere(all, "prometheus"), ["53 53", "443 6443 9100 9101 9102 80"]);
});

Deno.test("the notes name the networks that enforce no policies, or state that there are none", async () => {
  const notes = async (...values: string[]) => {
    const set = values.flatMap((value) => ["--set", value]);
    const { stdout } = await helm(["install", "reddit", CHART, "--dry-run=client", ...set]);
    return stdout.slice(stdout.lastIndexOf("NOTES:"));
  };
  assert((await notes()).includes("if the cluster's network enforces them. Flannel alone"));
  assert(
    (await notes("global.networkPolicy.enabled=false")).includes("any pod of the cluster may"),
  );
});

Deno.test("networkPolicy.enabled takes all of them away", async () => {
  const values = { global: { networkPolicy: { enabled: false } } };
  assertEquals(await policies({ values }), []);
  assert((await policies()).length > 0);
});

Deno.test("a Prometheus of yours is reached on the port of its URL", async () => {
  const urls = {
    "https://prometheus.example.com": "443",
    "https://prometheus.example.com/team:7/": "443",
    "http://prometheus.example.com:9091/prometheus": "9091",
    "http://[fd00::1]:9092/": "9092",
    "http://[fd00::1]": "80",
  };
  for (const [url, port] of Object.entries(urls)) {
    const prometheus = { url };
    const all = await policies({ values: { grafana: { datasources: { prometheus } } } });
    assert(!edges(all, "egress").includes("grafana -> prometheus 9090"));
    const { spec } = all.find((one) => componentOf(one) === "grafana");
    assertEquals(spec.egress.map(portsOf), ["53 53", port, "9200"], url);
  }
});
