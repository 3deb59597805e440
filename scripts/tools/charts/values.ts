/**
 * The values of each chart: the settings of its job, and the charts' own values.
 *
 * @module
 */

import { SPECS } from "@pipeline/demo/specs";
import { configJsonSchema, integer } from "@pipeline/runtime";
import { z } from "zod";
import { deadline, ipFamilies, networkPolicies, networkPolicy } from "./_network.ts";
import {
  annotations,
  cron,
  enabled,
  heap,
  image,
  jobProbes,
  labels,
  labelValue,
  objectName,
  ownResources,
  persistence,
  placement,
  podDisruptionBudget,
  registry,
  replicas,
  resources,
  runAsUser,
  serverProbes,
  service,
  settings,
  storageClass,
} from "./_parts.ts";

/** The part of JSON Schema that is used. */
export interface JsonSchema {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly anyOf?: readonly JsonSchema[];
  readonly items?: JsonSchema;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | JsonSchema;
}

const { array, boolean, enum: choice, looseObject, strictObject, string } = z;

const texts = array(string().regex(/\S/));
const duration = z.union([string().regex(/^\d+(\.\d+)?(ms|s|m|h|d)$/), integer()]);

/**
 * Values that connect the charts. They are mixed with a parent chart's values for its other charts.
 */
const globals = looseObject({
  imageRegistry: registry().describe("Registry of every image; it wins over the image's own"),
  jobs: strictObject({
    imageRegistry: registry().describe(
      "Registry of the project's own images (the jobs' and the JMX exporter's); it wins over both",
    ),
  }),
  imagePullSecrets: array(z.union([
    objectName.min(1),
    strictObject({ name: objectName.min(1) }),
  ])).describe("Secrets with which images are fetched, by name or as `{name: x}`"),
  storageClass: storageClass.describe(
    "Storage class of volumes; the cluster's default where empty, none where `-`",
  ),
  clusterDomain: string().regex(/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/)
    .describe("Domain of the cluster's names"),
  ...ipFamilies,
  networkPolicy: networkPolicies,
  metrics: strictObject({
    enabled: boolean().describe("Exporters beside Kafka, HDFS and Elasticsearch"),
    jmxExporter: strictObject({ image, resources }),
  }),
  otel: strictObject({
    enabled: enabled(
      "Send traces, metrics and logs of the jobs to a collector; their images end in `-otel` then",
    ),
    endpoint: string().regex(/^(https?:\/\/\S+)?$/).describe("URL of the collector"),
    protocol: choice(["http/protobuf", "http/json"]).describe("How OTLP is spoken"),
  }),
  endpoints: strictObject({
    kafka: texts.describe("`host:port` of some brokers, with `kafka.enabled=false`"),
    hdfs: texts.describe("URLs of the NameNodes' HTTP servers, with `hdfs.enabled=false`"),
    elasticsearch: texts.describe("URLs of nodes, with `elasticsearch.enabled=false`"),
  }),
  credentials: strictObject({
    kafka: strictObject({
      existingSecret: objectName.describe("Secret with what the following ask for"),
      tls: boolean().describe("Encrypt; certificates are always checked"),
      ca: boolean().describe("Authorities are in its key `ca.crt`; the system's where false"),
      clientCertificate: boolean()
        .describe("The client's certificate is in its keys `tls.crt` and `tls.key`"),
      mechanism: choice(["", "plain", "scram-sha-256", "scram-sha-512"])
        .describe("Log in with the username and its key `password`"),
      username: string().describe("The client's name"),
    }),
    hdfs: strictObject({
      existingSecret: objectName.describe("Secret with what the following asks for"),
      ca: boolean().describe("Authorities are in its key `ca.crt`; the system's where false"),
    }),
    elasticsearch: strictObject({
      existingSecret: objectName.describe("Secret with what the following ask for"),
      ca: boolean().describe("Authorities are in its key `ca.crt`; the system's where false"),
      username: string().describe("Log in with it and the key `password`"),
      apiKey: boolean().describe("Log in with its key `api-key`"),
    }),
  }),
  topics: strictObject({
    prefix: string().regex(/^[a-zA-Z0-9._-]{0,100}$/)
      .describe("What the names of topics and groups begin with"),
    partitions: integer({ min: 1, max: 1_000 })
      .describe("Partitions of each topic of records; another number needs a full generation"),
    replication: integer({ min: 1, max: 10 }).describe("Copies of each partition"),
    minInsyncReplicas: integer({ min: 1, max: 10 })
      .describe("Copies that must have a record before it is acknowledged"),
    retention: duration.describe(
      "How long topics keep records; several times the interval between batch runs",
    ),
  }),
  dataset: strictObject({
    root: string().regex(/^\//).describe("Folder that everything is below"),
    user: string().regex(/^[a-zA-Z_][a-zA-Z0-9._-]{0,63}$/)
      .describe("On whose behalf files are written; the release's own HDFS runs as the same"),
    replication: integer({ min: 1, max: 512 }).describe("Copies of each block"),
  }),
  views: strictObject({
    prefix: string().regex(/^([a-z][a-z0-9_-]{0,49})?$/)
      .describe("What the names of indices, aliases and templates begin with"),
    shards: integer({ min: 1, max: 1_024 }).describe(
      "Primary shards of an index, from the next generation on",
    ),
    replicas: integer({ max: 10 }).describe("Copies of each shard beside the primary"),
  }),
  maxFuture: duration.describe(
    "How far ahead of the log's clock an event may be; beyond, it is a dead letter",
  ),
});

/** Scope and time limit of verification. */
const verification = {
  sample: integer({ max: 1_000_000 }).describe("Keys of each view that are verified; all where 0"),
  within: duration.describe(
    "Time limit; then it fails, and reports what was verified until then",
  ),
  activeDeadlineSeconds: deadline("the pod"),
};

/** Objects of the umbrella itself. */
const UMBRELLA = {
  setup: strictObject({ resources, networkPolicy }),
  history: strictObject({
    resources: ownResources.describe("Of each step; those of the step's job by default"),
    networkPolicy,
  }),
  tests: strictObject({
    networkPolicy,
    topics: strictObject({ activeDeadlineSeconds: deadline("the test of topics and copies") }),
    views: strictObject({ activeDeadlineSeconds: deadline("the test of the views") }),
    canary: strictObject({ activeDeadlineSeconds: deadline("the test with a record of its own") }),
    verify: strictObject(verification),
  }),
};

const promDuration = string().regex(/^(\d+(ms|[smhdwy]))+$/);

/** A threshold of an alert, as a share. */
function share(alert: string): z.ZodType {
  return z.number().min(0).max(1).describe(`Share, 0 to 1: \`${alert}\``);
}

/** Values of every job's chart. */
const job = { image, resources, networkPolicy, ...placement };

/** The charts' own values, by chart. A job's settings replace `config`. */
const PARTS: Readonly<Record<string, z.ZodRawShape>> = {
  kafka: {
    image,
    networkPolicy,
    replicas: replicas("Brokers"),
    controllers: z.literal([1, 3, 5, 7])
      .describe("The first so many brokers are also the controllers; never changed"),
    clusterId: string().regex(/^([\w-]{22})?$/)
      .describe("Id of the cluster, never changed; derived from namespace and release if empty"),
    runAsUser: runAsUser(),
    heap: heap(),
    config: settings("`server.properties`"),
    persistence,
    resources,
    probes: serverProbes,
    podDisruptionBudget: podDisruptionBudget(
      "the copies of a partition less those that must be there, but at least one",
    ),
    ...placement,
  },
  hdfs: {
    image,
    runAsUser: runAsUser(),
    namenode: strictObject({
      heap: heap(),
      persistence,
      resources,
      networkPolicy,
      service: service(),
    }),
    datanode: strictObject({
      replicas: replicas("DataNodes"),
      heap: heap(),
      persistence,
      resources,
      networkPolicy,
    }),
    config: settings("`hdfs-site.xml`"),
    probes: serverProbes,
    podDisruptionBudget: podDisruptionBudget(
      "the copies of a block less two, but at least one (DataNodes)",
    ),
    ...placement,
  },
  elasticsearch: {
    image,
    networkPolicy,
    replicas: replicas("Nodes"),
    runAsUser: runAsUser(),
    heap: heap(),
    allowMmap: boolean().describe(
      "Map files into memory; needs `vm.max_map_count` of 262144 or more on the hosts",
    ),
    security: strictObject({
      existingSecret: objectName.describe(
        "Secret with `tls.crt`, `tls.key`, `ca.crt` of the nodes and the `password` of the user elastic; no security where empty",
      ),
    }),
    exporter: strictObject({
      enabled: enabled("Say the nodes' metrics to Prometheus"),
      image,
      runAsUser: runAsUser(),
      resources,
      networkPolicy,
    }),
    config: settings("`elasticsearch.yml`", true),
    service: service(),
    persistence,
    resources,
    probes: serverProbes,
    podDisruptionBudget: podDisruptionBudget("one"),
    ...placement,
  },
  generator: {
    historical: strictObject({ enabled: enabled("Generate history and load it, once") }),
    realtime: strictObject({ enabled: enabled("Produce live traffic") }),
    canary: strictObject({
      every: z.union([z.literal(""), duration]).describe(
        "Time between two that are sent and watched all the time; none but that of `helm test` where empty",
      ),
      within: duration.describe("Longest time until one is served"),
      committedWithin: duration.describe(
        "Longest time until that of `helm test` is in the dataset",
      ),
      networkPolicy,
    }),
    probes: jobProbes,
    ...job,
  },
  ingest: {
    replicas: replicas("Pods; at most `global.topics.partitions`"),
    probes: jobProbes,
    podDisruptionBudget: podDisruptionBudget("one"),
    ...job,
  },
  batch: {
    ...cron,
    activeDeadlineSeconds: deadline("a run, what it verifies included,"),
    verifyRuns: enabled(
      "Verify each generation once it serves, all of it: for datasets that are verified faster than runs follow one another",
    ),
    verify: strictObject({
      enabled: enabled("Periodically recompute the served documents and compare"),
      ...cron,
      ...verification,
    }),
    ...job,
  },
  speed: {
    replicas: replicas("Pods; at most `global.topics.partitions`"),
    standby: strictObject({
      enabled: enabled(
        "Run pods that fold and answer the same and write nothing, so that answers stay fresh when a pod fails",
      ),
      replicas: replicas("Pods of the standby; at most `global.topics.partitions`"),
    }),
    probes: jobProbes,
    podDisruptionBudget: podDisruptionBudget("one"),
    ...job,
  },
  serving: {
    replicas: replicas("Pods"),
    service: service({
      port: integer({ min: 1, max: 65_535 }).describe("Port of the API and the page"),
      annotations: annotations.describe("Annotations of the service"),
    }),
    probes: jobProbes,
    podDisruptionBudget: podDisruptionBudget("one"),
    ...job,
  },
  prometheus: {
    image,
    networkPolicy,
    server: strictObject({
      enabled: enabled("Run Prometheus; without it, only the objects of `operator` are created"),
    }),
    operator: strictObject({
      enabled: enabled("Make PodMonitors and a PrometheusRule, for clusters with the operator"),
      labels: labels.describe(
        "What the operator's Prometheus selects them by",
      ),
    }),
    runAsUser: runAsUser(),
    scrapeInterval: promDuration.describe("Time between two scrapes, and evaluations of the rules"),
    retention: strictObject({
      time: promDuration.describe("How long samples are kept"),
      size: string().regex(/^\d+(B|KB|MB|GB|TB)$/)
        .describe("Bytes beyond which the oldest go first; three quarters of the volume"),
    }),
    externalUrl: string().regex(/^(https?:\/\/\S+)?$/)
      .describe("Where browsers reach it; alerts link to it"),
    runbookUrl: string().regex(/^(https?:\/\/\S+[^/])?$/)
      .describe("Folder of the runbooks that alerts link to; where empty, Prometheus serves them"),
    alertmanagers: array(string().regex(/^(\[[0-9a-fA-F:.]+\]|[^:\s/]+):\d+$/))
      .describe("`host:port` of those that alerts are sent to"),
    thresholds: strictObject({
      horizonAge: integer({ min: 1 }).describe("Seconds: `HorizonTooOld`"),
      lag: integer().describe("Records: `ConsumerLagGrowing`"),
      hdfsFree: share("HdfsSpaceLow"),
      elasticsearchFree: share("ElasticsearchDiskWatermark"),
      visibleInTime: share("LatencyBudgetBurn"),
      copyAge: integer({ min: 1 }).describe("Seconds: `StoreCopyStale`"),
      restarts: integer().describe("Starts within half an hour: `JobRestarting`"),
    }),
    alerts: z.record(
      string(),
      strictObject({
        enabled: boolean().optional().describe("Whether it is created"),
        for: promDuration.optional().describe("How long it must hold"),
        severity: string().regex(/\S/).optional().describe("Its label"),
      }),
    ).describe("Settings that replace an alert's own, by its name"),
    hold: string().regex(/^(\d+(ms|[smhdwy]))*$/)
      .describe("How long every other alert must hold; its own time where empty"),
    config: settings("Prometheus: flags without their dashes"),
    extraRules: array(z.looseObject({})).describe(
      "Further groups of rules, as Prometheus has them",
    ),
    extraScrapeConfigs: array(z.looseObject({})).describe(
      "Further jobs to scrape; ports of `static_configs` are opened, those that are found otherwise by `networkPolicy.extraEgress`",
    ),
    service: service(),
    persistence,
    resources,
    probes: serverProbes,
    ...placement,
  },
  grafana: {
    image,
    networkPolicy,
    server: strictObject({
      enabled: enabled("Run Grafana; without it, only the dashboards' ConfigMaps are created"),
    }),
    runAsUser: runAsUser(),
    admin: strictObject({
      existingSecret: objectName.describe(
        "Secret with `admin-user` and `admin-password`, which production wants",
      ),
    }),
    adminPassword: string().describe(
      "Password of the user admin, for development; without it and a Secret, each pod makes one up, in `/var/lib/grafana/admin-password`",
    ),
    datasources: strictObject({
      prometheus: strictObject({
        url: string().regex(/^(https?:\/\/\S+)?$/)
          .describe("URL of a Prometheus; the release's own where empty"),
        scrapeInterval: string().regex(/^\d+(ms|s|m)$/)
          .describe("How often it scrapes; rates are taken over several scrapes"),
      }),
    }),
    dashboards: strictObject({
      label: string().regex(/^[a-zA-Z0-9./_-]+$/)
        .describe("Label of the dashboards' ConfigMaps, by which Grafana's sidecar finds them"),
      labelValue: labelValue.describe("Its value"),
      annotations: annotations.describe(
        "Their annotations, such as the folder that a sidecar puts them in",
      ),
    }),
    config: settings("Grafana, as variables named `GF_<SECTION>_<KEY>`"),
    service: service({
      port: integer({ min: 1, max: 65_535 }).describe("Port of the service"),
      annotations: annotations.describe("Annotations of the service"),
    }),
    resources,
    probes: serverProbes,
    ...placement,
  },
};

/** The names of the values for the umbrella's own objects. */
export const OWN: readonly string[] = Object.keys(UMBRELLA);

/** The charts with values, in the order of their description. */
export const CHARTS: readonly string[] = Object.keys(PARTS);

/** Members of the jobs' settings that the chart sets, or that have no use in a pod. */
const WIRED = [
  ...["grace", "ops", "embedded", "partitions", "maxFuture", "views.maxFuture", "host", "port"],
  ...["parts.host", "parts.port", "standby", "speed.urls"],
  ...["brokers", "prefix", "replication", "minInsyncReplicas", "retention", "tls", "sasl"]
    .map((member) => `kafka.${member}`),
  ...["namenodes", "user", "root", "replication", "caFile"].map((member) => `hdfs.${member}`),
  ...["nodes", "username", "passwordFile", "apiKeyFile", "caFile", "prefix", "shards", "replicas"]
    .map((member) => `elasticsearch.${member}`),
  // Files of a pod, which users could not reach.
  ...["ledger", "manifest", "archive"],
];

/** The settings of a job that users may change, as JSON Schema; `undefined` for other charts. */
export function jobSettings(chart: string): JsonSchema | undefined {
  const config = SPECS.find(({ name }) => name === chart)?.config;
  if (config === undefined) return undefined;
  const { $schema: _, ...schema } = configJsonSchema(config) as JsonSchema & { $schema?: string };
  return { ...without(schema, WIRED), description: "Settings of the job" };
}

/** The schema without the members at these paths. */
function without(schema: JsonSchema, paths: readonly string[], at = ""): JsonSchema {
  const { properties, required, ...rest } = schema;
  if (properties === undefined) return schema;
  const kept = Object.entries(properties).filter(([key]) => !paths.includes(at + key));
  const needed = (required ?? []).filter((key) => !paths.includes(at + key));
  return {
    ...rest,
    properties: Object.fromEntries(
      kept.map(([key, member]) => [key, without(member, paths, `${at}${key}.`)]),
    ),
    ...(needed.length === 0 ? {} : { required: needed }),
  };
}

/** JSON Schema of a chart's values. */
export function chartSchema(chart: string): JsonSchema {
  const schema = configJsonSchema(strictObject({
    enabled: enabled("Whether it is part of the release").optional(),
    // Checked by the umbrella's schema, which sees the same value.
    global: looseObject({}),
    ...PARTS[chart]!,
  })) as JsonSchema;
  const config = jobSettings(chart);
  if (config === undefined) return schema;
  return {
    ...schema,
    properties: { ...schema.properties, config },
    required: [...schema.required ?? [], "config"],
  };
}

/** JSON Schema of the umbrella's values; the charts' own schemas check what is below their names. */
export function umbrellaSchema(): JsonSchema {
  const below = z.looseObject({ enabled: enabled("Whether it is part of the release") });
  return configJsonSchema(strictObject({
    // Set by a parent chart that switches this one on and off.
    enabled: enabled("Whether a parent chart has it").optional(),
    global: globals,
    ...UMBRELLA,
    common: strictObject({ global: z.looseObject({}).optional() }).optional(),
    ...Object.fromEntries(CHARTS.map((chart) => [chart, below])),
  })) as JsonSchema;
}
