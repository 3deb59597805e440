/**
 * Reads the answer of a source: up to a size, and only parts that have the expected form.
 *
 * @module
 */

import { PipelineError, type Topic, TOPICS } from "@pipeline/core";
import type { PartAnswer } from "@pipeline/protocol";

/** The members of a part that are whole numbers from 0. */
const NUMBERS = [
  "partition",
  "next_offset",
  "records",
  "dead_letters",
  "duplicates",
  "retired",
  "unresolved",
  "keys",
] as const satisfies readonly (keyof PartAnswer)[];

/** The readable parts of an answer, and what is wrong with the others. */
export interface ReadParts {
  /** In the order of the answer. */
  readonly parts: readonly PartAnswer[];
  /** One reason for each other part; few different ones. */
  readonly problems: readonly string[];
}

/**
 * Reads a response as text, and consumes or cancels its body in every case.
 *
 * @throws {PipelineError} `too_large` beyond `limit` bytes.
 */
export async function readText(response: Response, limit: number): Promise<string> {
  const decoder = new TextDecoder();
  let [text, bytes] = ["", 0];
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    // Leaving the loop cancels the body.
    if (bytes > limit) throw new PipelineError("too_large", `The answer exceeds ${limit} bytes`);
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

/**
 * Reads the parts of an answer. Documents are not checked: the source is of the same version, or
 * folds another generation, which it refuses.
 *
 * @param questions the number of questions, each of which each part must have answered.
 * @throws {PipelineError} `corrupt` if the text is no JSON object with a list of parts.
 */
export function readParts(text: string, questions: number): ReadParts {
  const parts: PartAnswer[] = [];
  const problems: string[] = [];
  for (const part of listIn(text)) {
    const problem = problemOf(part, questions);
    if (problem === undefined) parts.push(part as PartAnswer);
    else problems.push(problem);
  }
  return { parts, problems };
}

function listIn(text: string): readonly unknown[] {
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch (cause) {
    throw new PipelineError("corrupt", "The answer is not JSON", { cause });
  }
  const parts = isObject(answer) ? answer.parts : undefined;
  if (!Array.isArray(parts)) throw new PipelineError("corrupt", "The answer has no list of parts");
  return parts;
}

/** Few different texts, which name no values: each is logged once. */
function problemOf(part: unknown, questions: number): string | undefined {
  if (!isObject(part)) return "A part is no object";
  const { topic, answers, stopped } = part;
  if (!TOPICS.includes(topic as Topic)) return "A part's topic is unknown";
  const wrong = NUMBERS.find((name) => !isCount(part[name]));
  if (wrong !== undefined) return `A part's "${wrong}" is no integer from 0`;
  if (stopped !== undefined && !isObject(stopped)) return 'A part\'s "stopped" is no object';
  if (!Array.isArray(answers) || answers.length !== questions) {
    return "A part does not have one answer per question";
  }
  return answers.every(Array.isArray) ? undefined : "A part's answer is no list";
}

function isCount(value: unknown): boolean {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
