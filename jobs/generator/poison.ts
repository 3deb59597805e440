/**
 * Unusable records, one of each kind that a strict reader must reject.
 *
 * @module
 */

import { encodeRecord, type Entity, idOf } from "@pipeline/core";

/** The kinds of unusable records. */
export const POISONS = [
  "bad_json",
  "wrong_type",
  "missing_id",
  "tombstone",
  "invalid_utf8",
  "unsafe_integer",
] as const;

/** A kind of unusable record. */
export type Poison = typeof POISONS[number];

/** An unusable record. */
export interface PoisonRecord {
  /** An id that no usable record has; also in the value, if that has one. */
  readonly id: string;
  readonly value: Uint8Array | null;
}

const encoder = new TextEncoder();
const NUMBER: Readonly<Record<Entity["kind"], string>> = {
  post: "score",
  comment: "score",
  user: "karma",
};

/**
 * Makes an unusable copy of a record.
 *
 * @param number the running number of the copy, which makes its id unique.
 */
export function poisonRecord(record: Entity, kind: Poison, number: number): PoisonRecord {
  const id = `${idOf(record)}_poison_${number}`;
  const field = `${record.kind}_id`;
  const fields = { ...JSON.parse(encodeRecord(record)), [field]: id };
  return { id, value: spoil(fields, kind, field, NUMBER[record.kind]) };
}

function spoil(
  fields: Record<string, unknown>,
  kind: Poison,
  id: string,
  number: string,
): Uint8Array | null {
  const text = JSON.stringify(fields);
  switch (kind) {
    case "bad_json":
      return encoder.encode(text.slice(0, -1));
    case "wrong_type":
      return encoder.encode(JSON.stringify({ ...fields, [number]: "many" }));
    case "missing_id":
      return encoder.encode(JSON.stringify({ ...fields, [id]: undefined }));
    case "tombstone":
      return null;
    case "invalid_utf8":
      // 0xff never occurs in UTF-8; here it is in a text that is otherwise valid JSON.
      return encoder.encode(JSON.stringify({ ...fields, note: "~" })).map((byte) =>
        byte === 0x7e ? 0xff : byte
      );
    case "unsafe_integer":
      return encoder.encode(
        text.replace(`"${number}":${fields[number]}`, `"${number}":9007199254740993`),
      );
  }
}
