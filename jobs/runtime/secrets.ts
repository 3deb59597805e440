/**
 * Keeps credentials out of log lines and error messages.
 *
 * @module
 */

const SECRET_KEY =
  /pass(word|wd|phrase)|secret|token|credential|authorization|api[-_]?key|private[-_]?key|cookie/i;

/** What is shown in place of a secret. */
export const REDACTED = "[redacted]";

/** Whether a field of that name holds a credential. */
export function isSecretKey(key: string): boolean {
  return SECRET_KEY.test(key);
}

/** Removes user and password from URLs within the text. */
export function redactUrls(text: string): string {
  // Everything up to the last @ before the path: a password may contain an @.
  return text.includes("@")
    ? text.replaceAll(/(\b[a-z][a-z0-9+.-]*:\/\/)[^\s/?#]*@/gi, "$1")
    : text;
}

/** Deepest nesting that is shown. */
const MAX_DEPTH = 8;

/**
 * A copy of a value that is safe to show as JSON: secrets redacted by the name of their key, errors
 * as objects with their causes, nothing circular or too deep.
 */
export function presentable(value: unknown, depth = 0): unknown {
  if (typeof value === "string") return redactUrls(value);
  if (typeof value === "bigint") return String(value);
  if (typeof value === "number" && !Number.isFinite(value)) return String(value);
  if (typeof value !== "object" || value === null) return value;
  if (depth >= MAX_DEPTH) return "…";
  if (value instanceof Error) return presentableError(value, depth);
  if (value instanceof Date) return value.getTime();
  if (ArrayBuffer.isView(value)) return `${value.byteLength} bytes`;
  if (value instanceof Map) return presentable(Object.fromEntries(value), depth);
  if (value instanceof Set) return presentable([...value], depth);
  if (Array.isArray(value)) return value.map((item) => presentable(item, depth + 1));
  const copy: Record<string, unknown> = Object.create(null);
  for (const [key, member] of Object.entries(value)) {
    copy[key] = isSecretKey(key) ? REDACTED : presentable(member, depth + 1);
  }
  return copy;
}

function presentableError(error: Error, depth: number): Record<string, unknown> {
  const shown: Record<string, unknown> = { name: error.name };
  if ("code" in error) shown.code = presentable(error.code, depth + 1);
  shown.message = redactUrls(error.message);
  if (error.stack !== undefined && depth <= 1) shown.stack = redactUrls(error.stack);
  if (error.cause !== undefined) shown.cause = presentable(error.cause, depth + 1);
  return shown;
}
