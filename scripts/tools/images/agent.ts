/**
 * The image of the JMX exporter's agent, which the charts add to Kafka's and HDFS' own images.
 *
 * @module
 */

import { jars, readArtifacts } from "../servers/mod.ts";
import { hashFiles, labels, type Recipe } from "./build.ts";
import { copyInto, copyLibraries, makeRoot } from "./root.ts";

/** Images that the release needs and no registry has. */
export const AGENTS = ["jmx-exporter"] as const;

/** The user of official images without one of their own. */
export const NOBODY = { name: "nobody", id: 65_534 };

/** The program that copies the agent to where Java finds it. */
const COPY = "/usr/bin/cp";

/** The recipe of the agent's image: the agent, and the program that copies it into a volume. */
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
