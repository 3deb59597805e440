/** What README says that a release asks of a cluster is what the charts render to. */

import { renderChart } from "@pipeline/tools/charts";
import { assert, assertEquals } from "@std/assert";
import { type Needs, needsOf, unasked } from "./_needs.ts";

const README = await Deno.readTextFile("README.md");

/** The presets, by what README calls them. */
const PRESETS: Readonly<Record<string, readonly string[]>> = {
  "values-dev.yaml": ["values-dev.yaml"],
  "without one": [],
  "values-prod.yaml": ["values-prod.yaml"],
};

function row(name: string, { pods, cores, memory, batch, volumes, disk, kept }: Needs): string[] {
  const number = (value: number) => value.toLocaleString("en", { maximumFractionDigits: 1 });
  const size = (gibibytes: number) => `${number(gibibytes)} GiB`;
  return [
    name,
    `${pods}`,
    number(cores),
    size(memory),
    `${number(batch.cores)}, ${size(batch.memory)}`,
    `${volumes}`,
    size(disk),
    kept.volumes === 0 ? "nothing" : `${kept.volumes} volumes of ${size(kept.disk)}`,
  ];
}

Deno.test("README lists what each preset needs, and what stays after it", async () => {
  const [, table] = /^\| preset .*\n\|[- |]+\n((?:\|.*\n)+)/m.exec(README) ?? [];
  const said = (table ?? "").trimEnd().split("\n").map((line) =>
    line.split("|").slice(1, -1).map((cell) => cell.trim().replace(/^\[(.*)\]\(.*\)$/, "$1"))
  );
  const wanted = await Promise.all(
    Object.entries(PRESETS).map(async ([name, presets]) => {
      const manifests = await renderChart({ presets });
      assertEquals(unasked(manifests), [], "containers that ask for no memory");
      return row(name, needsOf(manifests));
    }),
  );
  assertEquals(said, wanted);
});

Deno.test("README names the ports of the laptop's preset for each cluster of a laptop", async () => {
  const manifests = await renderChart({ presets: ["values-dev.yaml"] });
  const ports = manifests.filter(({ kind }) => kind === "Service")
    .flatMap(({ spec }) =>
      spec.ports.flatMap(({ nodePort }: { nodePort?: number }) => nodePort ?? [])
    );
  assert(ports.length > 0);
  for (const port of ports) {
    assert(new RegExp(`on ${port}\\b`).test(README), `README does not say what is on ${port}`);
    assert(README.includes(`${port}:${port}`), `README passes ${port} on in no cluster`);
  }
});

Deno.test("README names the versions that are needed as what holds them does", async () => {
  const helm = /^version=v(\S+)$/m.exec(await Deno.readTextFile("scripts/helm"))![1]!;
  const deno = /^version=(\S+)$/m.exec(await Deno.readTextFile("scripts/deno"))![1]!;
  const chart = await Deno.readTextFile("charts/reddit-pipeline/Chart.yaml");
  const kubernetes = /^kubeVersion: ">=(\d+\.\d+)/m.exec(chart)![1]!;
  for (const what of [`Helm ${helm}`, `Deno ${deno}`, `Kubernetes ${kubernetes} or later`]) {
    assert(README.includes(what), `README does not name ${what}`);
  }
});

Deno.test("needsOf() counts replicas, the greediest init container, and what is kept", () => {
  const pod = (cpu: string, memory: string) => ({ resources: { requests: { cpu, memory } } });
  const needs = needsOf([{
    kind: "StatefulSet",
    metadata: { name: "a", labels: {} },
    spec: {
      replicas: 2,
      persistentVolumeClaimRetentionPolicy: { whenDeleted: "Retain" },
      volumeClaimTemplates: [{ spec: { resources: { requests: { storage: "1Ti" } } } }],
      template: {
        spec: {
          initContainers: [pod("1", "64Mi")],
          containers: [pod("250m", "1Gi"), pod("250m", "512Mi")],
        },
      },
    },
  }, {
    kind: "CronJob",
    metadata: { name: "b", labels: { "app.kubernetes.io/component": "batch" } },
    spec: { jobTemplate: { spec: { template: { spec: { containers: [pod("4", "16Gi")] } } } } },
  }]);
  assertEquals(needs, {
    ...{ pods: 2, cores: 2, memory: 3, volumes: 2, disk: 2048 },
    batch: { cores: 4, memory: 16 },
    kept: { volumes: 2, disk: 2048 },
  });
});
