/**
 * Input rules of the ports, checked alike by every implementation that has no server to check them:
 * names of topics, paths, queries, versions.
 *
 * @module
 */

import {
  BATCH_PART,
  type ControlDocument,
  PipelineError,
  type ProducerRecord,
  type StoredDocument,
  type ViewName,
  viewOf,
  type ViewQuery,
  type Watermark,
} from "@pipeline/core";

/** Default limit of a record: key and value, in bytes (1 MiB). */
export const DEFAULT_MAX_RECORD_BYTES = 1_048_576;

/** Most documents of a page. */
export const MAX_PAGE = 10_000;

/**
 * Longest component of a path in UTF-8 bytes: HDFS' default limit, and that of most file systems.
 */
const MAX_NAME_BYTES = 255;

const encoder = new TextEncoder();

/** The error of a closed port. */
export function stopped(what: string): PipelineError {
  return new PipelineError("stopped", `The ${what} is closed`);
}

/** Rejects topics that Kafka would not accept. */
export function checkTopic(topic: string, partitions: number): void {
  if (!/^[A-Za-z0-9._-]{1,249}$/.test(topic) || topic === "." || topic === "..") {
    throw new PipelineError(
      "invalid",
      `Topic ${JSON.stringify(topic)} must be 1 to 249 letters, digits, ".", "_" or "-"`,
    );
  }
  if (!Number.isSafeInteger(partitions) || partitions < 1) {
    throw new PipelineError("invalid", `Topic ${topic} needs partitions, got ${partitions}`);
  }
}

/** Rejects a record for a partition that does not exist. */
export function checkPartition(record: ProducerRecord, partition: number, count: number): void {
  if (Number.isInteger(partition) && partition >= 0 && partition < count) return;
  throw new PipelineError(
    "invalid",
    `Topic ${record.topic} has partitions 0 to ${count - 1}, got ${partition}`,
  );
}

/** Rejects a record that is larger than the log accepts. */
export function checkSize({ topic, key, value }: ProducerRecord, limit: number): void {
  const size = value?.length ?? 0;
  if (size + key.length * 3 <= limit) return;
  const bytes = size + encoder.encode(key).length;
  if (bytes <= limit) return;
  throw new PipelineError(
    "too_large",
    `A record for ${topic} has ${bytes} bytes of key and value; ${limit} are allowed`,
  );
}

/**
 * The components of a dataset path, none for the root. Rejects (`invalid`) what HDFS rejects: a
 * path that is not absolute, empty components, `.`, `..`, `:`, components over 255 bytes.
 */
export function pathParts(path: string): string[] {
  if (path === "/") return [];
  const parts = path.split("/");
  if (parts.shift() !== "" || path === "") throw invalidPath(path, 'must start with "/"');
  for (const part of parts) {
    if (part === "") throw invalidPath(path, "has an empty part");
    if (part === "." || part === "..") throw invalidPath(path, `must not hold "${part}"`);
    if (part.includes(":") || part.includes("\0")) throw invalidPath(path, 'must not hold ":"');
    if (!part.isWellFormed()) throw invalidPath(path, "is no well-formed text");
    if (part.length > MAX_NAME_BYTES / 3 && encoder.encode(part).length > MAX_NAME_BYTES) {
      throw invalidPath(path, `has a part of more than ${MAX_NAME_BYTES} bytes`);
    }
  }
  return parts;
}

function invalidPath(path: string, why: string): PipelineError {
  return new PipelineError("invalid", `Path ${JSON.stringify(path)} ${why}`);
}

/** Rejects a query that no store supports. */
export function checkQuery(query: ViewQuery): void {
  if (query.parts?.length === 0) {
    throw new PipelineError("invalid", "A query by parts must name at least one, got []");
  }
  if (!Number.isSafeInteger(query.limit) || query.limit < 0 || query.limit > MAX_PAGE) {
    throw new PipelineError("invalid", `Limit must be 0 to ${MAX_PAGE}, got ${query.limit}`);
  }
}

/** Rejects generation numbers that do not fit an index name. */
export function checkGeneration(generation: number): void {
  if (Number.isSafeInteger(generation) && generation >= 1) return;
  throw new PipelineError("invalid", `A generation is an integer from 1, got ${generation}`);
}

/** Rejects a document of another view, or with an invalid version. */
export function checkDocument(view: ViewName, document: StoredDocument): void {
  if (viewOf(document.body) !== view) {
    throw new PipelineError(
      "invalid",
      `Document ${JSON.stringify(document.id)} (${document.body.type}) is not one of ${view}`,
    );
  }
  if (!Number.isSafeInteger(document.version) || document.version < 0) throw badVersion(document);
}

/** Rejects a control document with an invalid version (0 means "there is none"). */
export function checkControl(document: ControlDocument): void {
  if (!Number.isSafeInteger(document.version) || document.version < 1) throw badVersion(document);
}

/** Rejects a watermark of batch, or with an invalid version. */
export function checkWatermark({ part, version }: Watermark): void {
  if (part === BATCH_PART || part === "") {
    throw new PipelineError("invalid", `A watermark belongs to a part of speed, got ${part}`);
  }
  if (!Number.isSafeInteger(version) || version < 1) {
    throw new PipelineError("invalid", `The watermark of ${part} has version ${version}`);
  }
}

function badVersion(document: { id: string; version: number }): PipelineError {
  return new PipelineError(
    "invalid",
    `Document ${JSON.stringify(document.id)} has version ${document.version}`,
  );
}

/** The error for a generation without indices. */
export function noGeneration(generation: number): PipelineError {
  return new PipelineError("not_found", `Generation ${generation} has no index`);
}
