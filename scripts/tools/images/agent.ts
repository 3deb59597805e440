/**
 * The image of the JMX exporter's agent, which the charts put beside Kafka's and HDFS's own images.
 *
 * @module
 */

import { jars, readArtifacts } from "../servers/mod.ts";
import { hashFiles, labels, type Recipe } from "./build.ts";
import { copyInto, copyLibraries, makeRoot } from "./root.ts";

/** What the release needs of these, and no registry has. */
export const AGENTS = ["jmx-exporter"] as const;

/** The user of official images that have no other. */
export const NOBODY = { name: "nobody", id: 65_534 };

/** What copies the agent to where Java finds it. */
const COPY = "/usr/bin/cp";

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
