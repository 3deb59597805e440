/**
 * Programs of Debian's packages: fetched by apt as it is configured on the machine, held by the hashes of
 * `debian.lock`, unpacked and kept. Nothing is installed.
 *
 * @module
 */

import { PipelineError } from "@pipeline/core";
import { makeOnce, serverCache } from "./_cache.ts";
import { command } from "./command.ts";
import { fileHash } from "./_hash.ts";

/** Lines of `<sha256>  <name>_<version>_<architecture>.deb`, as `sha256sum` writes them. */
const LOCK = new URL("./debian.lock", import.meta.url);

/**
 * The folder with a package's files.
 *
 * @throws {PipelineError} `invalid` where the lock file has no such package, or there is no apt; `unavailable`
 * where it cannot be fetched; `corrupt` where it is not the one of the lock file.
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
