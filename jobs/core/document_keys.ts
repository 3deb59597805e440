/**
 * The ids of documents, as text: a document's *key* within its view, and before it the part that
 * wrote the document. A key is what the documents of all parts for one value have in common.
 *
 * | type | key |
 * | --- | --- |
 * | post | `post\|<subreddit, escaped>\|<post id>` |
 * | cut | `cut\|<subreddit>` |
 * | subreddit | `name\|<subreddit>` |
 * | activity | `<window>\|<window start>\|<subreddit>` |
 * | user_window | `<window>\|<window start>\|<user id>` |
 * | user_total | `total\|<user id>` |
 *
 * Only the last field may contain the separator. Parts contain none.
 *
 * @module
 */

import type {
  ActivityDocument,
  CutDocument,
  Part,
  PostDocument,
  SubredditDocument,
  UserTotalDocument,
  UserWindowDocument,
  ViewDocument,
  ViewName,
} from "./documents.ts";
import { nameKey } from "./names.ts";
import { MAX_TIME, WINDOW_NAMES, type WindowName, WINDOWS } from "./time.ts";

/** The fields that a key consists of. Every document has them. */
export type DocumentKey =
  | Pick<PostDocument, "type" | "subreddit" | "post_id">
  | Pick<CutDocument, "type" | "subreddit">
  | Pick<SubredditDocument, "type" | "subreddit">
  | Pick<ActivityDocument, "type" | "subreddit" | "window" | "window_start">
  | Pick<UserWindowDocument, "type" | "user_id" | "window" | "window_start">
  | Pick<UserTotalDocument, "type" | "user_id">;

/** A document's id within its view and generation. */
export function documentId(document: ViewDocument): string {
  return withPart(document.part, documentKey(document));
}

/** The id of one part's document with a key. */
export function withPart(part: Part, key: string): string {
  return `${part}|${key}`;
}

/** The key of a document, or of all documents with these fields: an id without its part. */
export function documentKey(of: DocumentKey): string {
  switch (of.type) {
    case "post":
      return `post|${encodeURIComponent(of.subreddit)}|${of.post_id}`;
    case "cut":
      return `cut|${of.subreddit}`;
    case "subreddit":
      return `name|${of.subreddit}`;
    case "activity":
      return `${of.window}|${of.window_start}|${of.subreddit}`;
    case "user_window":
      return `${of.window}|${of.window_start}|${of.user_id}`;
    case "user_total":
      return `total|${of.user_id}`;
  }
}

/**
 * The fields of a key; the opposite of {@linkcode documentKey}.
 *
 * @returns `undefined` for a text that is not the key of any document of the view.
 */
export function parseDocumentKey(view: ViewName, key: string): DocumentKey | undefined {
  const fields = key.isWellFormed() ? fieldsOf(view, key) : undefined;
  // Numbers and escapes have one form in keys: a text in another form is none.
  return fields !== undefined && documentKey(fields) === key ? fields : undefined;
}

function fieldsOf(view: ViewName, key: string): DocumentKey | undefined {
  const [kind, rest] = split(key);
  switch (view) {
    case "top_posts":
      if (kind === "cut") return isName(rest) ? { type: "cut", subreddit: rest } : undefined;
      return kind === "post" ? postFields(rest) : undefined;
    case "subreddit_activity": {
      if (kind === "name") return isName(rest) ? { type: "subreddit", subreddit: rest } : undefined;
      const found = windowFields(kind, rest);
      return found && { type: "activity", subreddit: found.name, ...found.window };
    }
    case "user_activity": {
      if (kind === "total") return isName(rest) ? { type: "user_total", user_id: rest } : undefined;
      const found = windowFields(kind, rest);
      return found && { type: "user_window", user_id: found.name, ...found.window };
    }
  }
}

function postFields(text: string): DocumentKey | undefined {
  const [escaped, post_id] = split(text);
  const subreddit = unescaped(escaped);
  if (subreddit === undefined || !isName(subreddit) || post_id === "") return undefined;
  return { type: "post", subreddit, post_id };
}

function windowFields(size: string, rest: string) {
  const window = WINDOW_NAMES.find((name) => name === size);
  const [start, name] = split(rest);
  if (window === undefined || !isStart(Number(start), window) || !isName(name)) return undefined;
  return { name, window: { window, window_start: Number(start) } };
}

/** The texts before and after the first separator; the second is empty if there is none. */
function split(text: string): [string, string] {
  const at = text.indexOf("|");
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
}

function unescaped(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

/** Whether a text is the key of a name. */
function isName(text: string): boolean {
  return text !== "" && nameKey(text) === text;
}

function isStart(start: number, window: WindowName): boolean {
  return start >= 0 && start <= MAX_TIME && start % WINDOWS[window] === 0;
}

/** Id of a post's document. */
export function postDocumentId(part: Part, subreddit: string, postId: string): string {
  return withPart(part, documentKey({ type: "post", subreddit, post_id: postId }));
}

/** Id of the document that records that a subreddit's posts were cut. */
export function cutDocumentId(part: Part, subreddit: string): string {
  return withPart(part, documentKey({ type: "cut", subreddit }));
}

/** Id of the document that records a subreddit's spelling. */
export function subredditDocumentId(part: Part, subreddit: string): string {
  return withPart(part, documentKey({ type: "subreddit", subreddit }));
}

/** Id of a subreddit's activity in one window. */
export function activityDocumentId(
  part: Part,
  window: WindowName,
  start: number,
  subreddit: string,
): string {
  return withPart(part, documentKey({ type: "activity", window, window_start: start, subreddit }));
}

/** Id of a user's totals. */
export function userTotalDocumentId(part: Part, userId: string): string {
  return withPart(part, documentKey({ type: "user_total", user_id: userId }));
}
