/**
 * Builds and caches images, each under a key derived from all its inputs.
 *
 * @module
 */

import { cacheFolder, makeOnce } from "../servers/mod.ts";
import { type ImageConfig, type Layer, sha256, writeImage } from "./image.ts";

/** How an image is made. */
export interface Recipe {
  /** Such as `speed`. */
  readonly name: string;
  /** `repository:tag`. */
  readonly reference: string;
  /** All inputs of the image besides this program: equal inputs, equal image. */
  readonly inputs: readonly string[];
  readonly config: ImageConfig;
  /**
   * Writes the image's content below a folder. `sbom.cdx.json` in the folder itself is kept beside
   * the image.
   */
  layers(folder: string): Promise<Layer[]>;
}

/** An image in the cache. */
export interface Built {
  readonly name: string;
  readonly reference: string;
  /** Path of the image's archive. */
  readonly archive: string;
  /** `sha256:<hex>`, by which container engines identify it. */
  readonly id: string;
  /** Whether it was already in the cache. */
  readonly cached: boolean;
}

/** Number of builds of one image to keep: for several branches, but not for ever. */
const KEPT = 3;

/** Builds an image, unless it is in the cache. */
export async function build(recipe: Recipe): Promise<Built> {
  const { name, reference, inputs, config } = recipe;
  // An image's files must be readable for its user, whoever builds it.
  Deno.umask(0o022);
  const key = await hashText(
    JSON.stringify([reference, inputs, config, await hashFolder(OWN_SOURCES)]),
  );
  const target = `${cacheFolder("images")}/${name}-${key.slice(0, 16)}`;
  let cached = true;
  await makeOnce(target, async (folder) => {
    cached = false;
    const scratch = await Deno.makeTempDir({ dir: folder });
    const layers = await recipe.layers(scratch);
    const id = await writeImage(`${folder}/image.tar`, { reference, layers, config });
    await Deno.writeTextFile(`${folder}/id`, id);
    await Deno.rename(`${scratch}/sbom.cdx.json`, `${folder}/sbom.cdx.json`).catch(() => {});
    await Deno.remove(scratch, { recursive: true });
  });
  await Deno.utime(target, new Date(), new Date());
  if (!cached) await forgetOld(name);
  const id = await Deno.readTextFile(`${target}/id`);
  return { name, reference, archive: `${target}/image.tar`, id, cached };
}

/** The SHA-256 of a text, in hexadecimal. */
export async function hashText(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return new Uint8Array(digest).toHex();
}

/** The SHA-256 of each file, by its path. */
export async function hashFiles(paths: readonly string[]): Promise<Record<string, string>> {
  const hashes: Record<string, string> = {};
  for (const path of paths) hashes[path] = await sha256(path);
  return hashes;
}

/** Modules that handle images without affecting their content. */
const OUTSIDE = ["main.ts", "load.ts", "measure.ts"];

/** The builder's own sources affect the content of images. */
const OWN_SOURCES = new URL(".", import.meta.url);

/** The SHA-256 of a folder's modules that affect the content of images. */
export async function hashFolder(folder: URL): Promise<string> {
  const names = (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name)
    .filter((name) => name.endsWith(".ts") && !OUTSIDE.includes(name));
  const texts = names.sort().map((name) => Deno.readTextFile(new URL(name, folder)));
  return await hashText((await Promise.all(texts)).join("\0"));
}

/** The labels of all images. */
export function labels(
  name: string,
  description: string,
  version: string,
): Record<string, string> {
  return {
    "org.opencontainers.image.title": `reddit-pipeline/${name}`,
    "org.opencontainers.image.description": description,
    "org.opencontainers.image.version": version,
  };
}

async function forgetOld(name: string): Promise<void> {
  const folder = cacheFolder("images");
  const builds: { readonly path: string; readonly used: number }[] = [];
  for await (const entry of Deno.readDir(folder)) {
    if (!new RegExp(`^${name}-[0-9a-f]{16}$`).test(entry.name)) continue;
    const path = `${folder}/${entry.name}`;
    builds.push({ path, used: (await Deno.stat(path)).mtime?.getTime() ?? 0 });
  }
  for (const { path } of builds.sort((a, b) => b.used - a.used).slice(KEPT)) {
    await Deno.remove(path, { recursive: true }).catch(() => {});
  }
}
