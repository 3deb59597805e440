/**
 * Lists the content of a job's image: CycloneDX 1.6, JSON, reproducible.
 *
 * @module
 */

import { type Lock, lockedId, nameOf, versionOf } from "./lock.ts";

/** The content of an image. */
export interface Contents {
  /** Name of the image. */
  readonly name: string;
  readonly version: string;
  readonly lock: Lock;
  /** Licenses as stated by the packages, by their keys in the lock file. */
  readonly licenses: ReadonlyMap<string, string>;
  /** SHA-256, by path, of files from the build machine. */
  readonly system: Readonly<Record<string, string>>;
  /** Packages of JSR are the repository's own stand-ins. */
  readonly standIns: boolean;
  /** Version of Deno. */
  readonly deno: string;
}

/** Creates the document. */
export function billOfMaterials(contents: Contents): string {
  const { name, version, lock, licenses, system, standIns, deno } = contents;
  const packages = Object.entries(lock.npm ?? {}).map(([id, { integrity }]) => ({
    type: "library",
    "bom-ref": npmUrl(id),
    name: nameOf(id),
    version: versionOf(id),
    purl: npmUrl(id),
    hashes: [{ alg: "SHA-512", content: hex(integrity.replace("sha512-", "")) }],
    ...licenses.has(id) ? { licenses: [{ expression: licenses.get(id) }] } : {},
  }));
  const jsr = Object.entries(lock.jsr ?? {}).map(([id, { integrity }]) => ({
    type: "library",
    "bom-ref": `pkg:jsr/${id}`,
    name: nameOf(id),
    version: versionOf(id),
    // The hash is that of JSR's package; a stand-in has none.
    ...standIns
      ? { description: "Stand-in of this repository: scripts/offline" }
      : { purl: `pkg:jsr/${id}`, hashes: [{ alg: "SHA-256", content: integrity }] },
  }));
  const runtime = {
    type: "platform",
    "bom-ref": `pkg:github/denoland/deno@v${deno}`,
    name: "deno",
    version: deno,
    purl: `pkg:github/denoland/deno@v${deno}`,
    licenses: [{ expression: "MIT" }],
  };
  const files = Object.entries(system).map(([path, hash]) => ({
    type: "file",
    "bom-ref": path,
    name: path,
    hashes: [{ alg: "SHA-256", content: hash }],
  }));
  const own = `${name}@${version}`;
  return JSON.stringify(
    {
      bomFormat: "CycloneDX",
      specVersion: "1.6",
      version: 1,
      metadata: { component: { type: "container", "bom-ref": own, name, version } },
      components: [runtime, ...jsr, ...packages, ...files],
      dependencies: [
        {
          ref: own,
          dependsOn: [
            runtime["bom-ref"],
            ...jsr.map((component) => component["bom-ref"]),
            ...roots(lock).map(npmUrl),
            ...files.map((component) => component["bom-ref"]),
          ],
        },
        ...Object.entries(lock.npm ?? {}).map(([id, { dependencies = [] }]) => ({
          ref: npmUrl(id),
          dependsOn: dependencies.map((name) => npmUrl(lockedId(lock, name))),
        })),
      ],
    },
    undefined,
    2,
  ) + "\n";
}

/** The packages that the job itself requires. */
function roots(lock: Lock): string[] {
  return Object.entries(lock.specifiers).filter(([specifier]) => specifier.startsWith("npm:"))
    .map(([specifier, version]) => `${nameOf(specifier.slice(4))}@${version}`);
}

function npmUrl(id: string): string {
  return `pkg:npm/${nameOf(id).replace("@", "%40")}@${versionOf(id)}`;
}

function hex(base64: string): string {
  return Uint8Array.fromBase64(base64).toHex();
}
