/**
 * Bulk requests as lines of JSON, cut to bounded sizes. Each document is made JSON once.
 *
 * @module
 */

import type { StoredDocument } from "@pipeline/core";
import { ID_FIELD } from "./mappings.ts";

/** Two lines a document: what to do, and the document. */
export type BulkLines = readonly [action: string, source: string];

/** Bounds of one bulk request. */
export interface BulkBounds {
  /** Most documents. */
  readonly bulkDocuments: number;
  /** Size beyond which no document is added; one larger document goes alone. */
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
    // A view's document has fields: the comma is always right.
    `{"${ID_FIELD}":${name},${JSON.stringify(body).slice(1)}`,
  ];
}

/** Cuts documents into requests, one at a time, so that little of it is in memory. */
export function* bulkParts(
  documents: readonly StoredDocument[],
  { bulkDocuments, bulkBytes }: BulkBounds,
): Generator<BulkPart> {
  let part: BulkPart = { lines: [], documents: [] };
  let size = 0;
  for (const document of documents) {
    const lines = bulkLines(document);
    // In code units, of which UTF-8 takes up to three bytes each: far below what servers allow.
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
