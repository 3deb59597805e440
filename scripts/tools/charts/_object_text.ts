/**
 * Objects of Kubernetes as brief YAML, for reviewing changes.
 *
 * @module
 */

import { Document, isMap, isPair, isScalar, visit } from "yaml";
import { CHART, type Manifest } from "./render.ts";

/** An object's text. */
export interface ObjectText {
  /** `Kind/name`; of a Job without the hash of its content. */
  readonly key: string;
  /** Its lines. */
  readonly lines: readonly string[];
}

/** The objects' texts, in order. Files of the charts, and rules, are named instead of printed. */
export async function objectTexts(manifests: readonly Manifest[]): Promise<ObjectText[]> {
  const files = await chartFiles();
  return await Promise.all(manifests.map(async (manifest) => {
    const { kind, metadata: { name } } = manifest;
    return {
      key: `${kind}/${kind === "Job" ? name.replace(/-\w{10}$/, "") : name}`,
      lines: toLines(kind === "ConfigMap" ? await withoutFiles(manifest, files) : manifest),
    };
  }));
}

/** Path of each file that templates may embed unchanged, below the umbrella, by its text. */
async function chartFiles(): Promise<ReadonlyMap<string, string>> {
  const files = new Map<string, string>();
  const read = async (folder: string): Promise<void> => {
    for await (const { name, isDirectory } of Deno.readDir(folder)) {
      const path = `${folder}/${name}`;
      if (isDirectory) await read(path);
      else if (path.includes("/files/")) {
        files.set((await Deno.readTextFile(path)).trim(), path.slice(CHART.length + 1));
      }
    }
  };
  await read(`${CHART}/charts`);
  return files;
}

async function withoutFiles(
  manifest: Manifest,
  files: ReadonlyMap<string, string>,
): Promise<Manifest> {
  const entries = Object.entries<string>(manifest.data).map(async ([name, text]) => {
    const file = files.get(text.trim());
    if (file !== undefined) return [name, `the file ${file}`];
    return [name, name === "rules.yaml" ? `rules with the SHA-256 ${await sha256(text)}` : text];
  });
  return { ...manifest, data: Object.fromEntries(await Promise.all(entries)) };
}

async function sha256(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return new Uint8Array(digest).toHex();
}

/** Most characters of a line with several members. */
const WIDTH = 140;

function toLines(manifest: Manifest): string[] {
  const document = new Document(manifest, { aliasDuplicateObjects: false });
  visit(document, {
    Collection(_, node, path) {
      const { length } = JSON.stringify(node);
      const owner = path.at(-1);
      // The same six on every object.
      const isLabels = isPair(owner) && isScalar(owner.key) && owner.key.value === "labels";
      if (path.length === 1 || (2 * path.length + length > WIDTH && !(isLabels && isMap(node)))) {
        return;
      }
      node.flow = true;
      return visit.SKIP;
    },
  });
  return document.toString({ lineWidth: 0, flowCollectionPadding: false }).trimEnd().split("\n");
}
