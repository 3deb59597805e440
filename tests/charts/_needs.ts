/**
 * What a release asks of a cluster, summed over what the charts render to.
 *
 * @module
 */

import { containers, type Manifest, podTemplate } from "@pipeline/tools/charts";

/** What a preset needs. */
export interface Needs {
  /** Pods that run all the time. */
  readonly pods: number;
  /** Cores that they ask for. */
  readonly cores: number;
  /** Memory that they ask for, in GiB. */
  readonly memory: number;
  /** What batch, which runs now and then, asks for besides. */
  readonly batch: { readonly cores: number; readonly memory: number };
  /** Volumes, and their size in GiB. */
  readonly volumes: number;
  readonly disk: number;
  /** Of those, what stays when the release is uninstalled. */
  readonly kept: { readonly volumes: number; readonly disk: number };
}

const UNITS: Readonly<Record<string, number>> = { Ki: 2 ** -20, Mi: 2 ** -10, Gi: 1, Ti: 2 ** 10 };

/** GiB of a quantity such as `512Mi`. */
function gibibytes(quantity: string): number {
  const [, number, unit] = /^(\d+(?:\.\d+)?)([KMGT]i)$/.exec(quantity) ?? [];
  if (unit === undefined) throw new RangeError(`${quantity} is no quantity of bytes`);
  return Number(number) * UNITS[unit]!;
}

/** Cores of a quantity such as `250m` or 2. */
function cores(quantity: string | number): number {
  return /m$/.test(`${quantity}`) ? Number.parseInt(`${quantity}`) / 1000 : Number(quantity);
}

/** A pod asks for what its containers ask for together, or the greediest of those that come before them. */
function requests(template: Manifest): { cores: number; memory: number } {
  const of = (list: Manifest[]) =>
    list.map(({ resources: { requests = {} } = {} }) => ({
      cores: cores(requests.cpu ?? 0),
      memory: gibibytes(requests.memory ?? "0Mi"),
    }));
  const before = of(template.spec.initContainers ?? []);
  const together = of(template.spec.containers);
  const need = (what: "cores" | "memory") =>
    Math.max(together.reduce((sum, one) => sum + one[what], 0), ...before.map((one) => one[what]));
  return { cores: need("cores"), memory: need("memory") };
}

/** What a release needs. */
export function needsOf(manifests: readonly Manifest[]): Needs {
  const needs = { pods: 0, cores: 0, memory: 0, volumes: 0, disk: 0 };
  const kept = { volumes: 0, disk: 0 };
  let batch = { cores: 0, memory: 0 };
  for (const manifest of manifests) {
    const { kind, spec, metadata } = manifest;
    const template = podTemplate(manifest);
    if (template === undefined) continue;
    const asked = requests(template);
    if (kind === "CronJob" && metadata.labels["app.kubernetes.io/component"] === "batch") {
      batch = {
        cores: Math.max(batch.cores, asked.cores),
        memory: Math.max(batch.memory, asked.memory),
      };
    }
    if (kind !== "Deployment" && kind !== "StatefulSet") continue;
    const replicas: number = spec.replicas ?? 1;
    needs.pods += replicas;
    needs.cores += replicas * asked.cores;
    needs.memory += replicas * asked.memory;
    for (const claim of spec.volumeClaimTemplates ?? []) {
      const size = replicas * gibibytes(claim.spec.resources.requests.storage);
      needs.volumes += replicas;
      needs.disk += size;
      if (spec.persistentVolumeClaimRetentionPolicy?.whenDeleted === "Delete") continue;
      kept.volumes += replicas;
      kept.disk += size;
    }
  }
  return { ...needs, batch, kept };
}

/** Whether all containers of a release have requests, without which the sums would say too little. */
export function unasked(manifests: readonly Manifest[]): string[] {
  return manifests.flatMap((manifest) => {
    const template = podTemplate(manifest);
    return template === undefined ? [] : containers(template)
      .filter(({ resources }) => resources?.requests?.memory === undefined)
      .map(({ name }) => `${manifest.kind}/${manifest.metadata.name}: ${name}`);
  });
}
