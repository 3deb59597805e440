// What Prometheus is told of the release's pods: exactly the workloads that are rendered and that it reads.
import {
  find,
  type Manifest,
  NAMESPACE,
  podTemplate,
  PRESETS,
  RELEASE,
  renderChart,
  type RenderOptions,
} from "@pipeline/tools/charts";
import { assert, assertEquals } from "@std/assert";
import { parse } from "yaml";
import type { Rule } from "./_rules.ts";

const CASES: Readonly<Record<string, RenderOptions>> = {
  ...Object.fromEntries(Object.entries(PRESETS).map(([name, presets]) => [name, { presets }])),
  "no exporters": { values: { global: { metrics: { enabled: false } } } },
  "no exporter of Elasticsearch": { values: { elasticsearch: { exporter: { enabled: false } } } },
  "other numbers": {
    values: {
      kafka: { replicas: 5 },
      hdfs: { datanode: { replicas: 4 } },
      elasticsearch: { replicas: 7 },
      ingest: { replicas: 2 },
      speed: { replicas: 3, standby: { enabled: true, replicas: 2 } },
      serving: { replicas: 6 },
    },
  },
  "no records of our own": { values: { generator: { realtime: { enabled: false } } } },
  "no canaries": { values: { generator: { canary: { every: "" } } } },
};

/** Records by job of a file of rules. */
function records(text: string): Record<string, string> {
  const { groups } = parse(text);
  assertEquals(groups.map(({ name }: { readonly name: string }) => name), ["expected"]);
  const rules: Rule[] = groups[0].rules;
  return Object.fromEntries(rules.map(({ record, expr, labels: { job, ...rest } = {} }) => {
    assertEquals([record, rest], ["job:pods:expected", { namespace: NAMESPACE, release: RELEASE }]);
    return [job!, expr];
  }));
}

/** Whether Prometheus finds something to read in a workload's pods. */
function isRead(template: Manifest): boolean {
  const component: string = template.metadata.labels["app.kubernetes.io/component"];
  const ports: Manifest[] = template.spec.containers.flatMap(({ ports = [] }: Manifest) => ports);
  return ports.some(({ name }) => name === "metrics") || /^(name|data)node$/.test(component);
}

for (const [name, options] of Object.entries(CASES)) {
  Deno.test(`the pods that Prometheus expects are those that there should be: ${name}`, async () => {
    const manifests = await renderChart(options);
    const expected: Record<string, string> = {};
    for (const manifest of manifests) {
      if (manifest.kind !== "Deployment" && manifest.kind !== "StatefulSet") continue;
      if (!isRead(podTemplate(manifest))) continue;
      const component: string = manifest.metadata.labels["app.kubernetes.io/component"];
      const job = component.replace(/-exporter$/, "");
      const { spec } = job === component
        ? manifest
        : find(manifests, "StatefulSet", `${RELEASE}-${job}`);
      expected[job] = `vector(${spec.replicas})`;
    }
    const { data } = find(manifests, "ConfigMap", `${RELEASE}-prometheus-expected`);
    assertEquals(records(data["expected.yaml"]), expected);
  });
}

Deno.test("Prometheus reads the configured rules, and the operator gets the same ones", async () => {
  const values = { prometheus: { operator: { enabled: true, labels: { team: "data" } } } };
  const manifests = await renderChart({ values });
  const { data } = find(manifests, "ConfigMap", `${RELEASE}-prometheus-expected`);
  const rule = find(manifests, "PrometheusRule", `${RELEASE}-prometheus-expected`);
  assertEquals(rule.metadata.labels.team, "data");
  assertEquals(rule.spec, parse(data["expected.yaml"]));

  const { spec } = find(manifests, "StatefulSet", `${RELEASE}-prometheus`).spec.template;
  const { projected } = spec.volumes.find(({ name }: Manifest) => name === "rules");
  const names = projected.sources.map(({ configMap }: Manifest) => configMap.name);
  assertEquals(names, [`${RELEASE}-prometheus-rules`, `${RELEASE}-prometheus-expected`]);
  assert(spec.containers[0].args.includes("--config.auto-reload"));
});
