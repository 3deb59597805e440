/**
 * Pods that go, one after the other, while records flow.
 *
 * @module
 */

import { isTrue, type Resource, until } from "./_kube.ts";
import { COMPONENTS, type Release } from "./_release.ts";

/** Seconds until records must flow again. */
const RECOVERY = 240;

/** What became of one fault. */
export interface Recovery {
  /** The pod that was deleted. */
  readonly pod: string;
  /** Seconds until a new pod was ready in its place. */
  readonly ready: number;
  /** Seconds until records that were made after it was served again. */
  readonly flowing: number;
}

/** Deletes one pod of each kind and waits until all is well after each. */
export async function deletePods(release: Release): Promise<Recovery[]> {
  const recoveries: Recovery[] = [];
  for (const component of COMPONENTS) {
    const pods = await release.pods(component);
    // The last one: of stateful ones the youngest, which is as good as any.
    const pod = pods.at(-1);
    if (pod === undefined) continue;
    recoveries.push(await deletePod(release, component, pod, pods.length));
  }
  return recoveries;
}

async function deletePod(
  release: Release,
  component: string,
  { metadata: { name, uid } }: Resource,
  count: number,
): Promise<Recovery> {
  const begin = performance.now();
  const since = () => Math.round((performance.now() - begin) / 1_000);
  await release.kube.run("delete", "pod", name, "--wait=false");
  await until(`${component} is not whole again`, RECOVERY, async () => {
    const pods = await release.pods(component);
    return pods.length === count &&
      pods.every((one) => isTrue(one, "Ready") && one.metadata.uid !== uid);
  });
  const ready = since();
  await release.flows(RECOVERY);
  return { pod: name, ready, flowing: since() };
}

/** A table of them, as Markdown. */
export function recoveryTable(recoveries: readonly Recovery[]): string {
  return [
    "| pod deleted | ready again | records flow |",
    "| --- | --- | --- |",
    ...recoveries.map(({ pod, ready, flowing }) => `| ${pod} | ${ready} s | ${flowing} s |`),
  ].join("\n");
}
