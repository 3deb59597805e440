/**
 * The artifacts of each server: from Maven, at the versions of the Chartfile.
 *
 * @module
 */

import { parse } from "yaml";

/** Sets of jars that are resolved together. */
export const JAR_SETS = ["kafka", "hdfs", "elasticsearch", "jmx-exporter", "compiler"] as const;

/** A set of jars. */
export type JarSet = (typeof JAR_SETS)[number];

/** The Maven artifacts of a jar set. */
export interface Artifacts {
  /** The server's own version, from the Chartfile; or the compiler's. */
  readonly version: string;
  /** `group:artifact:version`; their dependencies are added. */
  readonly roots: readonly string[];
}

/** The SLF4J backend, through which Kafka logs. */
const LOG4J = "2.25.5";

/** Java's compiler, which a mere runtime lacks. */
const COMPILER = "3.44.0";

const CHARTFILE = new URL("../../../Chartfile", import.meta.url);

/**
 * The version of a server in the Chartfile.
 *
 * @throws {TypeError} if it has another form.
 */
export async function upstream(server: string, form = /^\d+\.\d+\.\d+$/): Promise<string> {
  const chartfile = parse(await Deno.readTextFile(CHARTFILE));
  const found: unknown = chartfile?.servers?.[server]?.upstream;
  if (typeof found === "string" && form.test(found)) return found;
  throw new TypeError(`Chartfile: servers.${server}.upstream is ${found}, not a version`);
}

/** Reads the Chartfile. */
export async function readArtifacts(): Promise<Record<JarSet, Artifacts>> {
  const servers = ["kafka", "hdfs", "elasticsearch", "jmx-exporter"];
  const versions = await Promise.all(servers.map((server) => upstream(server)));
  const [kafka, hdfs, elasticsearch, jmxExporter] = versions as [string, string, string, string];
  return {
    kafka: {
      version: kafka,
      roots: [
        `org.apache.kafka:kafka_2.13:${kafka}`,
        // The tools that measure producers and consumers.
        `org.apache.kafka:kafka-tools:${kafka}`,
        `org.apache.logging.log4j:log4j-slf4j-impl:${LOG4J}`,
      ],
    },
    hdfs: {
      version: hdfs,
      roots: ["hadoop-common", "hadoop-hdfs", "hadoop-hdfs-client"]
        .map((artifact) => `org.apache.hadoop:${artifact}:${hdfs}`),
    },
    elasticsearch: {
      version: elasticsearch,
      roots: [
        `org.elasticsearch:elasticsearch:${elasticsearch}`,
        `org.elasticsearch.plugin:transport-netty4:${elasticsearch}`,
      ],
    },
    "jmx-exporter": {
      version: jmxExporter,
      roots: [`io.prometheus.jmx:jmx_prometheus_javaagent:${jmxExporter}`],
    },
    compiler: { version: COMPILER, roots: [`org.eclipse.jdt:ecj:${COMPILER}`] },
  };
}
