/**
 * Programs of Debian's packages: downloaded by apt as configured on the machine, verified by the
 * hashes of `debian.lock`, unpacked and cached. Nothing is installed.
 *
 * @module
 */

import { PipelineError } from "@pipeline/core";
import { makeOnce, serverCache } from "./_cache.ts";
import { command } from "./command.ts";
import { fileHash } from "./_hash.ts";

/** Lines of `<sha256>  <name>_<version>_<architecture>.deb`, in the format of `sha256sum`. */
const LOCK = new URL("./debian.lock", import.meta.url);

/**
 * The folder with a package's files.
 *
 * @throws {PipelineError} `invalid` if the lock file lacks the package, or there is no apt;
 * `unavailable` if it cannot be downloaded; `corrupt` if it differs from the lock file.
 */
export async function debianPackage(name: string): Promise<string> {
  const lines = (await Deno.readTextFile(LOCK)).trimEnd().split("\n");
  const line = lines.find((line) => line.slice(66).startsWith(`${name}_`));
  if (line === undefined) throw new PipelineError("invalid", `debian.lock has no package ${name}`);
  const [hash, file] = line.split("  ") as [string, string];
  return await makeOnce(`${serverCache()}/debian/${file.slice(0, -4)}`, async (folder) => {
    const scratch = await Deno.makeTempDir();
    try {
      const archive = await download(file, scratch);
      const found = await fileHash(archive);
      if (found !== hash) {
        throw new PipelineError("corrupt", `${file} has the SHA-256 ${found}, not ${hash}`);
      }
      await command("dpkg-deb", ["--extract", archive, folder]);
    } finally {
      await Deno.remove(scratch, { recursive: true });
    }
  });
}

async function download(file: string, folder: string): Promise<string> {
  const [name, version] = file.split("_") as [string, string];
  const fetch = () => command("apt-get", ["download", `${name}=${version}`], { cwd: folder });
  try {
    // Lists may be missing, or older than the package.
    await fetch().catch(async (error) => {
      if (error.code === "invalid") throw error;
      await command("apt-get", ["update"]);
      await fetch();
    });
  } catch (cause) {
    if (!(cause instanceof PipelineError) || cause.code !== "invalid") throw cause;
    const message = `${name} is taken from Debian's packages: apt-get is needed`;
    throw new PipelineError("invalid", message, { cause });
  }
  for await (const entry of Deno.readDir(folder)) return `${folder}/${entry.name}`;
  throw new PipelineError("unavailable", `apt-get fetched nothing for ${file}`);
}
