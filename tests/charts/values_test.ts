import {
  CHART,
  CHARTS,
  chartSchema,
  generated,
  helm,
  jobSettings,
  type JsonSchema,
  OWN,
  refusal,
  renderText,
  umbrellaSchema,
} from "@pipeline/tools/charts";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { parse } from "yaml";
import { merged, type Mutation, mutations, nested } from "./_mutations.ts";

type Values = Record<string, unknown>;

async function valuesOf(chart: string): Promise<Values> {
  return parse(await Deno.readTextFile(`${CHART}/charts/${chart}/values.yaml`));
}

const umbrella: Values = parse(await Deno.readTextFile(`${CHART}/values.yaml`));

Deno.test("schemas and the reference are what scripts/charts writes", async () => {
  for (const [path, text] of await generated()) {
    assertEquals(await Deno.readTextFile(path), text, path);
  }
});

/** A schema's text, with what it has once in each place that refers to it. */
async function wholeSchema(folder: string): Promise<JsonSchema> {
  const text = await Deno.readTextFile(`${folder}/values.schema.json`);
  const { definitions = {}, ...schema } = JSON.parse(text);
  const whole = (value: unknown): unknown =>
    JSON.parse(JSON.stringify(value), (_, member) => {
      const name = member?.$ref?.replace("#/definitions/", "");
      return name === undefined ? member : whole(definitions[name]);
    });
  return whole(schema) as JsonSchema;
}

Deno.test("a schema with shared definitions expands to the schema in the code", async () => {
  assertEquals(await wholeSchema(CHART), umbrellaSchema());
  for (const chart of CHARTS) {
    assertEquals(await wholeSchema(`${CHART}/charts/${chart}`), chartSchema(chart), chart);
  }
});

/** Free-form members: what Kubernetes or a server defines. */
const FREE =
  /\.(config|labels|alerts|podAnnotations|podLabels|nodeSelector|affinity|annotations)$|\[\]$/;

function* objects(schema: JsonSchema, path: string): Generator<[string, JsonSchema]> {
  if (schema.type === "object") yield [path, schema];
  for (const [key, member] of Object.entries(schema.properties ?? {})) {
    yield* objects(member, `${path}.${key}`);
  }
  if (schema.items !== undefined) yield* objects(schema.items, `${path}[]`);
}

Deno.test("schemas are strict on every level", () => {
  for (const chart of CHARTS) {
    for (const [path, { additionalProperties, properties }] of objects(chartSchema(chart), chart)) {
      if (FREE.test(path) && Object.keys(properties ?? {}).length === 0) continue;
      // A parent chart has names of its own there.
      if (path === `${chart}.global`) continue;
      assertEquals(additionalProperties, false, path);
    }
  }
  const { additionalProperties, properties } = umbrellaSchema();
  assertEquals(additionalProperties, false);
  assertEquals(
    Object.keys(properties!).sort(),
    ["common", "enabled", "global", ...OWN, ...CHARTS].sort(),
  );
});

Deno.test("values.yaml and schema have the same keys, both ways", async () => {
  for (const chart of CHARTS) {
    const { properties, required } = chartSchema(chart);
    const { global: _, enabled: __, config, ...own } = properties!;
    const { config: ___, ...values } = await valuesOf(chart);
    const needed = required!.filter((key) => key !== "global" && key !== "config");
    assertEquals(unequal({ properties: own, required: needed }, values, chart), []);
    assert(config !== undefined);
  }
  const { properties } = umbrellaSchema();
  for (const name of ["global", ...OWN]) {
    assertEquals(unequal(properties![name]!, umbrella[name], name), []);
  }
});

function unequal(schema: JsonSchema, values: unknown, path: string): string[] {
  const { properties = {}, required = [] } = schema;
  if (Object.keys(properties).length === 0) return [];
  const given = Object.keys(values as Values);
  return [
    ...given.filter((key) => !(key in properties)).map((key) => `${path}.${key} is in no schema`),
    ...required.filter((key) => !given.includes(key)).map((key) => `${path}.${key} has no default`),
    ...given.filter((key) => key in properties)
      .flatMap((key) => unequal(properties[key]!, (values as Values)[key], `${path}.${key}`)),
  ];
}

const MISSPELT: readonly [values: Values, line: string][] = [
  [{ kafak: { replicas: 1 } }, "at '': additional properties 'kafak' not allowed"],
  [
    { global: { topics: { partition: 1 } } },
    "at '/global/topics': additional properties 'partition' not allowed",
  ],
  [{ kafka: { replcas: 1 } }, "at '': additional properties 'replcas' not allowed"],
  [
    { hdfs: { namenode: { service: { port: 1 } } } },
    "at '/namenode/service': additional properties 'port' not allowed",
  ],
  [
    { speed: { config: { flushIntervall: "1s" } } },
    "at '/config': additional properties 'flushIntervall' not allowed",
  ],
  [
    { ingest: { config: { kafka: { brokers: ["x:1"] } } } },
    "at '/config/kafka': additional properties 'brokers' not allowed",
  ],
  [
    { serving: { probes: { liveness: { path: "/" } } } },
    "at '/probes/liveness': additional properties 'path' not allowed",
  ],
];

for (const [values, line] of MISSPELT) {
  Deno.test(`Helm refuses ${JSON.stringify(values)}`, async () => {
    const lines = (await renderText({ values })).stderr.split("\n").map((one) => one.slice(2));
    assert(lines.includes(line), lines.join("\n"));
  });
}

const WRONG: readonly [values: Values, line: RegExp][] = [
  [{ kafka: { replicas: 0 } }, /^at '\/replicas': minimum: got 0, want 1$/],
  [{ kafka: { replicas: "3" } }, /^at '\/replicas': got string, want integer$/],
  [{ kafka: { controllers: 2 } }, /^at '\/controllers': value must be one of 1, 3, 5, 7$/],
  [{ elasticsearch: { heap: "2 GB" } }, /^at '\/heap': '2 GB' does not match pattern/],
  [{ serving: { service: { type: "Nodeport" } } }, /^at '\/service\/type': value must be one of/],
  [{ ingest: { image: { digest: "sha256:1" } } }, /^at '\/image\/digest': 'sha256:1' does not/],
  [{ batch: { schedule: "hourly" } }, /^at '\/schedule': 'hourly' does not match pattern/],
  [{ batch: { config: { threads: 0 } } }, /^at '\/config\/threads': minimum: got 0, want 1$/],
  [{ global: { views: { replicas: 99 } } }, /^at '\/global\/views\/replicas': maximum: got 99/],
  [
    { grafana: { admin: { existingSecret: "My_Secret" } } },
    /^at '\/admin\/existingSecret': 'My_Sec/,
  ],
  [{ global: { imagePullSecrets: ["A"] } }, /^at '\/global\/imagePullSecrets\/0': 'anyOf' failed/],
  [
    { global: { imageRegistry: "https://r" } },
    /^at '\/global\/imageRegistry': 'https:\/\/r' does not/,
  ],
  [{ global: { clusterDomain: "a\nb" } }, /^at '\/global\/clusterDomain': 'a\\nb' does not match/],
  [
    { kafka: { persistence: { storageClass: "A b" } } },
    /^at '\/persistence\/storageClass': 'A b' doe/,
  ],
  [{ speed: { podLabels: { team: "a b" } } }, /^at '\/podLabels\/team': 'a b' does not match/],
  [{ speed: { podLabels: { "a b": "x" } } }, /invalid propertyName 'a b'$/],
];

for (const [values, line] of WRONG) {
  Deno.test(`Helm refuses ${JSON.stringify(values)}`, async () => {
    const { stderr } = await renderText({ values });
    const [found] = stderr.split("\n").filter((one) => one.startsWith("- ")).map((one) =>
      one.slice(2)
    );
    assertMatch(found ?? stderr, line);
  });
}

Deno.test("Helm refuses a value under global once", async () => {
  const { stderr } = await renderText({ values: { global: { topics: { partitions: 0 } } } });
  const found = stderr.split("\n").filter((line) => line.startsWith("- at"));
  assertEquals(found, ["- at '/global/topics/partitions': minimum: got 0, want 1"]);
});

/** Names under global of which no chart knows anything. */
const FOREIGN = [
  ...["environment", "hotel", "storage", "defaultStorageClass", "security", "postgresql", "domain"],
  ...["imageTag", "viewer", "x", "jobScheduler"],
];

Deno.test("a parent chart's own names under global pass, whatever they hold", async () => {
  for (const value of ["staging", { deep: { er: [1] } }, ["a"], 12_345_678, null, false]) {
    const global = Object.fromEntries(FOREIGN.map((name) => [name, value]));
    assertEquals((await renderText({ values: { global } })).stderr, "");
  }
});

Deno.test("a name under global that is one letter off is refused with the one that is meant", async () => {
  const misspelt = Object.keys(umbrellaSchema().properties!.global!.properties!)
    .flatMap((name): [string, string][] => {
      const other = [name.toUpperCase(), name[0]!.toUpperCase() + name.slice(1)];
      if (name.length > 4) {
        const [a, b] = [name.slice(0, 2), name.slice(2)];
        other.push(`${a}${b.slice(1)}`, `${a}_${b}`, `${a}0${b.slice(1)}`, `${name}s`);
        other.push(`${name[1]}${name[0]}${b}`, name.slice(0, -1));
      }
      return other.filter((one) => one !== name).map((one) => [one, name]);
    });
  const global = Object.fromEntries(misspelt.map(([wrong]) => [wrong, "x"]));
  assertEquals(
    (await refusal({ values: { global } })).sort(),
    misspelt.map(([wrong, right]) => `ERROR: global.${wrong} is unknown: global.${right} is meant`)
      .sort(),
  );
});

Deno.test("the chart is a dependency of a parent chart, which has globals of its own", async () => {
  const parent = await Deno.makeTempDir();
  try {
    await Deno.mkdir(`${parent}/charts`);
    await new Deno.Command("cp", { args: ["-r", CHART, `${parent}/charts/`] }).output();
    const condition = "reddit-pipeline.enabled";
    await Deno.writeTextFile(
      `${parent}/Chart.yaml`,
      JSON.stringify({
        apiVersion: "v2",
        name: "platform",
        version: "1.0.0",
        dependencies: [{ name: "reddit-pipeline", version: "0.2.0", condition }],
      }),
    );
    const render = async (values: unknown) => {
      const args = ["template", "reddit", parent, "-n", "reddit-pipeline", "--values", "-"];
      return await helm(args, JSON.stringify(values));
    };
    const global = { environment: "staging", imageRegistry: "r.example.com" };
    const enabled = { enabled: true };
    const { stdout, stderr } = await render({ global, "reddit-pipeline": enabled });
    assertEquals(stderr, "");
    assertMatch(stdout, /image: r\.example\.com\/apache\/kafka/);
    const { stderr: refused } = await render({ global: { topic: 1 }, "reddit-pipeline": enabled });
    assertMatch(refused, /^ERROR: global\.topic is unknown: global\.topics is meant$/m);
    assertEquals((await render({ "reddit-pipeline": { enabled: false } })).stdout.trim(), "");
  } finally {
    await Deno.remove(parent, { recursive: true });
  }
});

/** What must be set besides, for a value to have an effect. */
const BESIDES: Readonly<Record<string, Values>> = {
  "serving.service.nodePort": { serving: { service: { type: "NodePort" } } },
  "elasticsearch.service.nodePort": { elasticsearch: { service: { type: "NodePort" } } },
  "prometheus.service.nodePort": { prometheus: { service: { type: "NodePort" } } },
  "speed.standby.replicas": { speed: { standby: { enabled: true } } },
  "prometheus.operator.labels": { prometheus: { operator: { enabled: true } } },
  "grafana.service.nodePort": { grafana: { service: { type: "NodePort" } } },
  "hdfs.namenode.service.nodePort": { hdfs: { namenode: { service: { type: "NodePort" } } } },
  "kafka.podDisruptionBudget.maxUnavailable": { global: { topics: { minInsyncReplicas: 1 } } },
  "elasticsearch.security.existingSecret": {
    global: { credentials: { elasticsearch: { existingSecret: "s", username: "u", ca: true } } },
    elasticsearch: { security: { existingSecret: "s" } },
  },
};

/** Rendered text by chart; that of the umbrella counts for the job charts whose commands it runs. */
async function byChart(values: Values, presets: readonly string[] = []) {
  const { stdout, stderr } = await renderText({ values, presets, unchecked: true });
  assertEquals(stderr, "", JSON.stringify(values));
  const texts = new Map<string, string>();
  for (const text of stdout.split(/^---\n/m)) {
    const source = /^# Source: reddit-pipeline\/(?:charts\/(\w+)\/)?/.exec(text);
    const chart = source?.[1] ?? "umbrella";
    texts.set(chart, (texts.get(chart) ?? "") + text);
  }
  return texts;
}

Deno.test("every value of every chart has an effect", async () => {
  const before = await byChart({});
  const rounds: Mutation[][] = [];
  for (const chart of CHARTS) {
    const { global: _, enabled: __, config: ___, ...own } = chartSchema(chart).properties!;
    const all = [...mutations({ properties: own }, await valuesOf(chart), [chart])];
    // One value a chart and round: charts do not see one another's.
    all.filter(({ path }) => !(path.join(".") in BESIDES) && !ELSEWHERE.test(path.join(".")))
      .forEach((mutation, i) => (rounds[i] ??= []).push(mutation));
  }
  const dead: string[] = [];
  for (const round of rounds) {
    const after = await byChart(Object.assign({}, ...round.map(nested)));
    const same = round.filter(({ path: [chart] }) => after.get(chart!) === before.get(chart!));
    dead.push(...same.map(({ path }) => path.join(".")));
  }
  assertEquals(dead, []);
});

/** Have their effect in the umbrella, which runs commands of several jobs, or for known names only. */
const ELSEWHERE = /^generator\.(historical\.enabled|canary\..+)$|^prometheus\.alerts$/;

Deno.test("values of what the umbrella runs have an effect", async () => {
  const before = (await byChart({})).get("umbrella");
  for (
    const generator of [
      { historical: { enabled: false } },
      { canary: { every: "" } },
      { canary: { within: "1s" } },
      { canary: { committedWithin: "1s" } },
      { canary: { networkPolicy: { extraIngress: [{}] } } },
      { canary: { networkPolicy: { extraEgress: [{}] } } },
    ]
  ) assert((await byChart({ generator })).get("umbrella") !== before);
  const { properties } = umbrellaSchema();
  const own = OWN.flatMap((name) => [...mutations(properties![name]!, umbrella[name], [name])]);
  assert(own.length > OWN.length);
  for (const mutation of own) {
    const after = (await byChart(nested(mutation))).get("umbrella");
    assert(after !== before, mutation.path.join("."));
  }
});

/** Another value, by the end of its path. */
const VALUES: readonly [RegExp, unknown][] = [
  [/nodePort$/, 30_123],
  [/Secret$/, "another"],
  [/labels$/, { other: "other" }],
  [/replicas$/, 2],
];

for (const [path, besides] of Object.entries(BESIDES)) {
  Deno.test(`${path} has an effect`, async () => {
    const [chart] = path.split(".");
    const value = VALUES.find(([pattern]) => pattern.test(path))?.[1] ?? 1;
    const changed = merged(besides, nested({ path: path.split("."), value }));
    assert((await byChart(besides)).get(chart!) !== (await byChart(changed)).get(chart!));
  });
}

Deno.test("every global value has an effect", async () => {
  const base = ["ci/bring-your-own-values.yaml"];
  const schema = umbrellaSchema().properties!.global!;
  const others = ["storageClass", "endpoints", "credentials", "otel"];
  const all = [...mutations(schema, umbrella.global, ["global"])];
  const own = all.filter(({ path }) => !others.includes(path[1]!));
  const before = (await renderText()).stdout;
  for (const mutation of own) {
    const { path } = mutation;
    const values = path.at(-1) === "minInsyncReplicas"
      ? { global: { topics: { minInsyncReplicas: 1 } } }
      : path.join(".") === "global.topics.replication" ||
          path.join(".") === "global.dataset.replication"
      ? nested({ path, value: 2 })
      : nested(mutation);
    const { stdout, stderr } = await renderText({
      values: path.join(".") === "global.topics.replication"
        ? merged(values, { global: { topics: { minInsyncReplicas: 1 } } })
        : values,
    });
    assertEquals(stderr, "", path.join("."));
    assert(stdout !== before, path.join("."));
  }
  // The rest has its effect where servers, Secrets or volumes are others.
  const theirs = (await renderText({ presets: base })).stdout;
  const rest: Values[] = [
    { endpoints: { kafka: ["other:9092"] } },
    { endpoints: { hdfs: ["http://other:9870"] } },
    { endpoints: { elasticsearch: ["https://other:9200"] } },
    ...["kafka", "hdfs", "elasticsearch"].map((name) => ({
      credentials: { [name]: { existingSecret: "other" } },
    })),
    { credentials: { kafka: { tls: false, ca: false, clientCertificate: false } } },
    { credentials: { kafka: { ca: false } } },
    { credentials: { kafka: { clientCertificate: false } } },
    { credentials: { kafka: { mechanism: "plain" } } },
    { credentials: { kafka: { username: "other" } } },
    { credentials: { hdfs: { ca: false } } },
    { credentials: { elasticsearch: { ca: false } } },
    { credentials: { elasticsearch: { apiKey: false } } },
    { credentials: { elasticsearch: { apiKey: false, username: "other" } } },
  ];
  for (const global of rest) {
    const { stdout, stderr } = await renderText({ presets: base, values: { global } });
    assertEquals(stderr, "", JSON.stringify(global));
    assert(stdout !== theirs, JSON.stringify(global));
  }
  const otel = { enabled: true, endpoint: "http://collector:4318" };
  const traced = (await renderText({ values: { global: { otel } } })).stdout;
  assert(traced !== before);
  for (const one of [{ endpoint: "http://collector:4319" }, { protocol: "http/json" }]) {
    const { stdout, stderr } = await renderText({
      values: { global: { otel: { ...otel, ...one } } },
    });
    assertEquals(stderr, "", JSON.stringify(one));
    assert(stdout !== traced, JSON.stringify(one));
  }
  const classes = await renderText({ values: { global: { storageClass: "other" } } });
  assert(classes.stdout !== before);
});

Deno.test("settings of a job reach it as they are", async () => {
  for (const chart of CHARTS.filter((name) => jobSettings(name) !== undefined)) {
    const values = { [chart]: { config: { log: { level: "debug" } } } };
    const text = (await byChart(values)).get(chart)!;
    assertMatch(text, /"level": "debug"/);
  }
});

/** References to values in the templates of a folder, such as `image.pullPolicy`. */
async function references(folder: string): Promise<string[]> {
  const found = new Set<string>();
  for await (const { name } of Deno.readDir(`${folder}/templates`)) {
    const text = await Deno.readTextFile(`${folder}/templates/${name}`);
    for (const [, path] of text.matchAll(/\.Values\.([\w.]+)/g)) found.add(path!);
  }
  return [...found];
}

function has(schema: JsonSchema, [key, ...rest]: readonly string[]): boolean {
  if (key === undefined) return true;
  const { properties = {} } = schema;
  if (Object.keys(properties).length === 0) return true;
  const member = properties[key];
  return member !== undefined && has(member, rest);
}

Deno.test("templates use no value that no schema has", async () => {
  for (const chart of CHARTS) {
    const unknown = (await references(`${CHART}/charts/${chart}`))
      .filter((path) => !has(chartSchema(chart), path.split(".")));
    assertEquals(unknown, [], chart);
  }
  const shared = (await references(`${CHART}/charts/common`)).filter((path) =>
    !CHARTS.some((chart) => has(chartSchema(chart), path.split(".")))
  );
  assertEquals(shared, []);
});

Deno.test("refusal() fails where nothing is refused", async () => {
  const failed = await refusal({ values: {} }).then(() => false, () => true);
  assert(failed);
});
