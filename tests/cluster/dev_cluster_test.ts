// The laptop's preset on a cluster, as the README has it: `scripts/test-cluster dev`.
import { PRESETS } from "@pipeline/tools/charts";
import { command } from "@pipeline/tools/servers";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { parseAllDocuments } from "yaml";
import { Kube, makeNamespace, nodes, type Resource, until } from "./_kube.ts";
import { emptyPanels, Prometheus, type Views } from "./_monitoring.ts";
import { CHART, COMPONENTS, IMAGE_FLAGS, Release, setFlags, valueFlags } from "./_release.ts";
import { scenario } from "./_scenario.ts";

const release = new Release("reddit", "reddit-pipeline");
const { kube } = release;
const step = scenario("dev", release);

const VALUES = [...valueFlags("values-dev.yaml", "ci/test-cluster-values.yaml"), ...IMAGE_FLAGS];

/** Records a second, by those values. */
const RATE = 25;

/** Volumes stay when the release goes: what is installed again finds them. */
const KEEP = setFlags({
  "kafka.persistence.whenDeleted": "Retain",
  "hdfs.namenode.persistence.whenDeleted": "Retain",
  "hdfs.datanode.persistence.whenDeleted": "Retain",
  "elasticsearch.persistence.whenDeleted": "Retain",
});

/** Two servers of each kind that may become more. */
const GROWN = setFlags({
  "kafka.replicas": 2,
  "hdfs.datanode.replicas": 2,
  "elasticsearch.replicas": 2,
});

/** What goes, by the alert that says so and its job; together what can be told apart. */
const GOING: readonly Readonly<Record<string, string>>[] = [
  {
    KafkaBrokerDown: "statefulset/reddit-kafka",
    HdfsDataNodeDown: "statefulset/reddit-datanode",
    ElasticsearchDown: "statefulset/reddit-elasticsearch",
  },
  {
    HdfsNameNodeDown: "statefulset/reddit-namenode",
    ...Object.fromEntries(
      ["generator", "canary", "ingest", "speed", "serving"]
        .map((job) => [`JobAbsent ${job}`, `deployment/reddit-${job}`]),
    ),
  },
];

/** Where the release is seen, on ports of the node. */
async function views(): Promise<Views> {
  const url = `http://${await nodeAddress()}`;
  return {
    prometheus: new Prometheus(`${url}:30909`),
    elasticsearch: `${url}:30920`,
    namespace: release.namespace,
    release: release.name,
  };
}

async function nodeAddress(): Promise<string> {
  const [node] = await nodes();
  return node.status.addresses.find(({ type }: Resource) => type === "InternalIP").address;
}

/** Identities of pods by component, which change when a component is rolled. */
async function podIds(): Promise<Record<string, string[]>> {
  const pods: Resource[] = await kube.list("pod", release.selector());
  const running = pods.filter(({ status }) => status.phase === "Running");
  const ids: Record<string, string[]> = {};
  for (const { metadata } of running) {
    (ids[metadata.labels["app.kubernetes.io/component"]] ??= []).push(metadata.uid);
  }
  return ids;
}

step("the API server takes all that every preset renders to, without a warning", async () => {
  const scratch = new Kube(`${release.namespace}-dry-run`);
  await makeNamespace(scratch.namespace);
  for (const files of Object.values(PRESETS)) {
    const flags = ["--namespace", scratch.namespace, ...valueFlags(...files)];
    const render = ["template", release.name, CHART, ...flags];
    const items: Resource[] = parseAllDocuments(await command("scripts/helm", render))
      .map((document) => document.toJS()).filter((object) => object !== null);
    // A pod is only taken where its account is.
    const accounts = items.filter(({ kind }) => kind === "ServiceAccount");
    await scratch.runWith({ apiVersion: "v1", kind: "List", items: accounts }, "apply");
    const dry = ["apply", "--dry-run=server", "--warnings-as-errors"];
    await scratch.runWith({ apiVersion: "v1", kind: "List", items }, ...dry);
  }
  await command("kubectl", ["delete", "namespace", scratch.namespace]);
});

step("helm install brings everything up", async () => {
  const notes = await release.helm(
    ...["install", release.name, CHART, "--create-namespace", ...VALUES, ...KEEP],
  );
  assertStringIncludes(notes, "helm test reddit -n reddit-pipeline");
  await release.up();
});

step("helm test passes", async () => {
  console.log(await release.helm("test", release.name, "--logs"));
});

step("the API, the page, HDFS and Elasticsearch answer on ports of the node", async () => {
  const address = await nodeAddress();
  const ask = async (port: number, path: string) => {
    const response = await fetch(`http://${address}:${port}${path}`);
    assert(response.ok, `${port}${path}: ${response.status}`);
    return await response.text();
  };
  assertStringIncludes(await ask(30080, "/"), "<html");
  const { items } = JSON.parse(await ask(30080, "/v1/subreddits?sort=posts&window=1d&limit=5"));
  assertEquals(items.length, 5);
  assertStringIncludes(await ask(30920, "/_cat/aliases"), "views_top_posts_v1");
  assertStringIncludes(await ask(30870, "/webhdfs/v1/?op=LISTSTATUS"), "FileStatuses");
});

step("Prometheus reads every component, and no alert fires", async () => {
  const { prometheus } = await views();
  await until("not every target is up", 120, async () => {
    const targets = await prometheus.targets();
    const down = targets.filter(({ health }) => health !== "up");
    if (down.length > 0) throw new Error(JSON.stringify(down));
    const jobs = new Set(targets.map(({ labels }) => labels.job));
    const missing = [...COMPONENTS, "canary", "prometheus"].filter((job) => !jobs.has(job));
    if (missing.length > 0) throw new Error(`No target is of ${missing.join(", ")}`);
    return true;
  });
  await until("alerts fire", 60, async () => {
    // Two cores that do all of this do not keep to a second.
    const firing = [...(await prometheus.firing()).keys()]
      .filter((name) => name !== "LatencyBudgetBurn");
    if (firing.length > 0) throw new Error(`They fire: ${firing.join(", ")}`);
    return true;
  });
});

step(
  "whatever goes fires its alert, whose runbook is there, and what returns resolves it",
  async () => {
    const { prometheus } = await views();
    const rows = ["| alert | fired after | resolved after |", "| --- | --- | --- |"];
    for (const group of GOING) {
      const names = Object.keys(group);
      const scale = (replicas: number) =>
        Promise.all(
          Object.values(group).map((object) => kube.run("scale", object, `--replicas=${replicas}`)),
        );
      const went = Date.now();
      const fired = new Map<string, number>();
      const resolved = new Map<string, number>();
      await scale(0);
      await until("an alert does not fire", 180, async () => {
        for (const [name, { annotations }] of await prometheus.firing()) {
          if (!names.includes(name) || fired.has(name)) continue;
          fired.set(name, Date.now() - went);
          const path = new URL(annotations.runbook_url!).pathname;
          const runbook = await (await fetch(`${prometheus.url}${path}`)).text();
          assertStringIncludes(runbook, `# ${name.split(" ")[0]}`);
        }
        const silent = names.filter((name) => !fired.has(name));
        if (silent.length > 0) throw new Error(`Silent: ${silent.join(", ")}`);
        return true;
      });
      const healed = Date.now();
      await scale(1);
      await until("an alert does not end", 300, async () => {
        const firing = await prometheus.firing();
        for (const name of names) {
          if (!firing.has(name) && !resolved.has(name)) resolved.set(name, Date.now() - healed);
        }
        if (resolved.size < names.length) {
          throw new Error(`Firing: ${[...firing.keys()].join(", ")}`);
        }
        return true;
      });
      for (const name of names) {
        const seconds = [fired, resolved].map((times) =>
          `${(times.get(name)! / 1000).toFixed(0)} s`
        );
        rows.push(`| ${[name, ...seconds].join(" | ")} |`);
      }
    }
    console.log(rows.join("\n"));
    await release.up();
    await release.flows(240);
  },
);

step("each target of the Makefile does what it says", async () => {
  assertStringIncludes(await release.make("status"), "deployed");
  for (const target of ["run-consumer", "run-producer", "run-streaming"]) {
    await release.make(target);
  }
  const { provenance: { generation } } = await release.status();
  await release.make("run-batch");
  assert((await release.status()).provenance.generation > generation);
});

step("pods of each kind go under traffic, and answers stay exact", async () => {
  const printed = await release.make("test-fault-tolerance");
  console.log(printed);
  for (const component of COMPONENTS) {
    assertStringIncludes(printed, `| ${release.name}-${component}-`);
  }
});

step("each panel of each dashboard has data within three minutes", async () => {
  // They need a run of batch and a verification of everything, both of which there were by now.
  const seen = await views();
  await until("panels are empty", 180, async () => {
    // Somebody has to ask, for answers to be counted.
    await release.status();
    const empty = await emptyPanels(seen);
    if (empty.length > 0) throw new Error(empty.join("\n"));
    return true;
  });
});

step("more pods share the work, and more records a second are served", async () => {
  console.log(await release.make("test-scalability"));
});

step("an upgrade rolls only the job that it changes, and a roll-back takes it back", async () => {
  const before = await podIds();
  assertEquals(await release.rate(), RATE);
  const changed = setFlags({ "generator.config.realtime.rate": RATE + 10 });
  await release.helm("upgrade", release.name, CHART, ...VALUES, ...KEEP, ...changed);
  await release.up();
  await release.flows(120);
  const between = await podIds();
  assertEquals(await release.rate(), RATE + 10);
  const rolled = Object.keys(before).filter((name) => `${before[name]}` !== `${between[name]}`);
  // Canaries are sent with the generator's configuration.
  assertEquals(rolled.filter((name) => name !== "batch").sort(), ["canary", "generator"]);

  await release.helm("rollback", release.name);
  await release.up();
  await release.flows(120);
  assertEquals(await release.rate(), RATE);
});

step("more servers keep all that there is", async () => {
  const before = await release.status();
  // Over the replicas that somebody has set by hand.
  const flags = ["--force-conflicts", ...VALUES, ...KEEP, ...GROWN];
  await release.helm("upgrade", release.name, CHART, ...flags);
  await release.up();
  for (const component of ["kafka", "datanode", "elasticsearch"]) {
    assertEquals((await release.pods(component)).length, 2, component);
  }
  const { layers } = await release.flows(240);
  assert(layers.batch.records >= before.layers.batch.records);
  const { prometheus } = await views();
  await until("Prometheus does not miss the new ones when they go", 180, async () => {
    const expected = await prometheus.instant(
      `job:pods:expected{job=~"kafka|datanode|elasticsearch"} == 2`,
    );
    return expected.length === 3;
  });
});

step(
  "what is uninstalled leaves its volumes where it says so, and is installed again on them",
  async () => {
    const { provenance: { generation }, layers } = await release.status();
    await release.helm("uninstall", release.name, "--wait");
    const left: Resource[] = await kube.list(
      "statefulset,deployment,cronjob,service",
      release.selector(),
    );
    assertEquals(left.map(({ metadata }) => metadata.name), []);
    // Prometheus' goes with it, which is no data of anybody.
    await until("a volume is left or lost", 60, async () => (await kube.list("pvc")).length === 7);

    // Nothing that is waited for waits for what comes after it.
    const wait = ["--wait", "--timeout", "10m"];
    await release.helm("install", release.name, CHART, ...VALUES, ...GROWN, ...wait);
    await release.up();
    const status = await release.flows(240);
    assert(status.provenance.generation >= generation);
    assert(status.layers.batch.records >= layers.batch.records);
    // Of all that was written since the last proof, whatever was upgraded, rolled back, grown and installed again.
    await release.verify();
  },
);

step("without that, nothing is left", async () => {
  await release.make("clean");
  await until("volumes are left", 60, async () => (await kube.list("pvc")).length === 0);
  await kube.run("delete", "namespace", release.namespace);
});
