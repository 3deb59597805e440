/**
 * Images of what reads metrics: the JMX exporter's agent, which the charts put beside Kafka's and HDFS's own
 * images, and stand-ins for Prometheus and the exporter of Elasticsearch where there is no registry.
 *
 * @module
 */

import {
  debianPackage,
  jars,
  prometheus,
  prometheusVersion,
  readArtifacts,
} from "../servers/mod.ts";
import { hashFiles, type Recipe } from "./build.ts";
import { copyInto, copyLibraries, makeRoot } from "./root.ts";

/** What the release needs of these, and no registry has. */
export const AGENTS = ["jmx-exporter"] as const;

/** Programs that have a stand-in: the same one built by Go, and Debian's. */
export const STAND_INS = ["prometheus", "elasticsearch-exporter"] as const;

const EXPORTER = "prometheus-elasticsearch-exporter";

/** The user of the official images. */
const NOBODY = { name: "nobody", id: 65_534 };

/** What copies the agent to where Java finds it. */
const COPY = "/usr/bin/cp";

interface StandIn {
  /** In the official image. */
  readonly place: string;
  program(): Promise<string>;
  version(): Promise<string>;
}

const SPECS: Readonly<Record<(typeof STAND_INS)[number], StandIn>> = {
  prometheus: { place: "/usr/bin/prometheus", program: prometheus, version: prometheusVersion },
  "elasticsearch-exporter": {
    place: "/usr/bin/elasticsearch_exporter",
    program: async () => `${await debianPackage(EXPORTER)}/usr/bin/${EXPORTER}`,
    version: () => Promise.resolve("1.5.0"),
  },
};

/** How the agent's image is made: the agent, and what copies it into a volume. */
export async function agentRecipe(): Promise<Recipe> {
  const { "jmx-exporter": { version } } = await readArtifacts();
  const agent = `${await jars("jmx-exporter")}/jmx_prometheus_javaagent-${version}.jar`;
  return {
    name: "jmx-exporter",
    reference: `reddit-pipeline/jmx-exporter:${version}`,
    inputs: [JSON.stringify(await hashFiles([COPY, agent]))],
    config: {
      user: `${NOBODY.id}:${NOBODY.id}`,
      entrypoint: [COPY, "/jmx-exporter.jar"],
      labels: labels("jmx-exporter", "The agent of the JMX exporter", version),
    },
    layers: async (folder) => {
      const root = `${folder}/root`;
      await makeRoot(root, [NOBODY]);
      await copyInto(root, COPY);
      await copyLibraries(root, [COPY]);
      await Deno.copyFile(agent, `${root}/jmx-exporter.jar`);
      await Deno.chmod(`${root}/jmx-exporter.jar`, 0o644);
      return [{ folder: root }];
    },
  };
}

/** How a stand-in is made. */
export async function standInRecipe(name: (typeof STAND_INS)[number]): Promise<Recipe> {
  const { place, ...spec } = SPECS[name];
  const [binary, version] = [await spec.program(), await spec.version()];
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
      // One that Go has built needs none.
      if (name !== "prometheus") await copyLibraries(root, [binary]);
      return [{ folder: root }];
    },
  };
}

function labels(name: string, description: string, version: string): Record<string, string> {
  return {
    "org.opencontainers.image.title": `reddit-pipeline/${name}`,
    "org.opencontainers.image.description": description,
    "org.opencontainers.image.version": version,
  };
}
