import { find, type Manifest, renderChart } from "@pipeline/tools/charts";
import {
  command,
  freePorts,
  jars,
  prometheus,
  promtool,
  provideJava,
} from "@pipeline/tools/servers";
import { assertEquals, assertStringIncludes } from "@std/assert";
import { Container } from "./_container.ts";

const JAVA = new URL("./java/", import.meta.url).pathname;

/** A user's values of every kind that was once written as no server reads it. */
const VALUES = {
  kafka: {
    config: {
      "log.segment.bytes": 1_073_741_824,
      "message.max.bytes": 10_485_760,
      "log.retention.ms": "9223372036854775807",
      "log.cleaner.min.cleanable.ratio": 0.25,
      "auto.create.topics.enable": true,
      "unclean.leader.election.enable": null,
      "sasl.oauthbearer.expected.audience": ["a", "b"],
      "ssl.keystore.location": 'C:\\té "x"',
    },
  },
  hdfs: {
    config: {
      "dfs.blocksize": 268_435_456,
      "dfs.namenode.handler.count": 20,
      "dfs.client.use.datanode.hostname": false,
      "dfs.heartbeat.interval": null,
      "hadoop.user.group.static.mapping.overrides": "a=<b>&'c';é",
    },
  },
  elasticsearch: {
    config: {
      xpack: { ml: { enabled: true } },
      "http.max_content_length": "100mb",
      "cluster.max_shards_per_node": 2_000_000,
      cluster: { routing: { allocation: { awareness: { attributes: ["zone", "rack"] } } } },
      "node.attr.note": 'é: # "x"',
    },
  },
  prometheus: {
    config: {
      "storage.tsdb.retention.time": "30d",
      "storage.tsdb.retention.size": null,
      "web.enable-lifecycle": true,
      "config.auto-reload": false,
      "query.max-samples": 50_000_000,
      "enable-feature": ["exemplar-storage", "extra-scrape-metrics"],
    },
    thresholds: { lag: 10_000_000 },
    extraScrapeConfigs: [{
      job_name: "other",
      sample_limit: 10_000_000,
      static_configs: [{ targets: ["other:9"] }],
    }],
    extraRules: [{ name: "other", rules: [{ record: "a:b", expr: "vector(1)" }] }],
  },
};

async function rendered(kind: string, name: string): Promise<Manifest> {
  return find(await renderChart({ values: VALUES }), kind, `reddit-${name}`);
}

async function filesOf(name: string): Promise<Record<string, string>> {
  return (await rendered("ConfigMap", name)).data;
}

async function containerOf(name: string): Promise<Manifest> {
  return (await rendered("StatefulSet", name)).spec.template.spec.containers[0];
}

/** What a server's own classes make of files: the lines that the program prints, by their keys. */
async function load(
  program: string,
  { set, files }: { set: "kafka" | "hdfs" | "elasticsearch"; files: readonly string[] },
): Promise<Map<string, string>> {
  const java = await provideJava(21, { for: set });
  const text = await command(`${java.home}/bin/java`, [
    ...["-XX:TieredStopAtLevel=1", "-cp", `${await jars(set)}/*`],
    ...[`${JAVA}${program}.java`, ...files],
  ], { env: { POD_NAME: "reddit-pod-0", POD_IP: "::1" }, lines: 60 });
  return new Map(
    text.split("\n").filter((line) => line.includes("=")).map((line) => {
      const end = line.indexOf("=");
      return [line.slice(0, end), line.slice(end + 1)];
    }),
  );
}

function assertHas(found: ReadonlyMap<string, string>, expected: Record<string, string>): void {
  const keys = Object.keys(expected);
  assertEquals(Object.fromEntries(keys.map((key) => [key, found.get(key)])), expected);
}

Deno.test("Kafka reads the broker's file, with every value as the user gave it", async () => {
  using container = new Container([
    ...["/opt/kafka/bin/kafka-storage.sh", "/opt/kafka/bin/kafka-server-start.sh"],
  ]);
  container.write(
    "/etc/kafka-config/server.properties",
    (await filesOf("kafka"))["server.properties"]!,
  );
  const { env } = await containerOf("kafka");
  const variables = Object.fromEntries(
    env.filter(({ value }: Manifest) => value !== undefined)
      .map(({ name, value }: Manifest) => [name, value]),
  );
  await container.run("kafka/files/start.sh", { ...variables, POD_NAME: "reddit-kafka-0" });
  const file = `${container.root}/tmp/server.properties`;
  const keys = (await Deno.readTextFile(file)).trim().split("\n").map((line) => line.split("=")[0]);
  assertEquals(keys.length, new Set(keys).size, "no key is there twice");
  assertHas(await load("LoadKafka", { set: "kafka", files: [file] }), {
    "log.segment.bytes": "1073741824",
    "message.max.bytes": "10485760",
    "log.retention.ms": "9223372036854775807",
    "log.cleaner.min.cleanable.ratio": "0.25",
    "auto.create.topics.enable": "true",
    "unclean.leader.election.enable": "false",
    "sasl.oauthbearer.expected.audience": "[a, b]",
    "ssl.keystore.location": 'C:\\té "x"',
    "node.id": "0",
    "process.roles": "[broker, controller]",
  });
});

Deno.test("Hadoop reads the nodes' files, with every value as the user gave it", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const files: string[] = [];
    for (const name of ["core-site.xml", "hdfs-site.xml"]) {
      await Deno.writeTextFile(`${folder}/${name}`, (await filesOf("hdfs"))[name]!);
      files.push(`file://${folder}/${name}`);
    }
    assertHas(await load("LoadHdfs", { set: "hdfs", files }), {
      "dfs.blocksize": "268435456",
      "dfs.namenode.handler.count": "20",
      "dfs.client.use.datanode.hostname": "false",
      "text dfs.heartbeat.interval": "3",
      "text dfs.namenode.stale.datanode.interval": "5000",
      "text hadoop.user.group.static.mapping.overrides": "a=<b>&'c';é",
      "text hadoop.http.staticuser.user": "hdfs",
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("Elasticsearch reads the node's file, with every value as the user gave it", async () => {
  const home = "/usr/share/elasticsearch";
  using container = new Container([`${home}/bin/elasticsearch`]);
  container.write(`${home}/config/jvm.options`, "");
  for (const module of ["x-pack-ml", "x-pack-security", "ingest-geoip"]) {
    container.write(`${home}/modules/${module}/x`, "");
  }
  for (const [name, text] of Object.entries(await filesOf("elasticsearch"))) {
    container.write(`/etc/elasticsearch-config/${name}`, text);
  }
  const nodes = (await filesOf("elasticsearch-nodes"))["initial-master-nodes"]!;
  container.write("/etc/elasticsearch-nodes/initial-master-nodes", nodes);
  const { success, stderr } = await container.run("elasticsearch/files/start.sh");
  assertEquals([success, stderr], [true, ""]);
  const files = [`${container.root}/tmp/config`];
  assertHas(await load("LoadElasticsearch", { set: "elasticsearch", files }), {
    "xpack.ml.enabled": "true",
    "xpack.security.enabled": "false",
    "ingest.geoip.downloader.enabled": "false",
    "http.max_content_length": "100mb",
    "cluster.max_shards_per_node": "2000000",
    "cluster.routing.allocation.awareness.attributes": "[zone, rack]",
    "cluster.initial_master_nodes":
      "[reddit-elasticsearch-0, reddit-elasticsearch-1, reddit-elasticsearch-2]",
    "node.attr.note": 'é: # "x"',
    "node.name": "reddit-pod-0",
  });
});

Deno.test("Prometheus starts with its flags, and reads its configuration and rules", async () => {
  const folder = await Deno.makeTempDir();
  const [port] = freePorts(1);
  try {
    const rules = `${folder}/rules.yaml`;
    await Deno.writeTextFile(rules, (await filesOf("prometheus-rules"))["rules.yaml"]!);
    await command(await promtool(), ["check", "rules", rules], { lines: 60 });
    // What discovers pods does not stop it where there is no cluster.
    const config = (await filesOf("prometheus"))["prometheus.yml"]!
      .replace("/etc/prometheus-rules/*.yaml", rules);
    await Deno.writeTextFile(`${folder}/prometheus.yml`, config);
    const { args } = await containerOf("prometheus");
    const given = args.map((flag: string) =>
      flag.replace("/etc/prometheus/", `${folder}/`).replace("=/prometheus", `=${folder}/data`)
        .replace("=:9090", `=127.0.0.1:${port}`).replace("/etc/prometheus-runbooks", folder)
    );
    await using server = new Deno.Command(await prometheus(), {
      args: given,
      stdout: "null",
      stderr: "piped",
    }).spawn();
    const log = new Response(server.stderr).text();
    const url = `http://127.0.0.1:${port}/api/v1/status`;
    const found = await ready(`http://127.0.0.1:${port}`, server.status)
      .then(() => Promise.all([data(`${url}/flags`), data(`${url}/config`)]))
      .catch((cause) => cause);
    try {
      server.kill("SIGTERM");
    } catch {
      // It ended by itself.
    }
    if (found instanceof Error) throw new Error(await log, { cause: found });
    await log;
    const [flags, { yaml }] = found;
    assertStringIncludes(yaml!, "sample_limit: 10000000\n");
    assertEquals(
      ["storage.tsdb.retention.time", "web.enable-lifecycle", "config.auto-reload"]
        .map((flag) => flags[flag]),
      ["30d", "true", "false"],
    );
    assertEquals(flags["query.max-samples"], "50000000");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

/** Waits until a Prometheus is ready. */
async function ready(url: string, ended: Promise<unknown>): Promise<void> {
  let over = false;
  ended.then(() => over = true);
  for (const until = Date.now() + 60_000; Date.now() < until && !over;) {
    const answer = await fetch(`${url}/-/ready`).catch(() => undefined);
    await answer?.body?.cancel();
    if (answer?.ok === true) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error("Prometheus did not become ready");
}

async function data(url: string): Promise<Record<string, string>> {
  return (await (await fetch(url)).json()).data;
}
