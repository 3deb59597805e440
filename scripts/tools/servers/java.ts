/**
 * Finds a recent enough Java, even if it is not the default one.
 *
 * @module
 */

import { PipelineError } from "@pipeline/core";

/** A Java installation. */
export interface Java {
  /** Its folder; `bin/java` is below. */
  readonly home: string;
  /** Its feature release, e.g. 21. */
  readonly release: number;
}

/** The usual locations of installations, besides `JAVA_HOME` and the PATH. */
const PLACES: readonly { readonly folder: string; readonly below: string }[] = [
  { folder: "/usr/lib/jvm", below: "" },
  { folder: "/Library/Java/JavaVirtualMachines", below: "/Contents/Home" },
];

/** Options of the search. */
export interface JavaOptions {
  /** The program that needs it, for the message. */
  readonly for: string;
  /** The environment; the process's by default. */
  readonly env?: (name: string) => string | undefined;
  /** Folders of installations; the usual ones by default. */
  readonly places?: readonly { readonly folder: string; readonly below: string }[];
}

/**
 * The first installation of at least this feature release: `JAVA_HOME`, the PATH's, then the newest
 * in the usual locations.
 *
 * @throws {PipelineError} `invalid`, with one line on what is needed and what was found.
 */
export async function findJava(atLeast: number, options: JavaOptions): Promise<Java> {
  const found: Java[] = [];
  for (const home of await candidates(options)) {
    const java = await inspect(home);
    if (java === undefined) continue;
    if (java.release >= atLeast && await hasProgram(java)) return java;
    found.push(java);
  }
  const seen = found.length === 0
    ? "none was found"
    : `found: ${found.map(({ home, release }) => `${release} in ${home}`).join(", ")}`;
  throw new PipelineError(
    "invalid",
    `${options.for} needs a Java of release ${atLeast} or later in JAVA_HOME, on the PATH or in ` +
      `/usr/lib/jvm (${seen})`,
  );
}

async function candidates(options: JavaOptions): Promise<string[]> {
  const { env = (name: string) => Deno.env.get(name), places = PLACES } = options;
  const homes: string[] = [];
  const named = env("JAVA_HOME");
  if (named !== undefined && named !== "") homes.push(named);
  for (const folder of (env("PATH") ?? "").split(":").filter((f) => f !== "")) {
    const real = await Deno.realPath(`${folder}/java`).catch(() => undefined);
    if (real?.endsWith("/bin/java")) homes.push(real.slice(0, -"/bin/java".length));
  }
  const usual: Java[] = [];
  for (const { folder, below } of places) {
    for (const entry of await listFolder(folder)) {
      const java = await inspect(`${folder}/${entry}${below}`);
      if (java !== undefined) usual.push(java);
    }
  }
  usual.sort((a, b) => b.release - a.release);
  return [...new Set([...homes, ...usual.map(({ home }) => home)])];
}

async function listFolder(path: string): Promise<string[]> {
  try {
    return (await Array.fromAsync(Deno.readDir(path))).map(({ name }) => name).sort();
  } catch {
    return [];
  }
}

/** Reads the file `release` of a JDK's home, which exists since version 8. */
async function inspect(home: string): Promise<Java | undefined> {
  const text = await Deno.readTextFile(`${home}/release`).catch(() => "");
  const release = /^JAVA_VERSION="(\d+)/m.exec(text)?.[1];
  return release === undefined ? undefined : { home, release: Number(release) };
}

async function hasProgram({ home }: Java): Promise<boolean> {
  return (await Deno.stat(`${home}/bin/java`).catch(() => undefined))?.isFile === true;
}
