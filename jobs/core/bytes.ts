/**
 * Text order and canonical JSON, on which layers, engines and languages must agree to the byte.
 *
 * @module
 */

const encoder = new TextEncoder();

/**
 * Orders two strings by their UTF-8 bytes, as SQLite, Elasticsearch keywords
 * and DuckDB do. JavaScript's own `<` orders UTF-16 units, which differs once a
 * surrogate meets a character above U+DFFF.
 *
 * @returns a negative number, zero or a positive number.
 */
export function compareUtf8(a: string, b: string): number {
  if (a === b) return 0;
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) return rank(x) - rank(y);
  }
  return a.length - b.length;
}

/** Moves surrogates above the rest of the basic plane, where UTF-8 has them. */
function rank(unit: number): number {
  if (unit < 0xd800) return unit;
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800;
}

/**
 * JSON with object keys in UTF-8 order and no white space: equal values have
 * equal bytes. Members that are `undefined` are left out.
 *
 * @throws {TypeError} for a value that JSON cannot hold.
 */
export function canonicalJson(value: unknown): string {
  if (value === null || typeof value !== "object") {
    const text = typeof value === "number" && !Number.isFinite(value)
      ? undefined
      : JSON.stringify(value);
    if (text === undefined) throw new TypeError(`JSON cannot hold ${String(value)}`);
    return text;
  }
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  const members: string[] = [];
  for (const key of Object.keys(value).sort(compareUtf8)) {
    const member = (value as Record<string, unknown>)[key];
    if (member !== undefined) members.push(`${JSON.stringify(key)}:${canonicalJson(member)}`);
  }
  return `{${members.join(",")}}`;
}

/** UTF-8 bytes of {@linkcode canonicalJson}. */
export function canonicalBytes(value: unknown): Uint8Array {
  return encoder.encode(canonicalJson(value));
}
