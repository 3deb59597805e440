import { inspect } from "node:util";

/** The error of every failed assertion. */
export class AssertionError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "AssertionError";
  }
}

/** Shows a value in a failure's message. */
export function show(value: unknown): string {
  return inspect(value, { depth: 12, maxArrayLength: 200, sorted: true, breakLength: 100 });
}

/** Throws with the text, to which the caller's message is added if there is one. */
export function failWith(text: string, msg?: string): never {
  throw new AssertionError(msg ? `${text.replace(/\.$/, "")}: ${msg}` : text);
}
