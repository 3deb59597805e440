/**
 * Stand-ins for official images, for machines without a registry of images.
 *
 * @module
 */

import { debianPackage, prometheus, prometheusVersion } from "../../tools/servers/mod.ts";
import { NOBODY } from "../../tools/images/agent.ts";
import { hashFiles, hashFolder, labels, type Recipe } from "../../tools/images/build.ts";
import { copyLibraries, makeRoot } from "../../tools/images/root.ts";
import { serverRecipe, SERVERS } from "./servers.ts";

interface Program {
  /** Its path in the official image. */
  readonly place: string;
  binary(): Promise<string>;
  version(): Promise<string>;
}

const DEBIAN = "prometheus-elasticsearch-exporter";

/** Programs that provide metrics: the same program built with Go, and Debian's. */
const PROGRAMS = {
  prometheus: { place: "/usr/bin/prometheus", binary: prometheus, version: prometheusVersion },
  "elasticsearch-exporter": {
    place: "/usr/bin/elasticsearch_exporter",
    binary: async () => `${await debianPackage(DEBIAN)}/usr/bin/${DEBIAN}`,
    version: () => Promise.resolve("1.5.0"),
  },
} satisfies Record<string, Program>;

/** Images with a stand-in. */
export const STAND_INS = [...SERVERS, "prometheus", "elasticsearch-exporter"] as const;

/** See {@linkcode STAND_INS}. */
export type StandIn = (typeof STAND_INS)[number];

/** The recipe of a stand-in. */
export async function standInRecipe(name: StandIn): Promise<Recipe> {
  const recipe = name === "prometheus" || name === "elasticsearch-exporter"
    ? await programRecipe(name)
    : await serverRecipe(name);
  return { ...recipe, inputs: [...recipe.inputs, await hashFolder(new URL(".", import.meta.url))] };
}

async function programRecipe(name: keyof typeof PROGRAMS): Promise<Recipe> {
  const { place, ...program } = PROGRAMS[name];
  const [binary, version] = [await program.binary(), await program.version()];
  return {
    name,
    reference: `reddit-pipeline/${name}:${version}`,
    inputs: [JSON.stringify(await hashFiles([binary]))],
    config: {
      user: `${NOBODY.id}:${NOBODY.id}`,
      entrypoint: [place.replace("/usr", "")],
      labels: labels(name, `Stand-in for the official image of ${name}, for tests`, version),
    },
    layers: async (folder) => {
      const root = `${folder}/root`;
      await makeRoot(root, [NOBODY]);
      await Deno.copyFile(binary, `${root}${place}`);
      await Deno.chmod(`${root}${place}`, 0o755);
      // A program built with Go needs none.
      if (name !== "prometheus") await copyLibraries(root, [binary]);
      return [{ folder: root }];
    },
  };
}
