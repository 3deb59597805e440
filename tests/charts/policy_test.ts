import {
  CHARTS,
  chartSchema,
  containers,
  type JsonSchema,
  type Manifest,
  podTemplate,
  PRESETS,
  renderChart,
  umbrellaSchema,
} from "@pipeline/tools/charts";
import { assert, assertEquals } from "@std/assert";
import { merged, nested } from "./_mutations.ts";

const LABELS = ["name", "instance", "component", "version", "part-of", "managed-by"]
  .map((label) => `app.kubernetes.io/${label}`);
const SELECTING = LABELS.slice(0, 3);

/** What the restricted Pod Security Standard lets pods mount. */
const VOLUMES = ["configMap", "emptyDir", "projected", "secret"];

function pods(manifests: readonly Manifest[]): { readonly name: string; readonly pod: Manifest }[] {
  return manifests.flatMap((one) => {
    const pod = podTemplate(one);
    return pod === undefined ? [] : [{ name: `${one.kind}/${one.metadata.name}`, pod }];
  });
}

for (const [preset, presets] of Object.entries(PRESETS)) {
  Deno.test(`every container of ${preset} is restricted, and writes to no image`, async () => {
    for (const { name, pod } of pods(await renderChart({ presets }))) {
      const { securityContext: security, ...spec } = pod.spec;
      // Prometheus alone asks the API server, for the pods beside it.
      assertEquals(
        spec.automountServiceAccountToken,
        name === "StatefulSet/reddit-prometheus",
        name,
      );
      assertEquals(spec.enableServiceLinks, false, name);
      assertEquals(security.runAsNonRoot, true, name);
      assert(security.runAsUser > 0 && security.fsGroup === security.runAsUser, name);
      assertEquals(security.seccompProfile, { type: "RuntimeDefault" }, name);
      for (const key of ["hostNetwork", "hostPID", "hostIPC"]) assert(!(key in spec), name);
      for (const { name: volume, ...source } of spec.volumes ?? []) {
        assertEquals(Object.keys(source).filter((key) => !VOLUMES.includes(key)), [], volume);
      }
      for (const container of containers(pod)) {
        assertEquals(container.securityContext, {
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ["ALL"] },
        }, `${name}: ${container.name}`);
        const { requests, limits } = container.resources;
        assert(requests.cpu !== undefined && requests.memory !== undefined, name);
        assert(limits.memory !== undefined, name);
      }
    }
  });

  Deno.test(`every object and pod of ${preset} has the six labels, selectors have three`, async () => {
    const manifests = await renderChart({ presets });
    for (const { kind, metadata, spec } of manifests) {
      const name = `${kind}/${metadata.name}`;
      const own = Object.keys(metadata.labels).filter((label) => label !== "grafana_dashboard");
      assertEquals(own.sort(), LABELS.toSorted(), name);
      assertEquals(metadata.namespace, "reddit-pipeline", name);
      if (["Deployment", "StatefulSet"].includes(kind)) {
        assertEquals(Object.keys(spec.selector.matchLabels).sort(), SELECTING.toSorted(), name);
      }
    }
    for (const { name, pod } of pods(manifests)) {
      assertEquals(Object.keys(pod.metadata.labels).sort(), LABELS.toSorted(), name);
    }
  });

  Deno.test(`what the pods of ${preset} refer to is there`, async () => {
    const manifests = await renderChart({ presets });
    const exists = (kind: string, name: string) =>
      manifests.some((one) => one.kind === kind && one.metadata.name === name);
    for (const { name, pod } of pods(manifests)) {
      assert(exists("ServiceAccount", pod.spec.serviceAccountName), name);
      const mounted = containers(pod).flatMap(({ volumeMounts = [] }) => volumeMounts)
        .map((mount) => mount.name);
      const volumes: string[] = (pod.spec.volumes ?? []).map((volume: Manifest) => volume.name);
      const claims = new Set(["data"]);
      assertEquals(volumes.filter((volume) => !mounted.includes(volume)), [], name);
      assertEquals(mounted.filter((one) => !volumes.includes(one) && !claims.has(one)), [], name);
      for (const { configMap, projected } of pod.spec.volumes ?? []) {
        const named = [configMap, ...(projected?.sources ?? []).map((s: Manifest) => s.configMap)];
        for (const one of named.filter((source) => source !== undefined)) {
          assert(exists("ConfigMap", one.name), `${name}: ${one.name}`);
        }
      }
    }
    for (const { kind, metadata, spec } of manifests) {
      if (kind === "StatefulSet") assert(exists("Service", spec.serviceName), metadata.name);
      if (!["Service", "PodDisruptionBudget"].includes(kind)) continue;
      const selector = kind === "Service" ? spec.selector : spec.selector.matchLabels;
      const chosen = pods(manifests).filter(({ pod }) =>
        Object.entries(selector).every(([key, value]) => pod.metadata.labels[key] === value)
      );
      assertEquals(chosen.length, 1, `${kind}/${metadata.name}`);
      if (kind !== "Service") continue;
      const ports = containers(chosen[0]!.pod).flatMap((one) => one.ports ?? []);
      for (const { port, targetPort = port } of spec.ports) {
        const found = ports.some(({ name, containerPort }) =>
          targetPort === name || targetPort === containerPort
        );
        assert(found, `${metadata.name}: ${targetPort}`);
      }
    }
  });

  Deno.test(`the budgets of ${preset} leave an eviction`, async () => {
    const budgets = (await renderChart({ presets }))
      .filter(({ kind }) => kind === "PodDisruptionBudget");
    for (const { metadata, spec } of budgets) assert(spec.maxUnavailable >= 1, metadata.name);
  });
}

/** Every value that holds resources, in every chart. */
function* resourceValues(schema: JsonSchema, path: readonly string[]): Generator<string[]> {
  for (const [key, member] of Object.entries(schema.properties ?? {})) {
    if (key === "resources") yield [...path, key];
    else yield* resourceValues(member, [...path, key]);
  }
}

for (const [preset, presets] of Object.entries(PRESETS)) {
  Deno.test(`every container of ${preset} has the limits that its values give`, async () => {
    const { enabled: _, common: __, ...release } = umbrellaSchema().properties!;
    const paths = [
      ...resourceValues({ properties: release }, []),
      ...CHARTS.flatMap((chart) => {
        const { global: _, ...properties } = chartSchema(chart).properties!;
        return [...resourceValues({ properties }, [chart])];
      }),
    ];
    const limits = { cpu: "1", "ephemeral-storage": "1Gi" };
    const values = paths.filter(([first]) => first !== "history")
      .map((path) => nested({ path, value: { limits } })).reduce(merged);
    for (const { name, pod } of pods(await renderChart({ presets, values }))) {
      for (const container of containers(pod)) {
        const { cpu, "ephemeral-storage": storage } = container.resources.limits;
        assertEquals({ cpu, "ephemeral-storage": storage }, limits, `${name}: ${container.name}`);
      }
    }
  });
}

Deno.test("the Jobs of the release have resources of their own", async () => {
  const resourcesOf = (manifests: readonly Manifest[], component: string) =>
    manifests.filter(({ kind, metadata }) =>
      kind === "Job" && metadata.labels["app.kubernetes.io/component"] === component
    ).flatMap((one) => containers(podTemplate(one))).map(({ resources }) => resources);
  const setup = { requests: { cpu: "50m", memory: "192Mi" }, limits: { memory: "512Mi" } };
  for (const presets of Object.values(PRESETS)) {
    assertEquals(resourcesOf(await renderChart({ presets }), "setup"), [setup, setup]);
  }
  const own = { requests: { memory: "8Gi" } };
  const values = { setup: { resources: { limits: { cpu: 1 } } }, history: { resources: own } };
  const manifests = await renderChart({ values });
  assertEquals(resourcesOf(manifests, "setup")[0].limits, { memory: "512Mi", cpu: 1 });
  assertEquals(resourcesOf(manifests, "history"), [own, own, own]);
  // By default, each step works as its job does.
  const [generate, bootstrap, generation] = resourcesOf(await renderChart(), "history");
  assertEquals(
    [generate, bootstrap, generation].map(({ limits }) => limits.memory),
    ["1Gi", "1536Mi", "4Gi"],
  );
});

Deno.test("probes ask a job for its health and a server whether it answers", async () => {
  for (const { name, pod } of pods(await renderChart())) {
    const [container] = pod.spec.containers;
    if (name === "Deployment/reddit-grafana") {
      for (const probe of ["startupProbe", "livenessProbe", "readinessProbe"]) {
        assertEquals(container[probe].httpGet, { path: "/api/health", port: "http" }, probe);
      }
    } else if (name === "Deployment/reddit-elasticsearch-exporter") {
      for (const probe of ["livenessProbe", "readinessProbe"]) {
        assertEquals(container[probe].httpGet, { path: "/healthz", port: "metrics" }, probe);
      }
    } else if (name.startsWith("Deployment/")) {
      assertEquals(container.livenessProbe.httpGet, { path: "/healthz", port: "metrics" }, name);
      assertEquals(container.readinessProbe.httpGet, { path: "/readyz", port: "metrics" }, name);
    } else if (name.startsWith("StatefulSet/")) {
      for (const probe of ["startupProbe", "livenessProbe", "readinessProbe"]) {
        assert(container[probe] !== undefined, `${name}: ${probe}`);
      }
    } else {
      assertEquals(container.livenessProbe, undefined, name);
    }
  }
});

Deno.test("a pod with a token may list the pods of its namespace, and no more", async () => {
  const manifests = await renderChart();
  const roles = manifests.filter(({ kind }) => /Role$/.test(kind));
  assertEquals(roles.map(({ kind, rules }) => ({ kind, rules })), [{
    kind: "Role",
    rules: [{ apiGroups: [""], resources: ["pods"], verbs: ["get", "list", "watch"] }],
  }]);
  const bindings = manifests.filter(({ kind }) => /RoleBinding$/.test(kind));
  assertEquals(bindings.map(({ kind, roleRef, subjects }) => [kind, roleRef.name, subjects]), [[
    "RoleBinding",
    roles[0]!.metadata.name,
    [{ kind: "ServiceAccount", name: "reddit-prometheus", namespace: "reddit-pipeline" }],
  ]]);
});
