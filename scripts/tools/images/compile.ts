/**
 * Compiles a job in a separate folder with exactly the binary's content. In the workspace, every
 * package of every member would be embedded, and paths of this machine with them.
 *
 * @module
 */

import { provideBaseBinary } from "../../offline/base_binary.ts";
import { command } from "../servers/mod.ts";
import { type JobName, type JobSpec, permissions } from "./jobs.ts";
import { nameOf, versionOf } from "./lock.ts";
import { DENO, type JobSources, ROOT } from "./sources.ts";

/** Files of packages that a program can load; the rest is types, source maps and documentation. */
const LOADED = /\.([cm]?js|json|wasm)$/;

/** Files of packages that a program can only read, and the folder that they are moved to. */
const READ = /\.css$/;
const READ_FOLDER = "files";

const LICENSE = /^(licen[cs]e|notice|copying)([._-].*)?$/i;

/** Input and output of a compilation. */
export interface CompileOptions {
  readonly spec: JobSpec;
  readonly sources: JobSources;
  /** The binary. */
  readonly target: string;
  /** Folder for the license texts of the packages. */
  readonly licenses: string;
  /** Whether OpenTelemetry is included. */
  readonly otel: boolean;
}

/** The flags of `deno compile` that determine the binary, besides its files. */
export function compileFlags(spec: JobSpec): string[] {
  return [
    ...["--cached-only", "--frozen", "--no-check", "--node-modules-dir=manual"],
    // Every pod would write the cache into /tmp anew.
    "--no-code-cache",
    ...permissions(spec),
    ...(spec.include ?? []).map((path) => `--include=${path}`),
  ];
}

/** Compiles a job. Returns the license of each embedded package, as stated by the package. */
export async function compileJob(
  job: JobName,
  { spec, sources, target, licenses, otel }: CompileOptions,
): Promise<ReadonlyMap<string, string>> {
  const stage = await Deno.makeTempDir({ prefix: "image-" });
  const env = sources.standIns === undefined ? {} : { JSR_URL: `file://${stage}/jsr/` };
  try {
    await layOut(stage, sources);
    await command(DENO, ["install", "--frozen", "--quiet", "--node-modules-dir=auto"], {
      cwd: stage,
      env,
    });
    const named = await takeLicenses(stage, sources, licenses);
    const moved = await trimPackages(stage);
    // Modification times are embedded too.
    await command("find", [stage, "-exec", "touch", "-h", "-d", "@0", "{}", "+"]);
    if (sources.standIns !== undefined) await provideBaseBinary();
    await command(
      DENO,
      [
        ...["compile", ...compileFlags(spec), ...moved ? [`--include=${READ_FOLDER}`] : []],
        ...["--output", target, `jobs/${job}/main.ts`],
      ],
      {
        cwd: stage,
        env: {
          ...env,
          // Large npm graphs overflow the default stack of the thread that embeds them.
          RUST_MIN_STACK: "16777216",
          // The switch is fixed at compile time: https://github.com/denoland/deno/issues/28839
          ...otel ? { OTEL_DENO: "true" } : {},
        },
      },
    );
    return named;
  } finally {
    await Deno.remove(stage, { recursive: true });
  }
}

async function layOut(stage: string, { files, manifest, lock, standIns }: JobSources) {
  for (const path of files) {
    await Deno.mkdir(`${stage}/${path.slice(0, path.lastIndexOf("/"))}`, { recursive: true });
    await Deno.copyFile(`${ROOT}/${path}`, `${stage}/${path}`);
  }
  await Deno.writeTextFile(`${stage}/deno.json`, manifest);
  await Deno.writeTextFile(`${stage}/deno.lock`, JSON.stringify(lock));
  if (standIns !== undefined) await command("cp", ["-R", standIns, `${stage}/jsr`]);
}

async function takeLicenses(
  stage: string,
  { lock }: JobSources,
  licenses: string,
): Promise<Map<string, string>> {
  const named = new Map<string, string>();
  for (const id of Object.keys(lock.npm ?? {})) {
    const [name, version] = [nameOf(id), versionOf(id)];
    const key = `${name.replace("/", "+")}@${version}`;
    const folder = `${stage}/node_modules/.deno/${key}/node_modules/${name}`;
    const { license } = JSON.parse(await Deno.readTextFile(`${folder}/package.json`));
    if (typeof license === "string") named.set(id, license);
    for await (const { name } of Deno.readDir(folder)) {
      if (!LICENSE.test(name)) continue;
      await Deno.mkdir(`${licenses}/${key}`, { recursive: true });
      await Deno.copyFile(`${folder}/${name}`, `${licenses}/${key}/${name}`);
    }
  }
  return named;
}

/**
 * Removes all files from the packages that cannot be loaded. Files that can only be read are moved
 * elsewhere, with links in their place: Deno takes every file of a package for a module, and embeds
 * its errors about files that are none, with their paths on this machine. Returns whether there are
 * any.
 */
async function trimPackages(stage: string): Promise<boolean> {
  const folder = `${stage}/node_modules`;
  // A copy: the installed files are links into Deno's cache, which must not be modified.
  await command("cp", ["-R", folder, `${folder}.copy`]);
  await Deno.remove(folder, { recursive: true });
  await Deno.rename(`${folder}.copy`, folder);
  let moved = 0;
  for (const path of await filesBelow(folder)) {
    if (READ.test(path)) {
      const name = `${READ_FOLDER}/${moved++}${path.slice(path.lastIndexOf("."))}`;
      await Deno.mkdir(`${stage}/${READ_FOLDER}`, { recursive: true });
      await Deno.rename(path, `${stage}/${name}`);
      const up = path.slice(stage.length + 1).split("/").slice(1).map(() => "../").join("");
      await Deno.symlink(`${up}${name}`, path);
    } else if (!LOADED.test(path)) {
      await Deno.remove(path);
    }
  }
  return moved > 0;
}

/** All files below a folder, in order, without following links. */
export async function filesBelow(folder: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { name, isFile, isDirectory } of Deno.readDir(folder)) {
    if (isDirectory) found.push(...await filesBelow(`${folder}/${name}`));
    else if (isFile) found.push(`${folder}/${name}`);
  }
  return found.sort();
}
