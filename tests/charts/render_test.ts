import {
  CHART,
  containers,
  find,
  GOLDEN,
  goldenPath,
  helm,
  immutables,
  names,
  podTemplate,
  PRESETS,
  renderChart,
  renderGolden,
} from "@pipeline/tools/charts";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { parse } from "yaml";
import { merged } from "./_mutations.ts";

const IMMUTABLE = `${GOLDEN}/immutable.json`;

for (const preset of Object.keys(PRESETS)) {
  Deno.test(`the preset ${preset} renders to its golden file; scripts/charts --golden rewrites it`, async () => {
    assertEquals(
      (await renderGolden(preset)).split("\n"),
      (await Deno.readTextFile(goldenPath(preset))).split("\n"),
    );
  });

  Deno.test(`helm lint --strict finds nothing wrong with the preset ${preset}`, async () => {
    const files = PRESETS[preset]!.flatMap((file) => ["--values", `${CHART}/${file}`]);
    const { success, stdout } = await helm(["lint", "--strict", CHART, ...files]);
    assert(success, stdout);
    assertStringIncludes(stdout, "1 chart(s) linted, 0 chart(s) failed");
  });
}

Deno.test("selectors, services of StatefulSets and volume claims are what they were", async () => {
  const kept = JSON.parse(await Deno.readTextFile(IMMUTABLE));
  assertEquals(immutables(await renderChart()), kept);
});

const OF_COMPONENT: Readonly<Record<string, RegExp>> = {
  kafka: /-kafka(-headless)?$/,
  hdfs: /-(hdfs|namenode|datanode)(-headless|-http)?$/,
  elasticsearch: /-elasticsearch(-headless|-nodes|-exporter)?$/,
  generator: /-(generator|history-\w+|history|canary|test-canary)$/,
  ingest: /-(ingest|history-\w+|history|test-(topics|canary))$/,
  batch: /-(batch|batch-verify|history-\w+|history|test-(views|canary|verify))$/,
  speed: /-(speed|canary|test-canary)$/,
  serving: /-(serving|canary|test-canary)$/,
  prometheus: /-prometheus(-expected|-rules|-runbooks)?$/,
  grafana: /-grafana(-settings|-[a-z-]+-dashboard)?$/,
};

/** What takes a server's place. */
const ELSEWHERE: Readonly<Record<string, unknown>> = {
  kafka: { global: { endpoints: { kafka: ["kafka.example.com:9092"] } } },
  hdfs: { global: { endpoints: { hdfs: ["http://namenode.example.com:9870"] } } },
  elasticsearch: { global: { endpoints: { elasticsearch: ["http://search.example.com:9200"] } } },
  prometheus: { grafana: { datasources: { prometheus: { url: "http://p.example.com:9090" } } } },
};

/** Hashes at the ends of the names of Jobs say what they do, which is not the point here. */
function withoutHashes(all: readonly string[]): string[] {
  return all.map((name) => name.replace(/^(Job\/.*)-\w{10}$/, "$1"));
}

for (const [component, pattern] of Object.entries(OF_COMPONENT)) {
  Deno.test(`${component}.enabled takes all of ${component} out of the release, and nothing else`, async () => {
    const without = await renderChart({
      values: merged(ELSEWHERE[component] ?? {}, { [component]: { enabled: false } }),
    });
    const kept = withoutHashes(names(await renderChart())).filter((name) =>
      !pattern.test(name.replace("Job/reddit-history", "Job/reddit-history-0"))
    );
    assertEquals(withoutHashes(names(without)), kept);
  });
}

Deno.test("generator.historical.enabled and realtime.enabled are switches of their own", async () => {
  const live = names(
    await renderChart({ values: { generator: { historical: { enabled: false } } } }),
  );
  assert(!live.some((name) => name.startsWith("Job/reddit-history")));
  assert(live.includes("Deployment/reddit-generator"));
  const history = names(
    await renderChart({ values: { generator: { realtime: { enabled: false } } } }),
  );
  assert(history.some((name) => name.startsWith("Job/reddit-history")));
  assert(!history.includes("Deployment/reddit-generator"));
});

Deno.test("the default is the seed's topology", async () => {
  const manifests = await renderChart();
  const replicas = (kind: string, name: string) =>
    find(manifests, kind, `reddit-${name}`).spec.replicas;
  assertEquals(
    ["kafka", "namenode", "datanode", "elasticsearch"].map((name) => replicas("StatefulSet", name)),
    [3, 1, 3, 3],
  );
  const config = JSON.parse(find(manifests, "ConfigMap", "reddit-generator").data["config.json"]);
  assertEquals([config.historical.days, config.realtime.rate], [7, 100]);
});

Deno.test("the dev preset is one of each, asks for about 4 GiB and opens the known ports", async () => {
  const manifests = await renderChart({ presets: PRESETS.dev! });
  const workloads = manifests.filter(({ kind }) => ["StatefulSet", "Deployment"].includes(kind));
  assertEquals(new Set(workloads.map(({ spec }) => spec.replicas)), new Set([1]));
  const memory = workloads.flatMap(({ spec }) => spec.template.spec.containers)
    .map(({ resources }) => mebibytes(resources.requests.memory)).reduce((a, b) => a + b);
  assert(memory > 3_000 && memory <= 4_096, `${memory} MiB`);
  const ports = manifests.filter(({ kind }) => kind === "Service")
    .flatMap(({ spec }) => spec.ports).map(({ nodePort }) => nodePort);
  assertEquals(new Set(ports), new Set([undefined, 30080, 30300, 30870, 30909, 30920]));
});

function mebibytes(amount: string): number {
  return amount.endsWith("Gi") ? parseFloat(amount) * 1_024 : parseFloat(amount);
}

Deno.test("the test cluster's images are the project's own, in the versions of the servers", async () => {
  const manifests = await renderChart({ presets: PRESETS["test-cluster"]! });
  const { servers } = parse(await Deno.readTextFile("Chartfile"));
  const image = (name: string) =>
    find(manifests, "StatefulSet", `reddit-${name}`).spec.template.spec.containers[0].image;
  assertEquals(`v${image("prometheus").split(":")[1]}`, servers.prometheus.upstream);
  assertEquals(image("kafka"), `reddit-pipeline/kafka:${servers.kafka.upstream}`);
  assertEquals(image("namenode"), `reddit-pipeline/hadoop:${servers.hdfs.upstream}`);
  assertEquals(image("datanode"), `reddit-pipeline/hadoop:${servers.hdfs.upstream}`);
  assertEquals(
    image("elasticsearch"),
    `reddit-pipeline/elasticsearch:${servers.elasticsearch.upstream}`,
  );
});

Deno.test("an image's registry, tag and digest are where they belong", async () => {
  const image = async (values: unknown) => {
    const showOnly = ["charts/speed/templates/speed-deployment.yaml"];
    const [deployment] = await renderChart({ values, showOnly });
    return deployment.spec.template.spec.containers[0].image;
  };
  const digest = `sha256:${"0".repeat(64)}`;
  assertEquals(await image({}), "reddit-pipeline/speed:0.2.0");
  assertEquals(
    await image({ global: { imageRegistry: "r.example.com" } }),
    "r.example.com/reddit-pipeline/speed:0.2.0",
  );
  assertEquals(
    await image({ speed: { image: { registry: "own.example.com", tag: "1" } } }),
    "own.example.com/reddit-pipeline/speed:1",
  );
  assertEquals(await image({ speed: { image: { digest } } }), `reddit-pipeline/speed@${digest}`);
});

/** The registry of every image of the release. */
async function registries(values: unknown): Promise<{ own: Set<string>; others: Set<string> }> {
  const images = (await renderChart({ values })).flatMap((one) => podTemplate(one) ?? [])
    .flatMap(containers).map(({ image }): string => image);
  const of = (some: readonly string[]) =>
    new Set(some.map((image) => /^([\w-]+[.:][^/]+)\//.exec(image)?.[1] ?? ""));
  const own = images.filter((image) => /(^|\/)reddit-pipeline\//.test(image));
  return { own: of(own), others: of(images.filter((image) => !own.includes(image))) };
}

Deno.test("global.imageRegistry moves every image, whatever registry an image names", async () => {
  const [r, o] = ["r.example.com:5000", "o.example.com"];
  for (
    const values of [
      { global: { imageRegistry: r } },
      { global: { imageRegistry: `${r}/` } },
      { global: { imageRegistry: r }, kafka: { image: { registry: o } } },
    ]
  ) assertEquals(await registries(values), { own: new Set([r]), others: new Set([r]) });
});

Deno.test("global.jobs.imageRegistry moves the project's own images alone, and wins over all", async () => {
  const [r, o] = ["r.example.com", "o.example.com"];
  const { others } = await registries({});
  const own = new Set([o]);
  assertEquals(await registries({ global: { jobs: { imageRegistry: o } } }), { own, others });
  assertEquals(
    await registries({ global: { imageRegistry: r, jobs: { imageRegistry: o } } }),
    { own, others: new Set([r]) },
  );
});

Deno.test("global.imagePullSecrets takes names, and objects with a name", async () => {
  const values = { global: { imagePullSecrets: ["a", { name: "b" }, "123"] } };
  for (const pod of (await renderChart({ values })).flatMap((one) => podTemplate(one) ?? [])) {
    assertEquals(pod.spec.imagePullSecrets, [{ name: "a" }, { name: "b" }, { name: "123" }]);
  }
});

Deno.test("a storage class is a name, and a dash asks for none", async () => {
  const classes = async (values: unknown) =>
    (await renderChart({ values })).flatMap(({ spec }) => spec?.volumeClaimTemplates ?? [])
      .map(({ spec }) => spec.storageClassName);
  const all = (name: unknown) => Array(5).fill(name);
  assertEquals(await classes({}), all(undefined));
  assertEquals(await classes({ global: { storageClass: "-" } }), all(""));
  assertEquals(await classes({ global: { storageClass: "123" } }), all("123"));
  const kafka = { persistence: { storageClass: "-" } };
  const mixed = await classes({ global: { storageClass: "fast" }, kafka });
  assertEquals(mixed.toSorted(), ["", "fast", "fast", "fast", "fast"]);
});

for (const [release, namespace] of [["true", "123"], ["null", "1e3"], ["y", "0x1f"]] as const) {
  Deno.test(`the names ${release} and ${namespace} stay texts in YAML`, async () => {
    for (const manifest of await renderChart({ release, namespace })) {
      assertEquals(manifest.metadata.namespace, namespace);
      assertEquals(manifest.metadata.labels["app.kubernetes.io/instance"], release);
    }
  });
}
