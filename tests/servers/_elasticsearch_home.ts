/**
 * Lays out an Elasticsearch home from the jars of Maven: what the distribution has and
 * Maven lacks is a launcher, the handler of `GET /`, and the native zstd library.
 *
 * @module
 */

import { PipelineError } from "@pipeline/core";
import { readArtifacts } from "./_artifacts.ts";
import { makeOnce, serverCache } from "./_cache.ts";
import { command } from "./_command.ts";
import type { Java } from "./_java.ts";
import { jars } from "./_jars.ts";

const SOURCES = new URL("./java/", import.meta.url).pathname;

/** Jars that are a module of their own beside the server, by the beginning of their names. */
const NETTY = ["netty-", "transport-netty4-", "elasticsearch-ssl-config-"];

/** The home: `lib/` on the module path, `launcher/` on the class path, `modules/` loaded by it. */
export async function elasticsearchHome(java: Java): Promise<string> {
  const { elasticsearch: { version } } = await readArtifacts();
  const source = await jars("elasticsearch");
  const target = `${serverCache()}/elasticsearch-${version}/home-java${java.release}`;
  return await makeOnce(target, async (home) => {
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
    // The module's description is in its jar; the loader wants it beside it.
    const unpacked = await Deno.makeTempDir({ dir: home });
    await command(`${java.home}/bin/jar`, ["-xf", `${netty}/transport-netty4-${version}.jar`], {
      cwd: unpacked,
    });
    for (const name of ["plugin-descriptor.properties", "entitlement-policy.yaml"]) {
      await Deno.copyFile(await find(unpacked, name), `${netty}/${name}`);
    }
    await Deno.remove(unpacked, { recursive: true });
    await compile(java, home, root);
    await Deno.writeTextFile(
      `${root}/plugin-descriptor.properties`,
      [
        ...["description=GET /", "name=root", "classname=RootPlugin", "version=1"],
        ...["java.version=21", `elasticsearch.version=${version}`],
      ].join("\n"),
    );
    await Deno.copyFile(await findZstd(), `${native}/libzstd.so`);
  });
}

async function compile(java: Java, home: string, root: string): Promise<void> {
  const classpath = ["-cp", `${home}/jars/*`];
  const scratch = await Deno.makeTempDir({ dir: home });
  await command(`${java.home}/bin/javac`, [
    ...[...classpath, "-d", `${home}/launcher`, `${SOURCES}Launcher.java`],
  ]);
  await command(`${java.home}/bin/javac`, [
    ...[...classpath, "-d", scratch, `${SOURCES}RootPlugin.java`],
  ]);
  await command(`${java.home}/bin/jar`, ["-cf", `${root}/root.jar`, "-C", scratch, "."]);
  await Deno.remove(scratch, { recursive: true });
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

/** The system's zstd library, which the server compresses with. */
async function findZstd(): Promise<string> {
  for (const folder of ["/usr/lib/x86_64-linux-gnu", "/lib/x86_64-linux-gnu", "/usr/lib64"]) {
    const path = `${folder}/libzstd.so.1`;
    if (await Deno.stat(path).catch(() => undefined)) return path;
  }
  throw new PipelineError(
    "invalid",
    "Elasticsearch needs libzstd.so.1: install it (package libzstd1 or zstd)",
  );
}
