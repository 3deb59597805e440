/**
 * Requests as text, and several of them as one: what waits for the same source travels together.
 *
 * A request is never divided. Its answers stand at one vector of offsets only because a source
 * answers it in one turn.
 *
 * @module
 */

import { PARTS_BOUNDS, type PartsRequest } from "@pipeline/protocol";

/** One question as text. */
interface Encoded {
  readonly text: string;
  /** Bytes of the text, with the comma after it. */
  readonly bytes: number;
  readonly keys: number;
}

/** A request as text. */
export interface Prepared {
  /** The text before the questions. Only requests with the same one are joined. */
  readonly head: string;
  /** The questions, in the order of the request. */
  readonly questions: readonly Encoded[];
}

/** Several requests as one. */
export interface Joined {
  /** That of the requests. */
  readonly head: string;
  /** The request's text. */
  readonly body: string;
  /** Number of questions in it. */
  readonly questions: number;
  /** For each given request, the places of its questions in the body; `undefined` if it must wait. */
  readonly places: readonly (readonly number[] | undefined)[];
}

const TAIL = "]}";
const encoder = new TextEncoder();

/** Writes a request as text. */
export function prepare({ generation, identity, questions }: PartsRequest): Prepared {
  const head = JSON.stringify({ generation, identity }).slice(0, -1) + ',"questions":[';
  return {
    head,
    questions: questions.map((question) => {
      const text = JSON.stringify(question);
      const keys = "keys" in question ? question.keys.length : 0;
      return { text, bytes: encoder.encode(text).length + 1, keys };
    }),
  };
}

/** Whether sources accept a request, see `PARTS_BOUNDS`. */
export function isWithinBounds(prepared: Prepared): boolean {
  return new Body(prepared.head).add(prepared) !== undefined;
}

/**
 * Joins the first request with the later ones about the same fold, as far as
 * the bounds of one request allow. A question that several requests contain is asked once.
 */
export function join([first, ...others]: readonly [Prepared, ...Prepared[]]): Joined {
  const body = new Body(first.head);
  const places = [
    body.add(first),
    ...others.map((other) => other.head === first.head ? body.add(other) : undefined),
  ];
  return { head: first.head, body: body.text, questions: body.questions, places };
}

/** The text of a request that grows. */
class Body {
  readonly #head: string;
  readonly #places = new Map<string, number>();
  #bytes: number;
  #keys = 0;

  constructor(head: string) {
    this.#head = head;
    this.#bytes = encoder.encode(head).length + TAIL.length;
  }

  get questions(): number {
    return this.#places.size;
  }

  get text(): string {
    return this.#head + [...this.#places.keys()].join(",") + TAIL;
  }

  /** Adds the questions, and returns their places; adds nothing if they do not all fit. */
  add({ questions }: Prepared): readonly number[] | undefined {
    const added = new Map<string, Encoded>();
    let [bytes, keys] = [this.#bytes, this.#keys];
    for (const question of questions) {
      if (this.#places.has(question.text) || added.has(question.text)) continue;
      added.set(question.text, question);
      bytes += question.bytes;
      keys += question.keys;
    }
    const { questions: most } = PARTS_BOUNDS;
    const fits = this.#places.size + added.size <= most && keys <= PARTS_BOUNDS.keys &&
      bytes <= PARTS_BOUNDS.body;
    if (!fits) return undefined;
    for (const text of added.keys()) this.#places.set(text, this.#places.size);
    [this.#bytes, this.#keys] = [bytes, keys];
    return questions.map(({ text }) => this.#places.get(text)!);
  }
}
