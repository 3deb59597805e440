// The stand-ins for the servers' images: at the places and for the calls that the charts rely on.
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { build } from "../../scripts/tools/images/build.ts";
import { type StandIn, standInRecipe } from "../../scripts/offline/images/mod.ts";
import { Container } from "./_container.ts";

async function container(name: StandIn, user: number): Promise<Container> {
  return await Container.of((await build(await standInRecipe(name))).archive, { user });
}

Deno.test("the stand-in for Kafka has bash, Java and the scripts, which run as the image's user", async () => {
  await using box = await container("kafka", 1000);
  const { code, stdout, stderr } = await box.run([
    "/opt/kafka/bin/kafka-storage.sh",
    "random-uuid",
  ]);
  assertEquals(code, 0, stderr);
  assertMatch(stdout, /^[\w-]{22}\n$/);
  for (const name of ["kafka-server-start.sh", "kafka-topics.sh"]) {
    assert((await Deno.stat(`${box.root}/opt/kafka/bin/${name}`)).isFile, name);
  }
  const shell = await box.run([
    "bash",
    "-c",
    'set -eu; id -u; test ! -w /opt; echo "${HOSTNAME##*-}"',
  ]);
  assertEquals([shell.code, shell.stdout.split("\n")[0]], [0, "1000"]);
});

Deno.test("the stand-in for HDFS reads HADOOP_CONF_DIR, and takes properties", async () => {
  await using box = await container("hadoop", 1001);
  const conf = "<configuration><property><name>dfs.blocksize</name><value>77</value></property>" +
    "</configuration>";
  const script = `mkdir /tmp/conf && echo '${conf}' >/tmp/conf/hdfs-site.xml && ` +
    `HADOOP_CONF_DIR=/tmp/conf exec /opt/hadoop/bin/hdfs getconf -confKey dfs.blocksize`;
  const { code, stdout, stderr } = await box.run(["bash", "-c", script]);
  assertEquals([code, stdout], [0, "77\n"], stderr);
  const unknown = await box.run(["/opt/hadoop/bin/hdfs", "mover"]);
  assertEquals([unknown.code, unknown.stderr], [
    1,
    "hdfs mover is not part of this stand-in\n",
  ]);
});

Deno.test("the stand-in for Elasticsearch gets as far as its settings", async () => {
  await using box = await container("elasticsearch", 1000);
  const script = "mkdir /tmp/conf && cp -R /usr/share/elasticsearch/config/. /tmp/conf/ && " +
    "echo 'no.such.setting: 1' >>/tmp/conf/elasticsearch.yml && " +
    "ES_PATH_CONF=/tmp/conf ES_JAVA_OPTS=-Xmx256m exec bin/elasticsearch";
  const { code, stdout, stderr } = await box.run([
    "bash",
    "-c",
    `cd /usr/share/elasticsearch && ${script}`,
  ]);
  assert(code !== 0);
  assertStringIncludes(stdout + stderr, "unknown setting [no.such.setting]");
});
