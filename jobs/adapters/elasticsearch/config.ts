/**
 * Configuration of the Elasticsearch adapter. Loads no client.
 *
 * @module
 */

import { byteSize, duration, integer, type QuantityField, text } from "@pipeline/runtime";
import { z } from "zod";

/** Connection and use of Elasticsearch. Times in milliseconds, sizes in bytes. */
export interface ElasticsearchConfig {
  /** URLs of nodes, `http://host:port` or `https://host:port`. */
  readonly nodes: readonly string[];
  /** User for basic authentication. */
  readonly username?: string | undefined;
  /** File with the user's password. */
  readonly passwordFile?: string | undefined;
  /** File with an API key in its encoded form. */
  readonly apiKeyFile?: string | undefined;
  /** PEM file of the authorities that the nodes' certificates are checked against. */
  readonly caFile?: string | undefined;
  /** Prefix of the names of all indices, aliases and templates. */
  readonly prefix: string;
  /** Primary shards of a view's index of batch's documents. */
  readonly shards: number;
  /** Replicas of each shard, once a generation is sealed. */
  readonly replicas: number;
  /** Longest time until a search sees a write, once a generation is sealed. */
  readonly refreshInterval: number;
  /** The same while batch loads a generation. */
  readonly loadRefreshInterval: number;
  /** Longest time to wait for an answer. */
  readonly requestTimeout: number;
  /** Longest time to wait for the answer to a bulk request. */
  readonly bulkTimeout: number;
  /** Longest time to wait for all replicas of a generation. */
  readonly sealTimeout: number;
  /** Most documents of a bulk request. */
  readonly bulkDocuments: number;
  /** Size at which the next bulk request starts. */
  readonly bulkBytes: number;
  /** Most concurrent bulk requests. */
  readonly bulkConcurrency: number;
}

/** Accepted input for an {@linkcode ElasticsearchConfig}. */
export type ElasticsearchInput =
  & { readonly nodes: readonly string[] }
  & Partial<Record<keyof ElasticsearchConfig, unknown>>;

const NODE = 'a URL such as "https://elasticsearch:9200", without user, path or query';

const node = z.string({ error: NODE }).refine(isNode, { error: NODE });

function isNode(value: string): boolean {
  const url = URL.parse(value);
  return url !== null && /^https?:$/.test(url.protocol) && url.pathname === "/" &&
    (value === url.origin || value === `${url.origin}/` || hasDefaultPort(value, url));
}

/** The origin of `https://host:443` is `https://host`. */
function hasDefaultPort(value: string, { protocol, hostname }: URL): boolean {
  const port = protocol === "https:" ? 443 : 80;
  return value.replace(/\/$/, "").toLowerCase() === `${protocol}//${hostname}:${port}`;
}

/** A duration with a default, in the form that the schema below needs. */
function time(limits: { min: number; max?: number }, prefault: string): z.ZodType<number> {
  const field: QuantityField = duration(limits);
  return field.prefault(prefault);
}

const PREFIX = 'lower-case letters, digits, "_" and "-", a letter first, at most 50';

/** Schema of {@linkcode ElasticsearchConfig}. */
export const elasticsearchConfig: z.ZodType<ElasticsearchConfig, ElasticsearchInput> = z
  .strictObject({
    nodes: z.array(node).min(1, { error: "at least one node" })
      .describe("URLs of nodes; requests are spread over them."),
    username: text().optional().describe("User for basic authentication."),
    passwordFile: text().optional().describe("File that holds the user's password."),
    apiKeyFile: text().optional()
      .describe("File with an API key in its encoded form, instead of user and password."),
    caFile: text().optional().describe(
      "PEM file of the authorities that the nodes' certificates are checked against; " +
        "the system's by default.",
    ),
    prefix: z.string().regex(/^([a-z][a-z0-9_-]{0,49})?$/, { error: PREFIX }).prefault("")
      .describe("Prefix of the names of all indices, aliases and templates."),
    shards: integer({ min: 1, max: 1024 }).prefault(1)
      .describe(
        "Primary shards of a view's index of batch's documents, from the next generation on; " +
          "that of speed's documents has one.",
      ),
    replicas: integer({ min: 0, max: 10 }).prefault(2).describe(
      "Replicas of each shard; more than there are other nodes are never allocated.",
    ),
    refreshInterval: time({ min: 10, max: 500 }, "500ms").describe(
      "Longest time until a search sees a write; each pass of the speed layer waits for it once.",
    ),
    loadRefreshInterval: time({ min: 100 }, "30s")
      .describe("The same while batch loads a generation that is not served yet."),
    requestTimeout: time({ min: 100 }, "10s").describe("Longest time to wait for an answer."),
    bulkTimeout: time({ min: 1_000 }, "30s")
      .describe("Longest time to wait for the answer to a bulk request."),
    sealTimeout: time({ min: 1_000 }, "5m")
      .describe("Longest time to wait until a generation has all its replicas, per attempt."),
    bulkDocuments: integer({ min: 1, max: 100_000 }).prefault(1_000)
      .describe("Most documents of a bulk request."),
    bulkBytes: byteSize({ min: 1_024, max: 90 * 2 ** 20 }).prefault("2MiB")
      .describe("Size of a bulk request at which the next one starts."),
    bulkConcurrency: integer({ min: 1, max: 64 }).prefault(4)
      .describe("Most concurrent bulk requests; further writes wait."),
  }).superRefine((config, context) => {
    const refuse = (key: keyof ElasticsearchConfig, message: string) =>
      context.addIssue({ code: "custom", path: [key], message, input: config[key] });
    if ((config.username === undefined) !== (config.passwordFile === undefined)) {
      const missing = config.username === undefined ? "username" : "passwordFile";
      refuse(missing, "given together: username and passwordFile");
    }
    if (config.apiKeyFile !== undefined && config.username !== undefined) {
      refuse("apiKeyFile", "absent if there is a username");
    }
    const plain = config.nodes.some((url) => !url.startsWith("https:"));
    if (config.caFile !== undefined && plain) {
      refuse("caFile", 'left out unless every node begins with "https:"');
    }
  });
