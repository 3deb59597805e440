/**
 * Parts of objects that cannot change once they exist, in Kubernetes or because other objects
 * depend on them.
 *
 * @module
 */

import type { Manifest } from "./render.ts";

/** The immutable parts of each object, by `kind/name`; objects without any are left out. */
export function immutables(manifests: readonly Manifest[]): Record<string, unknown> {
  const parts = manifests.map((one) =>
    [`${one.kind}/${one.metadata.name}`, immutableParts(one)] as const
  );
  return Object.fromEntries(
    parts.filter(([, part]) => part !== undefined).sort(([a], [b]) => a < b ? -1 : 1),
  );
}

function immutableParts({ kind, spec }: Manifest): unknown {
  switch (kind) {
    case "Deployment":
      return { selector: spec.selector };
    case "StatefulSet": {
      const { selector, serviceName, podManagementPolicy, volumeClaimTemplates } = spec;
      return { selector, serviceName, podManagementPolicy, volumeClaimTemplates };
    }
    case "Service":
      return { selector: spec.selector, headless: spec.clusterIP === "None" };
    default:
      return undefined;
  }
}
