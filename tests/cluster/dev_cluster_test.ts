// The laptop's preset on a cluster, as the README has it: `scripts/test-cluster dev`.
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { parseAllDocuments } from "yaml";
import { PRESETS } from "../charts/_golden.ts";
import { command } from "../servers/mod.ts";
import { Kube, makeNamespace, nodes, type Resource, until } from "./_kube.ts";
import { CHART, COMPONENTS, IMAGE_FLAGS, Release, setFlags, valueFlags } from "./_release.ts";
import { scenario } from "./_scenario.ts";

const release = new Release("reddit", "reddit-pipeline");
const { kube } = release;
const step = scenario("dev", release);

const VALUES = [...valueFlags("values-dev.yaml", "ci/test-cluster-values.yaml"), ...IMAGE_FLAGS];

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
  const [node] = await nodes();
  const { address } = node.status.addresses.find(({ type }: Resource) => type === "InternalIP");
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

step("more pods share the work, and more records a second are served", async () => {
  console.log(await release.make("test-scalability"));
});

step("an upgrade rolls only the job that it changes, and a roll-back takes it back", async () => {
  const before = await podIds();
  assertEquals(await release.rate(), 50);
  const changed = setFlags({ "generator.config.realtime.rate": 75 });
  await release.helm("upgrade", release.name, CHART, ...VALUES, ...KEEP, ...changed);
  await release.up();
  await release.flows(120);
  const between = await podIds();
  assertEquals(await release.rate(), 75);
  const rolled = Object.keys(before).filter((name) => `${before[name]}` !== `${between[name]}`);
  assertEquals(rolled.filter((name) => name !== "batch"), ["generator"]);

  await release.helm("rollback", release.name);
  await release.up();
  await release.flows(120);
  assertEquals(await release.rate(), 50);
  await release.verify();
});

step("more servers keep all that there is", async () => {
  const before = await release.status();
  await release.helm("upgrade", release.name, CHART, ...VALUES, ...KEEP, ...GROWN);
  await release.up();
  for (const component of ["kafka", "datanode", "elasticsearch"]) {
    assertEquals((await release.pods(component)).length, 2, component);
  }
  const { layers } = await release.flows(240);
  assert(layers.batch.records >= before.layers.batch.records);
  await release.verify();
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
    const claims: Resource[] = await kube.list("pvc");
    assertEquals(claims.length, 7);

    // Nothing that is waited for waits for what comes after it.
    const wait = ["--wait", "--timeout", "10m"];
    await release.helm("install", release.name, CHART, ...VALUES, ...GROWN, ...wait);
    await release.up();
    const status = await release.flows(240);
    assert(status.provenance.generation >= generation);
    assert(status.layers.batch.records >= layers.batch.records);
    await release.verify();
  },
);

step("without that, nothing is left", async () => {
  await release.make("clean");
  await until("volumes are left", 60, async () => (await kube.list("pvc")).length === 0);
  await kube.run("delete", "namespace", release.namespace);
});
