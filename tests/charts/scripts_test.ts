import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { Container } from "./_container.ts";

Deno.test("a NameNode formats an empty volume once", async () => {
  using container = new Container(["/opt/hadoop/bin/hdfs"]);
  assertEquals((await container.run("hdfs/files/namenode.sh")).lines, [
    "hdfs namenode -format -nonInteractive",
    "hdfs namenode",
  ]);
  container.write("/hadoop/dfs/name/current/VERSION", "clusterID=CID-1\n");
  assertEquals((await container.run("hdfs/files/namenode.sh")).lines, ["hdfs namenode"]);
});

Deno.test("a NameNode does not format what holds something else", async () => {
  using container = new Container(["/opt/hadoop/bin/hdfs"]);
  container.write("/hadoop/dfs/name/current/fsimage_1", "");
  const { success, lines, stderr } = await container.run("hdfs/files/namenode.sh");
  assert(!success);
  assertEquals(lines, [""]);
  assertStringIncludes(stderr, "holds something, but no file system");
});

Deno.test("a DataNode is known by the name of its pod", async () => {
  using container = new Container(["/opt/hadoop/bin/hdfs"]);
  const env = { POD_NAME: "reddit-datanode-2", DOMAIN: "reddit-datanode.ns.svc.cluster.local" };
  assertEquals((await container.run("hdfs/files/datanode.sh", env)).lines, [
    "hdfs datanode -Ddfs.datanode.hostname=reddit-datanode-2.reddit-datanode.ns.svc.cluster.local",
  ]);
});

const KAFKA = ["/opt/kafka/bin/kafka-storage.sh", "/opt/kafka/bin/kafka-server-start.sh"];

for (const [ordinal, roles] of [["2", "broker,controller"], ["3", "broker"]] as const) {
  Deno.test(`broker ${ordinal} of three controllers is ${roles}`, async () => {
    using container = new Container(KAFKA);
    container.write("/etc/kafka-config/server.properties", "log.dirs=/data\n");
    const { lines } = await container.run("kafka/files/start.sh", {
      POD_NAME: `reddit-kafka-${ordinal}`,
      DOMAIN: "kafka.ns.svc",
      CONTROLLERS: "3",
      CLUSTER_ID: "id",
    });
    assertEquals(lines, [
      "kafka-storage.sh format --ignore-formatted --cluster-id id --config /tmp/server.properties",
      "kafka-server-start.sh /tmp/server.properties",
    ]);
    const properties = container.read("/tmp/server.properties").trim().split("\n");
    assertEquals(properties.slice(0, 4), [
      "log.dirs=/data",
      `node.id=${ordinal}`,
      `advertised.listeners=PLAINTEXT://reddit-kafka-${ordinal}.kafka.ns.svc:9092`,
      `process.roles=${roles}`,
    ]);
  });
}

const HOME = "/usr/share/elasticsearch";

/** As the chart writes them. */
const MODULES =
  "ingest-geoip ingest.geoip.downloader.enabled: false\nx-pack-ml xpack.ml.enabled: false\n";

function elasticsearch(modules: readonly string[] = []): Container {
  const container = new Container([
    `${HOME}/bin/elasticsearch`,
    `${HOME}/bin/elasticsearch-keystore`,
  ]);
  container.write(`${HOME}/config/jvm.options`, "-Xss1m\n");
  container.write(`${HOME}/config/elasticsearch.yml`, "image: true\n");
  for (const module of modules) container.write(`${HOME}/modules/${module}/x`, "");
  container.write("/etc/elasticsearch-config/elasticsearch.yml", "node.name: ${POD_NAME}\n");
  container.write("/etc/elasticsearch-config/modules", MODULES);
  container.write("/etc/elasticsearch-config/log4j2.properties", "status = error\n");
  container.write("/etc/elasticsearch-nodes/initial-master-nodes", "e-0,e-1,e-2");
  return container;
}

Deno.test("an Elasticsearch node has the chart's settings and the image's options", async () => {
  using container = elasticsearch();
  const expected = "node.name: ${POD_NAME}\ncluster.initial_master_nodes: [e-0,e-1,e-2]\n";
  // The second time as after the container was restarted, with what the first one has left.
  for (let start = 0; start < 2; start++) {
    assertEquals((await container.run("elasticsearch/files/start.sh")).lines, ["elasticsearch"]);
    assertEquals(container.read("/tmp/config/elasticsearch.yml"), expected);
    assertEquals(container.read("/tmp/config/jvm.options"), "-Xss1m\n");
  }
});

Deno.test("Elasticsearch is configured only with modules that it has", async () => {
  using container = elasticsearch(["x-pack-security", "x-pack-ml", "ingest-geoip"]);
  await container.run("elasticsearch/files/start.sh");
  assertEquals(container.read("/tmp/config/elasticsearch.yml").trim().split("\n").slice(2), [
    "ingest.geoip.downloader.enabled: false",
    "xpack.ml.enabled: false",
    "xpack.security.enabled: false",
  ]);
});

Deno.test("Elasticsearch with a Secret has security, and its password in the keystore", async () => {
  using container = elasticsearch(["x-pack-security"]);
  for (const key of ["ca.crt", "tls.crt", "tls.key", "password"]) {
    container.write(`/etc/elasticsearch-security/${key}`, key);
  }
  assertEquals((await container.run("elasticsearch/files/start.sh")).lines, [
    "elasticsearch-keystore create",
    "elasticsearch-keystore add --stdin --force bootstrap.password",
    "elasticsearch",
  ]);
  const settings = container.read("/tmp/config/elasticsearch.yml");
  assertStringIncludes(settings, "xpack.security.enabled: true");
  assert(!settings.includes("enabled: false"));
  assertEquals(container.read("/tmp/config/certificates/tls.key"), "tls.key");
});

Deno.test("Grafana generates a password without a Secret, once for its data", async () => {
  using container = new Container(["/run.sh"]);
  const made = "/var/lib/grafana/admin-password";
  Deno.mkdirSync(`${container.root}/var/lib/grafana`, { recursive: true });
  assertEquals((await container.run("grafana/files/start.sh")).lines, ["run.sh"]);
  const password = container.read(made);
  assert(/^[\w-]{32}\n$/.test(password), password);
  assertEquals((Deno.statSync(container.root + made).mode ?? 0) & 0o777, 0o600);
  await container.run("grafana/files/start.sh");
  assertEquals(container.read(made), password);
});

Deno.test("Grafana takes the password of a Secret as it is", async () => {
  using container = new Container(["/run.sh"]);
  container.write("/etc/grafana-admin/admin-password", "given");
  assertEquals((await container.run("grafana/files/start.sh")).lines, ["run.sh"]);
  assertThrows(() => container.read("/var/lib/grafana/admin-password"), Deno.errors.NotFound);
});
