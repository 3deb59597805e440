// The pods of speed's standby: what they have in common with those that write, and what they have not.
import { find, type Manifest, podTemplate, renderChart } from "@pipeline/tools/charts";
import { assert, assertEquals } from "@std/assert";

const COMPONENT = "app.kubernetes.io/component";
const STANDBY = "reddit-speed-standby";

const standby = (more: Record<string, unknown> = {}, replicas = 2) =>
  renderChart({ values: { speed: { ...more, standby: { enabled: true, replicas } } } });

const named = (manifests: readonly Manifest[]) =>
  manifests.filter(({ metadata }) => metadata.name === STANDBY).map(({ kind }) => kind).sort();

Deno.test("speed has a standby only if values ask for one, with a policy and a budget of its own", async () => {
  assertEquals(named(await renderChart()), []);
  assertEquals(named(await renderChart({ presets: ["values-prod.yaml"] })), []);
  assertEquals(named(await standby()), ["Deployment", "NetworkPolicy", "PodDisruptionBudget"]);
  const without = await standby({ podDisruptionBudget: { enabled: false } });
  assertEquals(named(without), ["Deployment", "NetworkPolicy"]);
  const off = { enabled: false };
  assertEquals(named(await standby(off)), []);
});

Deno.test("the standby is speed with another argument and another component", async () => {
  const manifests = await standby();
  const [writer, other] = ["reddit-speed", STANDBY].map((name) =>
    find(manifests, "Deployment", name)
  );
  assertEquals([writer.spec.replicas, other.spec.replicas], [1, 2]);
  const [a, b] = [writer, other].map((one) => podTemplate(one)!.spec);
  const config = ["--config", "/etc/reddit-pipeline/config.json"];
  assertEquals(a.containers[0].args, ["run", ...config]);
  assertEquals(b.containers[0].args, ["run", "--standby", ...config]);
  for (const key of ["image", "resources", "ports", "volumeMounts", "readinessProbe"]) {
    assertEquals(b.containers[0][key], a.containers[0][key], key);
  }
  assertEquals(b.volumes, a.volumes);
  // Prometheus takes the component for the job: rules and panels about speed leave the standby out.
  assertEquals(podTemplate(other)!.metadata.labels[COMPONENT], "speed-standby");
});

Deno.test("the Service of speed has the pods of the standby, which no other selector mixes up", async () => {
  const manifests = await standby();
  const chosenBy = (selector: Readonly<Record<string, string>>) =>
    manifests.flatMap((one) => {
      const labels = podTemplate(one)?.metadata.labels ?? {};
      const all = Object.entries(selector).every(([key, value]) => labels[key] === value);
      return all && podTemplate(one) !== undefined ? [one.metadata.name] : [];
    });
  assertEquals(chosenBy(find(manifests, "Service", "reddit-speed").spec.selector), [
    "reddit-speed",
    STANDBY,
  ]);
  for (const kind of ["Deployment", "PodDisruptionBudget"]) {
    for (const name of ["reddit-speed", STANDBY]) {
      assertEquals(chosenBy(find(manifests, kind, name).spec.selector.matchLabels), [name], kind);
    }
  }
});

/** The components that the pods of a Deployment keep away from if possible. */
function apart(manifests: readonly Manifest[], name: string): string[] {
  const { affinity } = podTemplate(find(manifests, "Deployment", name))!.spec;
  const preferred = affinity?.podAntiAffinity?.preferredDuringSchedulingIgnoredDuringExecution;
  return (preferred ?? []).map(({ podAffinityTerm: { topologyKey, labelSelector } }: Manifest) =>
    `${labelSelector.matchLabels[COMPONENT]} by ${topologyKey}`
  );
}

Deno.test("the standby and the pods that write prefer different nodes, unless values say otherwise", async () => {
  const manifests = await standby();
  assertEquals(apart(manifests, "reddit-speed"), ["speed-standby by kubernetes.io/hostname"]);
  assertEquals(apart(manifests, STANDBY), ["speed by kubernetes.io/hostname"]);
  assertEquals(apart(await renderChart(), "reddit-speed"), []);
  assertEquals(apart(await standby({ spread: { topologyKey: "" } }), STANDBY), []);
  const nodeAffinity = { preferredDuringSchedulingIgnoredDuringExecution: [] };
  const podAntiAffinity = { requiredDuringSchedulingIgnoredDuringExecution: [] };
  const both = podTemplate(
    find(await standby({ affinity: { nodeAffinity } }), "Deployment", STANDBY),
  )!;
  assertEquals(Object.keys(both.spec.affinity).sort(), ["nodeAffinity", "podAntiAffinity"]);
  const own = podTemplate(
    find(await standby({ affinity: { podAntiAffinity } }), "Deployment", STANDBY),
  )!;
  assertEquals(own.spec.affinity, { podAntiAffinity });
});

Deno.test("an upgrade replaces the standby by pods that had time to fold", async () => {
  const { strategy, minReadySeconds } = find(await standby(), "Deployment", STANDBY).spec;
  assertEquals(strategy.rollingUpdate, { maxSurge: 1, maxUnavailable: 0 });
  assert(minReadySeconds >= 30, `${minReadySeconds}`);
});
