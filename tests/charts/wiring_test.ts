import { assert, assertEquals } from "@std/assert";
import { SPECS } from "@pipeline/demo/specs";
import { commandConfig, loadConfig } from "@pipeline/runtime";
import { find, type Manifest, PRESETS, renderChart } from "@pipeline/tools/charts";

function configOf(manifests: readonly Manifest[], job: string): Manifest {
  return JSON.parse(find(manifests, "ConfigMap", `reddit-${job}`).data["config.json"]);
}

for (const [preset, presets] of Object.entries(PRESETS)) {
  Deno.test(`the jobs accept the configurations of ${preset}`, async () => {
    const manifests = await renderChart({ presets });
    const there = SPECS.filter(({ name }) =>
      manifests.some(({ metadata }) => metadata.name === `reddit-${name}`)
    );
    assert(there.length >= 4);
    for (const spec of there) {
      // Which archives there are is not the chart's to say.
      for (const command of Object.keys(spec.commands).filter((name) => name !== "archive")) {
        loadConfig(commandConfig(spec, command), { file: configOf(manifests, spec.name) });
      }
    }
  });
}

Deno.test("jobs find the servers of the release, and agree on what they share", async () => {
  const manifests = await renderChart({
    values: { global: { topics: { partitions: 6, retention: "2d" }, maxFuture: "2h" } },
  });
  const domain = "reddit-pipeline.svc.cluster.local";
  for (const job of ["ingest", "batch"]) {
    const { hdfs, kafka, partitions } = configOf(manifests, job);
    assertEquals(hdfs.namenodes, [`http://reddit-namenode.${domain}:9870`]);
    assertEquals(kafka.brokers, [`reddit-kafka.${domain}:9092`]);
    assertEquals([kafka.retention, partitions], ["2d", 6]);
  }
  for (const job of ["batch", "speed", "serving"]) {
    const { elasticsearch, partitions } = configOf(manifests, job);
    assertEquals(elasticsearch.nodes, [`http://reddit-elasticsearch.${domain}:9200`]);
    assertEquals([elasticsearch.replicas, partitions], [1, 6]);
  }
  for (const job of ["batch", "serving"]) {
    assertEquals(configOf(manifests, job).speed, { urls: ["http://reddit-speed:8090"] });
  }
  assertEquals(configOf(manifests, "ingest").maxFuture, "2h");
  assertEquals(configOf(manifests, "batch").views, { maxFuture: "2h" });
});

Deno.test("a job's own settings stand beside what is wired", async () => {
  const manifests = await renderChart({
    values: { speed: { config: { flushInterval: "1s", kafka: { fetchWait: "10ms" } } } },
  });
  const { flushInterval, kafka } = configOf(manifests, "speed");
  assertEquals([flushInterval, kafka.fetchWait], ["1s", "10ms"]);
  assertEquals(kafka.brokers.length, 1);
});

Deno.test("a job drains before its pod is killed", async () => {
  const manifests = await renderChart({
    values: { ingest: { terminationGracePeriodSeconds: 90 } },
  });
  const { terminationGracePeriodSeconds } = find(manifests, "Deployment", "reddit-ingest").spec
    .template.spec;
  assertEquals([terminationGracePeriodSeconds, configOf(manifests, "ingest").grace], [90, "80s"]);
});

Deno.test("servers of others are reached with the Secrets that are named, key by key", async () => {
  const manifests = await renderChart({ presets: PRESETS["bring-your-own"]! });
  const folder = "/etc/reddit-pipeline/secrets";
  const { kafka, hdfs, elasticsearch } = configOf(manifests, "batch");
  assertEquals(kafka.brokers, ["events-kafka-bootstrap.kafka.svc:9093"]);
  assertEquals(kafka.tls, {
    caFile: `${folder}/kafka/ca.crt`,
    certFile: `${folder}/kafka/tls.crt`,
    keyFile: `${folder}/kafka/tls.key`,
  });
  assertEquals(kafka.sasl, {
    mechanism: "scram-sha-512",
    username: "reddit",
    passwordFile: `${folder}/kafka/password`,
  });
  assertEquals(hdfs.caFile, `${folder}/hdfs/ca.crt`);
  assertEquals([hdfs.namenodes.length, hdfs.root, hdfs.user], [2, "/apps/reddit", "reddit"]);
  assertEquals(elasticsearch.apiKeyFile, `${folder}/elasticsearch/api-key`);
  const { volumes } = find(manifests, "Deployment", "reddit-speed").spec.template.spec;
  const secrets = volumes.flatMap(({ projected }: Manifest) => projected?.sources ?? [])
    .flatMap(({ secret }: Manifest) => secret ?? []);
  assertEquals(secrets, [
    {
      name: "reddit-kafka",
      items: ["ca.crt", "tls.crt", "tls.key", "password"]
        .map((key) => ({ key, path: `secrets/kafka/${key}` })),
    },
    {
      name: "reddit-elasticsearch",
      items: ["ca.crt", "api-key"].map((key) => ({ key, path: `secrets/elasticsearch/${key}` })),
    },
  ]);
});

Deno.test("with OpenTelemetry the jobs run other images, and may reach the collector", async () => {
  const otel = { enabled: true, endpoint: "http://collector.monitoring:4318" };
  const manifests = await renderChart({ values: { global: { otel } } });
  for (const job of ["generator", "ingest", "speed", "serving"]) {
    const [container] =
      find(manifests, "Deployment", `reddit-${job}`).spec.template.spec.containers;
    assert(container.image.endsWith("-otel"), container.image);
    const env = Object.fromEntries(
      container.env.map(({ name, value }: Manifest) => [name, value]),
    );
    assertEquals(env.OTEL_EXPORTER_OTLP_ENDPOINT, otel.endpoint);
    assertEquals(env.OTEL_SERVICE_NAME, job);
    // Deno has no sampler.
    assertEquals(Object.keys(env).filter((name) => name.includes("SAMPLER")), []);
    const { egress } = find(manifests, "NetworkPolicy", `reddit-${job}`).spec;
    assert(egress.some(({ to, ports }: Manifest) => to === undefined && ports[0].port === 4318));
  }
  assert(!JSON.stringify(await renderChart()).includes("OTEL_"));
});

Deno.test("no password is an argument or a variable", async () => {
  for (const presets of Object.values(PRESETS)) {
    const text = JSON.stringify(await renderChart({ presets }))
      .replaceAll(/secrets\/\w+\/password/g, "")
      // The exporter takes it no other way; the value stays in the Secret.
      .replaceAll(/"name":"ES_PASSWORD","valueFrom":\{"secretKeyRef":\{[^}]*\}\}/g, "");
    assert(!/"(name|value)":"[^"]*password[^"]*"/i.test(text));
  }
});

Deno.test("Elasticsearch's own security is that of its Secret, and the jobs log in", async () => {
  const manifests = await renderChart({ presets: PRESETS.prod! });
  const { spec } = find(manifests, "StatefulSet", "reddit-elasticsearch").spec.template;
  const volume = spec.volumes.find(({ name }: Manifest) => name === "security");
  assertEquals(volume.secret, { secretName: "reddit-pipeline-elasticsearch" });
  assertEquals(spec.containers[0].readinessProbe.tcpSocket, { port: "http" });
  const { elasticsearch } = configOf(manifests, "serving");
  assertEquals(elasticsearch.nodes, [
    "https://reddit-elasticsearch.reddit-pipeline.svc.cluster.local:9200",
  ]);
  assertEquals(elasticsearch.username, "elastic");
});

Deno.test("history and set-up are commands of the jobs, in order", async () => {
  const manifests = await renderChart();
  const steps = (component: string) => {
    const { spec } =
      manifests.find(({ kind, metadata }) =>
        kind === "Job" && metadata.labels["app.kubernetes.io/component"] === component
      ).spec.template;
    return [...spec.initContainers, ...spec.containers].map(({ image, args }) =>
      `${image.replace(/^.*\/|:.*$/g, "")} ${args[0]}`
    );
  };
  assertEquals(steps("setup"), ["ingest setup", "batch setup"]);
  assertEquals(steps("history"), ["generator historical", "ingest bootstrap", "batch run"]);
});

Deno.test("helm test runs commands of the jobs in the jobs' images, one after the other", async () => {
  const pods = (await renderChart()).filter(({ kind }) => kind === "Pod");
  const weight = ({ metadata }: Manifest) => Number(metadata.annotations["helm.sh/hook-weight"]);
  pods.sort((a, b) => weight(a) - weight(b));
  assertEquals(
    pods.map(({ spec: { containers: [{ image, args }] } }) =>
      `${image.replace(/^.*\/|:.*$/g, "")} ${args[0]}`
    ),
    ["ingest check", "batch check", "generator canary", "batch verify"],
  );
  const [{ args }] = pods[2].spec.containers;
  assertEquals(
    args[args.indexOf("--serving") + 1],
    "http://reddit-serving.reddit-pipeline.svc.cluster.local:80",
  );
});
