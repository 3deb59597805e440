/**
 * Configuration of the HDFS adapter. Loads no client.
 *
 * @module
 */

import { duration, integer, type QuantityField, text } from "@pipeline/runtime";
import { z } from "zod";

/** Connection and use of HDFS. Times in milliseconds. */
export interface HdfsConfig {
  /** URLs of the NameNodes' HTTP servers: one, or the two of a pair. */
  readonly namenodes: readonly string[];
  /** User that owns the written files. */
  readonly user: string;
  /** Root folder of the dataset. */
  readonly root: string;
  /** Replicas of each block; the file system's default if absent. */
  readonly replication?: number | undefined;
  /** PEM file of the authorities that certificates are checked against. */
  readonly caFile?: string | undefined;
  /** Longest time to wait until an answer begins. */
  readonly requestTimeout: number;
  /** Longest time without progress of a transfer. */
  readonly idleTimeout: number;
  /** Longest time that the upload of one file may take. */
  readonly uploadTimeout: number;
  /** Most concurrent requests; further ones wait. */
  readonly concurrency: number;
}

/** Accepted input for an {@linkcode HdfsConfig}. */
export type HdfsInput = { namenodes: string[] } & Partial<Record<keyof HdfsConfig, unknown>>;

const NAMENODE = 'a URL such as "http://namenode:9870", without user, path or query';

const namenode = z.string({ error: NAMENODE }).refine((value) => {
  const url = URL.parse(value);
  return url !== null && /^https?:$/.test(url.protocol) && url.pathname === "/" &&
    url.search === "" && url.hash === "" && url.username === "" && url.password === "" &&
    !value.includes("?") && !value.includes("#");
}, { error: NAMENODE });

const ROOT = 'an absolute path such as "/reddit", without ".." and without "/" at the end';

function time(prefault: string): z.ZodType<number> {
  const field: QuantityField = duration({ min: 100 });
  return field.prefault(prefault);
}

/** Schema of {@linkcode HdfsConfig}. */
export const hdfsConfig: z.ZodType<HdfsConfig, HdfsInput> = z.strictObject({
  namenodes: z.array(namenode).min(1, { error: "one NameNode or two" })
    .max(2, { error: "one NameNode or two" })
    .describe("URLs of the NameNodes' HTTP servers: one, or the two of a pair."),
  user: z.string().regex(/^[a-zA-Z_][a-zA-Z0-9._-]{0,63}$/, {
    error: 'a user name such as "hdfs"',
  }).prefault("hdfs").describe("User that owns the written files."),
  root: z.string().regex(/^\/$|^(\/(?!\.{1,2}(\/|$))[^/:\0]+)+$/, { error: ROOT }).prefault("/")
    .describe("Root folder of the dataset; it is created if missing."),
  replication: integer({ min: 1, max: 512 }).optional()
    .describe("Replicas of each block; the file system's own number by default."),
  caFile: text().optional().describe(
    "PEM file of the authorities that certificates are checked against; the system's by default.",
  ),
  requestTimeout: time("10s").describe("Longest time to wait for an answer to begin."),
  idleTimeout: time("15s").describe("Longest time without progress of a transfer."),
  uploadTimeout: time("60s").describe("Longest time that the upload of one file may take."),
  concurrency: integer({ min: 1, max: 256 }).prefault(16)
    .describe("Most concurrent requests; further ones wait."),
});
