/**
 * Lays out an Elasticsearch home from the jars of Maven. The distribution's other parts are
 * replaced: a launcher, the handler of `GET /`, and the native zstd library.
 *
 * @module
 */

import { PipelineError } from "@pipeline/core";
import { readArtifacts } from "./artifacts.ts";
import { exists, makeOnce, serverCache } from "./_cache.ts";
import { command } from "./command.ts";
import { installPackage, unzip, zip } from "./_install.ts";
import type { Java } from "./java.ts";
import { jars } from "./jars.ts";

const SOURCES = new URL("./java/", import.meta.url).pathname;

/** Jars of a separate module beside the server, by the prefix of their names. */
const NETTY = ["netty-", "transport-netty4-", "elasticsearch-ssl-config-"];

/** A module that requires modules of a full JDK, only for its agent, which is not started here. */
const ENTITLEMENT = "org.elasticsearch.entitlement";

/** The home: `jars/` on the module path, `launcher/` on the class path, `modules/` loaded by it. */
export async function elasticsearchHome(java: Java): Promise<string> {
  const { elasticsearch: { version } } = await readArtifacts();
  const source = await jars("elasticsearch");
  return await makeOnce(`${serverCache()}/elasticsearch-${version}/home`, async (home) => {
    const netty = `${home}/modules/transport-netty4`;
    const root = `${home}/modules/root`;
    const native = `${home}/lib/platform/linux-x64`;
    for (const folder of [`${home}/jars`, `${home}/plugins`, netty, root, native]) {
      await Deno.mkdir(folder, { recursive: true });
    }
    for await (const { name } of Deno.readDir(source)) {
      const folder = NETTY.some((start) => name.startsWith(start)) ? netty : `${home}/jars`;
      await Deno.copyFile(`${source}/${name}`, `${folder}/${name}`);
    }
    // The module's description is in its jar; the loader expects it beside the jar.
    await unpacked(`${netty}/transport-netty4-${version}.jar`, async (folder) => {
      for (const name of ["plugin-descriptor.properties", "entitlement-policy.yaml"]) {
        await Deno.copyFile(await find(folder, name), `${netty}/${name}`);
      }
    });
    await compile(java, home, root);
    const entitlement = `${home}/jars/elasticsearch-entitlement-${version}.jar`;
    await unpacked(entitlement, async (folder) => {
      await Deno.remove(`${folder}/module-info.class`);
      const manifest = `Manifest-Version: 1.0\nAutomatic-Module-Name: ${ENTITLEMENT}\n`;
      await Deno.writeTextFile(`${folder}/META-INF/MANIFEST.MF`, manifest);
      await zip(folder, entitlement);
    });
    await Deno.writeTextFile(
      `${root}/plugin-descriptor.properties`,
      [
        ...["description=GET /", "name=root", "classname=RootPlugin", "version=1"],
        ...["java.version=21", `elasticsearch.version=${version}`],
      ].join("\n"),
    );
    await Deno.copyFile(await provideZstd(), `${native}/libzstd.so`);
  });
}

async function compile(java: Java, home: string, root: string): Promise<void> {
  const { compiler: { version } } = await readArtifacts();
  const compiler = ["-jar", `${await jars("compiler")}/ecj-${version}.jar`, "-21", "-nowarn"];
  const names = await Array.fromAsync(Deno.readDir(`${home}/jars`), ({ name }) => name);
  const classpath = names.map((name) => `${home}/jars/${name}`).join(":");
  const run = (name: string, target: string) =>
    command(`${java.home}/bin/java`, [
      ...[...compiler, "-classpath", classpath, "-d", target, `${SOURCES}${name}.java`],
    ]);
  await run("Launcher", `${home}/launcher`);
  const scratch = await Deno.makeTempDir();
  await run("RootPlugin", scratch);
  await zip(scratch, `${root}/root.jar`);
  await Deno.remove(scratch, { recursive: true });
}

async function unpacked(jar: string, use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  await unzip(jar, folder);
  await use(folder);
  await Deno.remove(folder, { recursive: true });
}

async function find(folder: string, name: string): Promise<string> {
  const below: string[] = [];
  for await (const entry of Deno.readDir(folder)) {
    if (entry.name === name) return `${folder}/${name}`;
    if (entry.isDirectory) below.push(`${folder}/${entry.name}`);
  }
  for (const child of below) {
    const found = await find(child, name).catch(() => undefined);
    if (found !== undefined) return found;
  }
  throw new PipelineError("not_found", `There is no ${name} in transport-netty4's jar`);
}

/** The system's zstd library, which the server uses for compression. */
async function provideZstd(): Promise<string> {
  const path = await findZstd() ??
    (await installPackage("libzstd1") ? await findZstd() : undefined);
  if (path !== undefined) return path;
  throw new PipelineError(
    "invalid",
    "Elasticsearch needs libzstd.so.1: install it (package libzstd1 or zstd)",
  );
}

async function findZstd(): Promise<string | undefined> {
  for (const folder of ["/usr/lib/x86_64-linux-gnu", "/lib/x86_64-linux-gnu", "/usr/lib64"]) {
    const path = `${folder}/libzstd.so.1`;
    if (await exists(path)) return path;
  }
}
