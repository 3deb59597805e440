/**
 * Bulk requests as lines of JSON, of bounded size. Each document is serialised once.
 *
 * @module
 */

import type { StoredDocument } from "@pipeline/core";
import { ID_FIELD } from "./mappings.ts";

/** Two lines per document: the action, and the document. */
export type BulkLines = readonly [action: string, source: string];

/** Bounds of one bulk request. */
export interface BulkBounds {
  /** Most documents. */
  readonly bulkDocuments: number;
  /** Size beyond which no document is added; a single larger document is sent alone. */
  readonly bulkBytes: number;
}

/** Documents of one bulk request. */
export interface BulkPart {
  /** In the order of `documents`. */
  readonly lines: BulkLines[];
  /** What the lines write. */
  readonly documents: StoredDocument[];
}

/** The lines that write a document under its external version. */
export function bulkLines({ id, version, body }: StoredDocument): BulkLines {
  const name = JSON.stringify(id);
  return [
    `{"index":{"_id":${name},"version":${version},"version_type":"external"}}`,
    // Every document has fields, so the comma is always valid.
    `{"${ID_FIELD}":${name},${JSON.stringify(body).slice(1)}`,
  ];
}

/** Splits documents into requests, lazily, to bound the memory in use. */
export function* bulkParts(
  documents: readonly StoredDocument[],
  { bulkDocuments, bulkBytes }: BulkBounds,
): Generator<BulkPart> {
  let part: BulkPart = { lines: [], documents: [] };
  let size = 0;
  for (const document of documents) {
    const lines = bulkLines(document);
    // In code units, of which UTF-8 needs up to three bytes each: far below the limits of servers.
    const more = lines[0].length + lines[1].length + 2;
    const count = part.lines.length;
    if (count > 0 && (count >= bulkDocuments || size + more > bulkBytes)) {
      yield part;
      part = { lines: [], documents: [] };
      size = 0;
    }
    part.lines.push(lines);
    part.documents.push(document);
    size += more;
  }
  if (part.lines.length > 0) yield part;
}
