// The seed's topology on three nodes: `scripts/test-cluster full`.
import { command } from "@pipeline/tools/servers";
import { assertEquals } from "@std/assert";
import { makeNamespace, nodes, type Resource } from "./_kube.ts";
import { reach } from "./_probe.ts";
import { CHART, COMPONENTS, IMAGE_FLAGS, Release, valueFlags } from "./_release.ts";
import { scenario } from "./_scenario.ts";

const release = new Release("reddit", "reddit-pipeline");
const { kube, name, namespace } = release;
const step = scenario("full", release);

step("helm install brings everything up where only restricted pods may run", async () => {
  await makeNamespace(namespace);
  const values = [...valueFlags("ci/test-cluster-values.yaml"), ...IMAGE_FLAGS];
  await release.helm("install", name, CHART, ...values);
  await release.up();
});

step("helm test passes, and everything that is served is exact", async () => {
  console.log(await release.helm("test", name, "--logs"));
  await release.verify();
});

step("copies of one component are on different nodes", async () => {
  for (const component of ["kafka", "datanode", "elasticsearch"]) {
    const pods: Resource[] = await release.pods(component);
    assertEquals(pods.length, 3, component);
    assertEquals(new Set(pods.map(({ spec }) => spec.nodeName)).size, 3, component);
  }
  assertEquals((await nodes()).length >= 3, true);
});

step("who need not reach a server does not, and who must does", async () => {
  const of = async (component: string) => (await release.pods(component))[0].status.podIP as string;
  const [broker, namenode, datanode, node, speed, serving] = await Promise.all(
    ["kafka", "namenode", "datanode", "elasticsearch", "speed", "serving"].map(of),
  );
  const servers = [
    `${name}-kafka:9092`,
    `${broker}:9092`,
    `${broker}:9093`,
    `${name}-namenode:9870`,
    `${namenode}:8020`,
    `${datanode}:9864`,
    `${datanode}:9866`,
    `${name}-elasticsearch:9200`,
    `${node}:9300`,
  ];
  const metrics = [`${speed}:8080`, `${serving}:8080`];
  const parts = `${speed}:8090`;
  const api = `${name}-serving:80`;
  const expect = (targets: string[], open: string[]) =>
    new Map(targets.map((target) => [target, open.includes(target) ? "open" : "silent"]));
  const as = (component: string) => ({
    "app.kubernetes.io/instance": name,
    "app.kubernetes.io/part-of": "reddit-pipeline",
    "app.kubernetes.io/component": component,
  });
  const all = [...servers, ...metrics, parts, api];
  const [stranger, ingest, asServing] = await Promise.all([
    reach(release, { app: "stranger" }, all),
    reach(release, as("ingest"), all),
    reach(release, as("serving"), all),
  ]);
  const [byName, brokerPort, , http, , transfer, , search] = servers as [string, ...string[]];
  assertEquals(stranger, expect(all, [api]));
  assertEquals(ingest, expect(all, [byName, brokerPort!, http!, transfer!]));
  assertEquals(asServing, expect(all, [byName, brokerPort!, search!, parts]));
});

step("no pod had to be started again", async () => {
  for (const component of COMPONENTS) {
    for (const { metadata, status } of await release.pods(component)) {
      const [{ restartCount, lastState }] = status.containerStatuses;
      assertEquals(restartCount, 0, `${metadata.name}: ${JSON.stringify(lastState)}`);
    }
  }
});

step("helm uninstall leaves the volumes, as the values say", async () => {
  await release.make("clean");
  const claims: Resource[] = await kube.list("pvc");
  const copies = { datanode: 3, elasticsearch: 3, kafka: 3, namenode: 1, prometheus: 1 };
  const expected = Object.entries(copies).flatMap(([component, count]) =>
    Array.from({ length: count }, (_, index) => `data-${name}-${component}-${index}`)
  );
  assertEquals(claims.map(({ metadata }) => metadata.name), expected);
  await command("kubectl", ["delete", "namespace", namespace]);
});
