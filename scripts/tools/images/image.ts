/**
 * Writes images without an engine: an archive that `docker load`, `podman load`, `ctr images
 * import` and `kind load` read. The same files give the same bytes.
 *
 * @module
 */

import { command } from "../servers/mod.ts";

/** A layer: a folder, and the owner of its files. */
export interface Layer {
  readonly folder: string;
  /** User and group; the superuser's by default. */
  readonly owner?: number;
}

/** How a container of the image runs. */
export interface ImageConfig {
  readonly user: string;
  readonly entrypoint?: readonly string[];
  readonly cmd?: readonly string[];
  readonly workdir?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
}

/** Input of {@linkcode writeImage}. */
export interface ImageOptions {
  /** `repository:tag`. */
  readonly reference: string;
  /** From the lowest to the highest. */
  readonly layers: readonly Layer[];
  readonly config: ImageConfig;
}

/** The only time in images, so that the time of a build changes nothing. */
const EPOCH = "1970-01-01T00:00:00Z";

/** GNU tar with an order, times and owners that do not depend on the machine. */
const TAR = ["--create", "--format=gnu", "--sort=name", "--mtime=@0", "--numeric-owner"];

/** Architectures, with their names in images. */
const ARCHITECTURES = { x86_64: "amd64", aarch64: "arm64" } as const;

/** Writes an archive. Returns the image's id, `sha256:<hex>`. */
export async function writeImage(
  archive: string,
  { reference, layers, config }: ImageOptions,
): Promise<string> {
  const folder = await Deno.makeTempDir({ dir: archive.replace(/\/[^/]*$/, "") });
  try {
    const diffs: string[] = [];
    for (const layer of layers) {
      await writeLayer(layer, `${folder}/layer`);
      const hash = await sha256(`${folder}/layer`);
      await Deno.rename(`${folder}/layer`, `${folder}/${hash}.tar`);
      diffs.push(hash);
    }
    const text = JSON.stringify({
      architecture: ARCHITECTURES[Deno.build.arch],
      os: "linux",
      created: EPOCH,
      config: {
        User: config.user,
        ...config.entrypoint === undefined ? {} : { Entrypoint: config.entrypoint },
        ...config.cmd === undefined ? {} : { Cmd: config.cmd },
        WorkingDir: config.workdir ?? "/",
        Env: Object.entries({ PATH: "/usr/local/bin:/usr/bin:/bin", ...config.env })
          .map(([name, value]) => `${name}=${value}`),
        Labels: config.labels,
      },
      rootfs: { type: "layers", diff_ids: diffs.map((hash) => `sha256:${hash}`) },
      history: diffs.map(() => ({ created: EPOCH, created_by: "scripts/images" })),
    });
    await Deno.writeTextFile(`${folder}/config`, text);
    const id = await sha256(`${folder}/config`);
    await Deno.rename(`${folder}/config`, `${folder}/${id}.json`);
    const files = diffs.map((hash) => `${hash}.tar`);
    await Deno.writeTextFile(
      `${folder}/manifest.json`,
      JSON.stringify([{ Config: `${id}.json`, RepoTags: [reference], Layers: files }]),
    );
    await command("tar", [
      ...[
        ...TAR,
        "--owner=0",
        "--group=0",
        "--mode=0644",
        "--file",
        archive,
        "--directory",
        folder,
      ],
      ...["manifest.json", `${id}.json`, ...new Set(files)],
    ]);
    return `sha256:${id}`;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function writeLayer({ folder, owner = 0 }: Layer, file: string): Promise<void> {
  const names = (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name).sort();
  await command("tar", [
    ...[...TAR, `--owner=${owner}`, `--group=${owner}`, "--file", file, "--directory", folder],
    ...names,
  ]);
}

/** Unpacks all layers of an archive into a folder. Returns the environment of the image's programs. */
export async function unpackImage(
  archive: string,
  folder: string,
): Promise<Readonly<Record<string, string>>> {
  const scratch = await Deno.makeTempDir();
  try {
    await command("tar", ["--extract", "--file", archive, "--directory", scratch]);
    const [{ Config, Layers }] = JSON.parse(await Deno.readTextFile(`${scratch}/manifest.json`));
    for (const layer of Layers as string[]) {
      await command("tar", [
        ...["--extract", "--no-same-owner", "--preserve-permissions"],
        ...["--file", `${scratch}/${layer}`, "--directory", folder],
      ]);
    }
    const { config } = JSON.parse(await Deno.readTextFile(`${scratch}/${Config}`));
    const variables = (config.Env as string[]).map((line) => line.split(/=(.*)/s, 2));
    return Object.fromEntries(variables as [string, string][]);
  } finally {
    await Deno.remove(scratch, { recursive: true });
  }
}

/** The SHA-256 of a file, in hexadecimal. */
export async function sha256(file: string): Promise<string> {
  return (await command("sha256sum", ["--binary", file])).slice(0, 64);
}
