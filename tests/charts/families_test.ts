import { find, refusal, renderChart } from "@pipeline/tools/charts";
import { assert, assertEquals } from "@std/assert";

async function services(values: unknown, presets: readonly string[] = []) {
  return (await renderChart({ values, presets })).filter(({ kind }) => kind === "Service");
}

Deno.test("every Service has addresses of both families where the cluster has both", async () => {
  for (const presets of [[], ["values-dev.yaml"], ["ci/bring-your-own-values.yaml"]]) {
    for (const { spec } of await services({}, presets)) {
      assertEquals([spec.ipFamilyPolicy, spec.ipFamilies], ["PreferDualStack", undefined]);
    }
  }
});

Deno.test("global.ipFamilyPolicy and global.ipFamilies are those of every Service", async () => {
  const given = { ipFamilyPolicy: "RequireDualStack", ipFamilies: ["IPv6", "IPv4"] };
  const all = await services({ global: given }, ["values-dev.yaml"]);
  assert(all.length > 8);
  for (const { spec } of all) {
    assertEquals([spec.ipFamilyPolicy, spec.ipFamilies], Object.values(given));
  }
  for (const { spec } of await services({ global: { ipFamilyPolicy: "" } })) {
    assertEquals([spec.ipFamilyPolicy, spec.ipFamilies], [undefined, undefined]);
  }
});

Deno.test("Services of IPv6 alone are refused where the release runs HDFS", async () => {
  const global = { ipFamilyPolicy: "SingleStack", ipFamilies: ["IPv6"] };
  assertEquals(await refusal({ values: { global } }), [
    "ERROR: global.ipFamilies is IPv6 alone and hdfs.enabled is true: Hadoop's clients read from IPv4 addresses only",
  ]);
  const elsewhere = await services({ global }, ["ci/bring-your-own-values.yaml"]);
  assertEquals(elsewhere[0].spec.ipFamilies, ["IPv6"]);
  await services({ global: { ipFamilies: ["IPv6"] } });
  await services({ global: { ...global, ipFamilies: ["IPv4"] } });
});

Deno.test("Elasticsearch publishes the pod's own address, and users may name another", async () => {
  const all = await renderChart();
  const [container] =
    find(all, "StatefulSet", "reddit-elasticsearch").spec.template.spec.containers;
  assertEquals(container.env.find(({ name }: { name: string }) => name === "POD_IP").valueFrom, {
    fieldRef: { fieldPath: "status.podIP" },
  });
  const settings = async (config: unknown) =>
    find(
      await renderChart({ values: { elasticsearch: { config } } }),
      "ConfigMap",
      "reddit-elasticsearch",
    ).data["elasticsearch.yml"];
  assert((await settings({})).includes("network.publish_host: ${POD_IP}\n"));
  const own = await settings({ "network.publish_host": "_global:ipv6_" });
  assert(own.includes("network.publish_host: _global:ipv6_\n") && !own.includes("POD_IP"), own);
});

Deno.test("no server is restricted to IPv4", async () => {
  const text = JSON.stringify(await renderChart());
  assert(!text.includes("preferIPv4Stack=true"));
  // Where it is not said, the scripts of Hadoop say so.
  assertEquals(text.match(/preferIPv4Stack=false/g)?.length, 2);
});
