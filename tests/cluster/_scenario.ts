/**
 * Tests that build upon one another: the steps of what a user does with one release.
 *
 * @module
 */

import type { Release } from "./_release.ts";

/** Registers the steps of a scenario; see {@linkcode scenario}. */
export type Step = (name: string, body: () => Promise<void>) => void;

/**
 * A scenario: each step is a test. After one that failed the others fail too, at once, since nothing
 * that they would show could be believed; what the cluster says of it is printed.
 */
export function scenario(title: string, release: Release): Step {
  let broken: string | undefined;
  return (name, body) =>
    Deno.test(`${title}: ${name}`, async () => {
      if (broken !== undefined) throw new Error(`Not tried: "${broken}" has failed`);
      const begin = performance.now();
      try {
        await body();
      } catch (error) {
        broken = name;
        await printState(release);
        throw error;
      }
      console.log(`${title}: ${name}: ${((performance.now() - begin) / 1_000).toFixed(0)} s`);
    });
}

/** What one wants to know where something failed: objects, events, and of pods that are not well everything. */
async function printState({ kube }: Release): Promise<void> {
  const print = async (...args: string[]) => {
    console.error(`--- kubectl ${args.join(" ")}`);
    console.error(await kube.run(...args).catch((error: Error) => error.message));
  };
  await print("get", "all,pvc", "--output", "wide");
  await print("get", "events", "--sort-by", ".lastTimestamp");
  const pods = await kube.list("pod").catch(() => []);
  for (const { metadata: { name }, status } of pods) {
    const states = [...status.initContainerStatuses ?? [], ...status.containerStatuses ?? []];
    const well = status.phase === "Succeeded" || (states.length > 0 &&
      states.every(({ ready, restartCount }) => ready && restartCount === 0));
    if (!well) await print("describe", "pod", name);
    await print("logs", name, "--all-containers", "--tail", well ? "15" : "80");
    const restarted = states.some(({ restartCount }) => restartCount > 0);
    if (restarted) await print("logs", name, "--all-containers", "--tail", "40", "--previous");
  }
}
