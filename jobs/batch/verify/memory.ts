/**
 * Checks documents in the memory of speed's folds against the log. What a fold answers for a part
 * is a function of one prefix, whoever answers, so the check can run while speed continues. Folds
 * that do not answer are no difference: the report states how many parts were checked.
 *
 * @module
 */

import {
  documentKey,
  nameKey,
  partitionName,
  type ViewDocument,
  type ViewName,
  viewOf,
  VIEWS,
  type ViewState,
  WINDOWS,
  windowStart,
} from "@pipeline/core";
import {
  foldIdentity,
  type LiveParts,
  type Manifest,
  type PartAnswer,
  partitionsOf,
  type PartsQuestion,
} from "@pipeline/protocol";
import { documentName } from "./keys.ts";
import type { Differences } from "./report.ts";
import { type Sample, takeByHash } from "./sample.ts";

/** Report on the check of memory. */
export interface MemoryReport {
  /** Whether there were folds to ask: without their URLs, memory is not checked. */
  readonly asked: boolean;
  /** Parts of which an answer was compared with the log. */
  readonly parts: number;
  /** Number of parts. */
  readonly of_parts: number;
  /** Documents that were compared. */
  readonly documents: number;
}

/** A key of a view. */
export interface ViewKey {
  readonly view: ViewName;
  /** In the form of `documentKey`. */
  readonly key: string;
}

/** Questions and what one fold answered. */
interface Asked {
  readonly questions: readonly DocumentsQuestion[];
  readonly answer: PartAnswer;
}

type DocumentsQuestion = Exclude<PartsQuestion, { readonly totals: unknown }>;

/** Latest windows of each part to ask for: their keys may not be in the store yet. */
const LATEST = 100;

/** Subreddits of those windows to ask for their best posts. */
const SUBREDDITS = 4;

/** Best posts of each. */
const BEST = 20;

/** Most keys of a request, and most bytes of them: half of what a source accepts, or less. */
const REQUEST = { keys: 250, bytes: 24_576 } as const;

const encoder = new TextEncoder();

/** The answers of folds about one generation, to be compared with the log. */
export class Memory {
  readonly #parts: LiveParts | undefined;
  readonly #manifest: Manifest;
  readonly #differences: Differences;
  /** By part. */
  readonly #asked = new Map<string, Asked[]>();
  readonly #compared = new Set<string>();
  #documents = 0;

  /** Without folds to ask, nothing is checked. */
  constructor({ parts, manifest, differences }: {
    readonly parts: LiveParts | undefined;
    readonly manifest: Manifest;
    readonly differences: Differences;
  }) {
    this.#parts = parts;
    this.#manifest = manifest;
    this.#differences = differences;
  }

  /** The result so far. */
  get report(): MemoryReport {
    const { horizon } = this.#manifest;
    return {
      asked: this.#parts !== undefined,
      parts: this.#compared.size,
      of_parts: partitionsOf(horizon) * Object.keys(horizon).length,
      documents: this.#documents,
    };
  }

  /** Asks about a sample of keys: of those that are known, and of those that folds have now. */
  async ask(known: Iterable<ViewKey>, sample: Sample): Promise<void> {
    if (this.#parts === undefined) return;
    const latest = await this.#put([{
      view: "subreddit_activity",
      query: { type: "activity", order: "latest", limit: LATEST },
    }]);
    const best = await this.#put(
      takeByHash(subredditsOf(latest), String, { ...sample, keys: SUBREDDITS }).map(
        (subreddit) => ({
          view: "top_posts",
          query: { type: "post", subreddit, order: "rank", limit: BEST },
        }),
      ),
    );
    const keys = new Map<string, ViewKey>();
    const found = [...latest, ...best].flatMap((document) => this.#keysAround(document));
    for (const one of [...known, ...found]) keys.set(`${one.view} ${one.key}`, one);
    for (const view of VIEWS) {
      const own = [...keys].filter(([, key]) => key.view === view);
      const taken = takeByHash(own, ([name]) => name, sample).map(([, { key }]) => key);
      for (const some of requestsOf(taken)) await this.#put([{ view, keys: some }]);
    }
  }

  /** The offsets at which folds answered for a part. */
  offsets(part: string): readonly number[] {
    return (this.#asked.get(part) ?? []).map(({ answer }) => answer.next_offset);
  }

  /** Compares what was answered for a part at an offset with the fold of all records below it. */
  compare(part: string, offset: number, state: ViewState): void {
    for (const { questions, answer } of this.#asked.get(part) ?? []) {
      if (answer.next_offset !== offset) continue;
      this.#compared.add(part);
      for (const [i, question] of questions.entries()) {
        const expected = byName(documentsOf(state, part, question));
        const found = byName(answer.answers[i] as readonly ViewDocument[]);
        for (const name of new Set([...expected.keys(), ...found.keys()])) {
          this.#documents++;
          const what = `${name} at ${offset}`;
          this.#differences.compare("memory", what, expected.get(name), found.get(name));
        }
      }
    }
  }

  async #put(questions: readonly DocumentsQuestion[]): Promise<readonly ViewDocument[]> {
    if (questions.length === 0) return [];
    const manifest = this.#manifest;
    const { generation, horizon } = manifest;
    const answers = await this.#parts!.ask({
      generation,
      identity: foldIdentity(manifest),
      questions,
    });
    for (const answer of answers) {
      const { topic, partition, next_offset } = answer;
      const part = partitionName(topic, partition);
      const start = horizon[topic]?.[partition];
      if (start === undefined) {
        const none = { check: "memory", expected: undefined } as const;
        this.#differences.add({ ...none, what: part, found: `a part at ${next_offset}` });
        continue;
      }
      const asked = this.#asked.get(part) ?? [];
      this.#asked.set(part, [...asked, { questions, answer }]);
    }
    return answers.flatMap(({ answers }) => answers.flat()) as ViewDocument[];
  }

  /** The keys of a document, and of others that the same records change. */
  #keysAround(document: ViewDocument): ViewKey[] {
    const own = { view: viewOf(document), key: documentKey(document) };
    if (document.type === "activity") {
      const { subreddit } = document;
      return [own, { view: own.view, key: documentKey({ type: "subreddit", subreddit }) }];
    }
    if (document.type !== "post") return [own];
    const user_id = nameKey(document.user_id);
    const windows = this.#manifest.settings.userWindows.map((window) => {
      const window_start = windowStart(document.created_utc, WINDOWS[window]);
      return { type: "user_window", user_id, window, window_start } as const;
    });
    const keys = [{ type: "user_total", user_id } as const, ...windows].map(documentKey);
    return [own, ...keys.map((key) => ({ view: "user_activity", key }) as const)];
  }
}

function subredditsOf(documents: readonly ViewDocument[]): ReadonlySet<string> {
  return new Set(documents.flatMap((d) => d.type === "activity" ? d.subreddit : []));
}

/** What speed answers. */
function documentsOf(
  state: ViewState,
  part: string,
  question: DocumentsQuestion,
): readonly ViewDocument[] {
  if ("query" in question) return state.search(part, question.view, question.query);
  return question.keys.flatMap((key) => state.get(part, question.view, key) ?? []);
}

function byName(documents: readonly ViewDocument[]): ReadonlyMap<string, ViewDocument> {
  return new Map(documents.map((document) => [documentName(document), document]));
}

/** Keys, divided into requests that sources accept. */
function requestsOf(keys: readonly string[]): readonly (readonly string[])[] {
  const requests: string[][] = [];
  let bytes = Infinity;
  for (const key of keys) {
    const more = encoder.encode(JSON.stringify(key)).length + 1;
    const last = requests.at(-1);
    if (last === undefined || last.length === REQUEST.keys || bytes + more > REQUEST.bytes) {
      requests.push([key]);
      bytes = more;
    } else {
      last.push(key);
      bytes += more;
    }
  }
  return requests;
}
