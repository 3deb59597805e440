/**
 * The servers' jars: downloaded by Maven as configured on the machine, verified by the hashes of
 * `maven.lock`, and cached.
 *
 * @module
 */

import { PipelineError } from "@pipeline/core";
import { type Artifacts, JAR_SETS, type JarSet, readArtifacts } from "./artifacts.ts";
import { makeOnce, serverCache } from "./_cache.ts";
import { fileHash } from "./_hash.ts";
import { maven } from "./provide.ts";

/** Lines of `<sha256>  <set>/<file>`, in the format of `sha256sum`. */
const LOCK = new URL("./maven.lock", import.meta.url);

/** Pinned, since it affects which files are downloaded. */
const PLUGIN = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies";

/** Hashes by file name of one set. */
type Hashes = ReadonlyMap<string, string>;

/**
 * The folder with a set's jars.
 *
 * @throws {PipelineError} `corrupt` if a jar differs from the lock file.
 */
export async function jars(set: JarSet): Promise<string> {
  const { [set]: artifacts } = await readArtifacts();
  return await makeOnce(`${serverCache()}/${set}-${artifacts.version}/jars`, async (folder) => {
    await fetchJars(artifacts, folder);
    compare(set, await readLock(set), await hashFiles(folder));
  });
}

/** Downloads every set anew and returns the lock file for the result. */
export async function lockText(): Promise<string> {
  const artifacts = await readArtifacts();
  const lines: string[] = [];
  for (const set of JAR_SETS) {
    const folder = await Deno.makeTempDir();
    try {
      await fetchJars(artifacts[set], folder);
      for (const [name, hash] of await hashFiles(folder)) lines.push(`${hash}  ${set}/${name}`);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  }
  return lines.join("\n") + "\n";
}

/** Downloads every set and writes the lock file for the result. */
export async function writeLock(): Promise<void> {
  await Deno.writeTextFile(LOCK, await lockText());
}

async function fetchJars({ roots }: Artifacts, folder: string): Promise<void> {
  const dependencies = roots.map((root) => {
    const [group, artifact, version] = root.split(":");
    return `<dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId>` +
      `<version>${version}</version></dependency>`;
  });
  const pom = await Deno.makeTempFile({ suffix: ".xml" });
  try {
    await Deno.writeTextFile(
      pom,
      `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>` +
        `<groupId>local</groupId><artifactId>servers</artifactId><version>1</version>` +
        `<packaging>pom</packaging><dependencies>${dependencies.join("")}</dependencies></project>`,
    );
    await maven([
      ...["-B", "-q", "-ntp", "-f", pom, PLUGIN],
      ...[`-DoutputDirectory=${folder}`, "-DincludeScope=runtime"],
    ]);
  } finally {
    await Deno.remove(pom);
  }
}

async function hashFiles(folder: string): Promise<Hashes> {
  const names: string[] = [];
  for await (const { name } of Deno.readDir(folder)) names.push(name);
  const hashes = new Map<string, string>();
  for (const name of names.sort()) {
    hashes.set(name, await fileHash(`${folder}/${name}`));
  }
  return hashes;
}

async function readLock(set: JarSet): Promise<Hashes> {
  const text = await Deno.readTextFile(LOCK);
  const lines = text.trimEnd().split("\n").map((line) => line.split(/ {2}/) as [string, string]);
  return new Map(
    lines.filter(([, path]) => path.startsWith(`${set}/`))
      .map(([hash, path]) => [path.slice(set.length + 1), hash]),
  );
}

/**
 * Compares the downloaded files with the lock file.
 *
 * @throws {PipelineError} `corrupt`, naming the first file that differs.
 */
export function compare(set: JarSet, expected: Hashes, found: Hashes): void {
  for (const name of new Set([...expected.keys(), ...found.keys()])) {
    const [want, have] = [expected.get(name), found.get(name)];
    if (want === have) continue;
    throw new PipelineError(
      "corrupt",
      `${set}/${name} has the SHA-256 ${have ?? "of nothing, since it is missing"}; ` +
        `maven.lock says ${want ?? "that there is no such file"}`,
    );
  }
}
