import { find, immutables, type Manifest, podTemplate, renderChart } from "@pipeline/tools/charts";
import { assert, assertEquals } from "@std/assert";

/** Workloads whose pods differ, `kind/name`; Jobs by what is before the hash. */
async function rolled(values: unknown): Promise<string[]> {
  const [before, after] = [
    await templates(await renderChart()),
    await templates(await renderChart({ values })),
  ];
  const all = new Set([...before.keys(), ...after.keys()]);
  return [...all].filter((name) => before.get(name) !== after.get(name)).sort();
}

function templates(manifests: readonly Manifest[]): Map<string, string> {
  return new Map(manifests.flatMap((one) => {
    const pod = podTemplate(one);
    const name = `${one.kind}/${one.metadata.name}`.replace(/^(Job\/.*)-\w{10}$/, "$1");
    return pod === undefined ? [] : [[name, JSON.stringify(pod)] as const];
  }));
}

const once = ["Job/reddit-history", "Job/reddit-setup"];

const CHANGES: readonly [values: unknown, rolled: readonly string[]][] = [
  [{ speed: { config: { flushInterval: "1s" } } }, ["Deployment/reddit-speed"]],
  [
    { speed: { standby: { enabled: true } } },
    ["Deployment/reddit-speed", "Deployment/reddit-speed-standby"],
  ],
  [{ serving: { config: { maxRequests: 9 } } }, ["Deployment/reddit-serving"]],
  [{ ingest: { config: { flush: { age: "9s" } } } }, ["Deployment/reddit-ingest", ...once]],
  [
    { generator: { config: { realtime: { rate: 9 } } } },
    ["Deployment/reddit-canary", "Deployment/reddit-generator", "Job/reddit-history"],
  ],
  [
    { batch: { config: { keep: 9 } } },
    ["CronJob/reddit-batch", "CronJob/reddit-batch-verify", ...once],
  ],
  [{ batch: { schedule: "@daily" } }, []],
  [{ kafka: { config: { "log.segment.bytes": 9 } } }, ["StatefulSet/reddit-kafka"]],
  [
    { hdfs: { config: { "dfs.blocksize": 9 } } },
    ["StatefulSet/reddit-datanode", "StatefulSet/reddit-namenode"],
  ],
  [{ elasticsearch: { config: { "a.b": 9 } } }, ["StatefulSet/reddit-elasticsearch"]],
  [{ grafana: { config: { GF_LOG_LEVEL: "debug" } } }, ["Deployment/reddit-grafana"]],
  [{ grafana: { adminPassword: "other" } }, ["Deployment/reddit-grafana"]],
  [{ grafana: { dashboards: { labelValue: "yes" } } }, []],
  // More of them leave those that run alone.
  [{ kafka: { replicas: 5 } }, []],
  [{ hdfs: { datanode: { replicas: 5 } } }, []],
  [{ elasticsearch: { replicas: 5 } }, []],
  [{ ingest: { replicas: 3 }, speed: { replicas: 3 }, serving: { replicas: 3 } }, []],
];

for (const [values, expected] of CHANGES) {
  Deno.test(`${JSON.stringify(values)} rolls ${expected.join(", ") || "nothing"}`, async () => {
    assertEquals(await rolled(values), expected.toSorted());
  });
}

Deno.test("a Job that does something else is another Job, and one that does the same is the same", async () => {
  const name = async (values: unknown, component: string) =>
    (await renderChart({ values })).find(({ kind, metadata }) =>
      kind === "Job" && metadata.labels["app.kubernetes.io/component"] === component
    ).metadata.name;
  const changed = { ingest: { config: { flush: { age: "9s" } } } };
  for (const component of ["setup", "history"]) {
    assertEquals(await name({}, component), await name({ speed: { replicas: 2 } }, component));
    assert(await name({}, component) !== await name(changed, component));
  }
});

Deno.test("scaling changes nothing that cannot be changed", async () => {
  const values = {
    kafka: { replicas: 5 },
    hdfs: { datanode: { replicas: 5 } },
    elasticsearch: { replicas: 5 },
    speed: { replicas: 3 },
  };
  assertEquals(immutables(await renderChart({ values })), immutables(await renderChart()));
});

Deno.test("more brokers leave the quorum and the cluster's id as they are", async () => {
  const [before, after] = [
    await renderChart(),
    await renderChart({ values: { kafka: { replicas: 5 } } }),
  ];
  const voters = (manifests: readonly Manifest[]) =>
    /^controller\.quorum\.voters=(.*)$/m
      .exec(find(manifests, "ConfigMap", "reddit-kafka").data["server.properties"])![1]!;
  assertEquals(voters(after), voters(before));
  assertEquals(voters(after).split(",").map((voter) => voter.slice(0, 2)), ["0@", "1@", "2@"]);
});

Deno.test("Kafka's cluster id is one that Kafka takes, and stays with release and namespace", async () => {
  const id = async (values?: unknown) => {
    const { env } = find(await renderChart({ values }), "StatefulSet", "reddit-kafka").spec.template
      .spec.containers[0];
    return env.find(({ name }: Manifest) => name === "CLUSTER_ID").value;
  };
  const made = await id();
  assertEquals(Uint8Array.fromBase64(made, { alphabet: "base64url" }).length, 16);
  assertEquals(await id({ kafka: { replicas: 5 } }), made);
  assertEquals(
    await id({ kafka: { clusterId: "AAAAAAAAAAAAAAAAAAAAAA" } }),
    "AAAAAAAAAAAAAAAAAAAAAA",
  );
});

Deno.test("volumes stay unless a value deletes them with the release", async () => {
  const claims = (manifests: readonly Manifest[]) =>
    manifests.filter(({ kind }) => kind === "StatefulSet")
      .map(({ spec }) => spec.persistentVolumeClaimRetentionPolicy.whenDeleted);
  assertEquals(new Set(claims(await renderChart())), new Set(["Retain"]));
  assertEquals(
    new Set(claims(await renderChart({ presets: ["values-dev.yaml"] }))),
    new Set(["Delete"]),
  );
});

Deno.test("nothing is a hook that waits for what waits for it", async () => {
  for (const { kind, metadata } of await renderChart()) {
    const hook = metadata.annotations?.["helm.sh/hook"];
    assert(hook === undefined || hook === "test", `${kind}/${metadata.name}`);
  }
});
