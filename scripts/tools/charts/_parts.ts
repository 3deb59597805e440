/**
 * Building blocks of the charts' values, besides the settings of the jobs.
 *
 * @module
 */

import { integer, port } from "@pipeline/runtime";
import { z } from "zod";

const { boolean, enum: choice, record, strictObject, string } = z;

/** Text of a pattern, with an example for readers of the reference. */
function form(pattern: RegExp): z.ZodString {
  return string().regex(pattern);
}

/** An amount in Kubernetes' form. */
function quantity(): z.ZodType {
  return z.union([form(/^\d+(\.\d+)?(m|k|Ki|M|Mi|G|Gi|T|Ti)?$/), z.number().min(0)]);
}

/** Amounts that a container requests or is limited to. */
export const amounts: z.ZodType = strictObject({
  cpu: quantity().optional().describe("Cores"),
  memory: quantity().optional().describe("Bytes"),
  "ephemeral-storage": quantity().optional().describe("Bytes of what no volume holds"),
});

/** Requests and limits of a container. */
export const resources: z.ZodType = strictObject({
  requests: amounts,
  limits: amounts,
});

/** The same for a container with defaults of its own. */
export const ownResources: z.ZodType = strictObject({
  requests: amounts.optional(),
  limits: amounts.optional(),
});

/** A registry, with an optional path. */
export function registry(): z.ZodString {
  return form(/^([\w.-]+(:\d+)?(\/[\w.-]+)*\/?)?$/);
}

/** An image: by digest if one is given, else by tag. */
export const image: z.ZodType = strictObject({
  registry: registry().describe("Registry; `global.imageRegistry` wins over it"),
  repository: form(/^[a-z0-9]+([._/-][a-z0-9]+)*$/).describe("Repository"),
  tag: form(/^[\w.-]{0,128}$/).describe("Tag; the chart's appVersion where empty"),
  digest: form(/^(sha256:[0-9a-f]{64})?$/).describe("Digest, in place of the tag"),
  pullPolicy: choice(["Always", "IfNotPresent", "Never"]).describe("When it is fetched"),
});

/** A probe of a container; the request is defined by the chart. */
export function probe(): z.ZodType {
  return strictObject({
    periodSeconds: integer({ min: 1 }).describe("Time between two probes"),
    timeoutSeconds: integer({ min: 1 }).describe("Longest time to wait for an answer"),
    failureThreshold: integer({ min: 1 }).describe("Failures in a row that count"),
  });
}

/** Probes of a job, which serves from the start. */
export const jobProbes: z.ZodType = strictObject({ liveness: probe(), readiness: probe() });

/** Probes of a server, which is slow to start. */
export const serverProbes: z.ZodType = strictObject({
  startup: probe(),
  liveness: probe(),
  readiness: probe(),
});

/** The name of a label or annotation. */
const name = /^([a-z0-9]([a-z0-9.-]*[a-z0-9])?\/)?[A-Za-z0-9]([\w.-]{0,61}[A-Za-z0-9])?$/;
/** Annotations, of any object. */
export const annotations: z.ZodType = record(form(name), string());
/** Value of a label. */
export const labelValue: z.ZodString = form(/^([A-Za-z0-9]([\w.-]{0,61}[A-Za-z0-9])?)?$/);
/** Labels, of pods and of nodes. */
export const labels: z.ZodType = record(form(name), labelValue);
/** Name of an existing Kubernetes object, or none. */
export const objectName: z.ZodString = form(/^([a-z0-9]([a-z0-9.-]*[a-z0-9])?)?$/);
/** Name of a storage class, or a dash for none. */
export const storageClass: z.ZodString = form(/^(-|[a-z0-9]([a-z0-9.-]*[a-z0-9])?)?$/);
const anything = z.looseObject({});

/** Placement and metadata of pods. */
export const placement: z.ZodRawShape = {
  spread: strictObject({
    topologyKey: form(/^([\w.-]+\/)?[\w.-]*$/).describe(
      "Label that distinguishes nodes; anywhere if empty",
    ),
    whenUnsatisfiable: choice(["ScheduleAnyway", "DoNotSchedule"])
      .describe("Whether pods may share a node all the same"),
  }),
  terminationGracePeriodSeconds: integer({ min: 15, max: 3_600 }).describe(
    "Time to end; a job drains until 10 seconds before",
  ),
  podAnnotations: annotations.describe("Further annotations of the pods"),
  podLabels: labels.describe("Further labels of the pods"),
  nodeSelector: labels.describe("Labels of the nodes that pods run on"),
  tolerations: z.array(anything).describe("Taints of nodes that pods bear"),
  affinity: anything.describe("Affinity as a pod has it"),
  priorityClassName: objectName.describe("Priority class"),
  extraEnv: z.array(anything).describe("Further variables, as a container has them"),
  serviceAccount: strictObject({
    annotations: annotations.describe("Annotations of the service account, which has no token"),
  }),
};

/** Volumes of a server. */
export const persistence: z.ZodType = strictObject({
  enabled: boolean().describe("Volumes that outlive pods"),
  size: quantity().describe("Size of each volume"),
  storageClass: storageClass.describe(
    "Storage class; `global.storageClass` where empty, none where `-`",
  ),
  whenDeleted: choice(["Retain", "Delete"])
    .describe("What becomes of the volumes when the release is uninstalled"),
});

/** A service that may be published. */
export function service(fields: z.ZodRawShape = {}): z.ZodType {
  return strictObject({
    type: choice(["ClusterIP", "NodePort", "LoadBalancer"]).describe(
      "How it is reached; other than ClusterIP, from anywhere",
    ),
    nodePort: port().optional().describe("Port of the nodes; any free one by default"),
    ...fields,
  });
}

/** Number of concurrent evictions. */
export function podDisruptionBudget(otherwise: string): z.ZodType {
  return strictObject({
    enabled: boolean().describe("Keep evictions to what the copies bear"),
    maxUnavailable: integer({ min: 1 }).optional()
      .describe(`Pods that may be evicted at a time; ${otherwise} by default`),
  });
}

/** Heap of a Java process. */
export function heap(): z.ZodType {
  return form(/^[1-9]\d*[mg]$/).describe("Heap, such as 512m or 2g; about half of the memory");
}

/** The user that a server runs as. */
export function runAsUser(): z.ZodType {
  return integer({ min: 1 }).describe("Id of the user and group that the image is built for");
}

/** Further settings of a server, in its own names; nested ones are allowed besides dotted names. */
export function settings(of: string, nested = false): z.ZodType {
  const value = z.union([string(), z.number(), z.boolean()]);
  const values = [value, z.array(value), z.null(), ...(nested ? [anything] : [])];
  return record(string(), z.union(values)).describe(
    `Further settings of ${of}; they override the chart's, null removes one of the chart's, and those that the release relies on are refused`,
  );
}

/** Schedule of a periodic command. */
export const cron: z.ZodRawShape = {
  schedule: form(/^(@\w+|\S+( \S+){4})$/).describe("When, as cron has it"),
  timeZone: form(/\S/).describe("Time zone of the schedule"),
  suspend: boolean().describe("Not for now"),
  startingDeadlineSeconds: integer({ min: 10 }).describe("How late a run may begin"),
  backoffLimit: integer({ max: 20 }).describe("Further tries of a run that fails"),
  successfulJobsHistoryLimit: integer({ max: 100 }).describe("Finished runs that are kept"),
  failedJobsHistoryLimit: integer({ max: 100 }).describe("Failed runs that are kept"),
};

/** On or off. */
export function enabled(what: string): z.ZodType {
  return boolean().describe(what);
}

/** Replicas of a component. */
export function replicas(what: string): z.ZodType {
  return integer({ min: 1, max: 1_000 }).describe(what);
}
