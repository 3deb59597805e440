/**
 * Converts lines of Reddit archives into our records. The dumps span twenty years and several ways
 * of collecting, so fields come in many forms.
 *
 * Repaired, and counted: missing authors (`[deleted]`, the one pseudo-user), missing text (empty),
 * text with lone surrogates (U+FFFD) or longer than a record may hold (cut), missing scores (ups -
 * downs, or 0), unreadable times of retrieval (left out).
 * Rejected: a line that is not a JSON object or of neither kind, one without a usable id or time, a
 * comment without its post, a submission without a subreddit (advertisements). Unknown fields are
 * left out. Archives contain nothing about users but their names, so no user records come from
 * them.
 *
 * @module
 */

import {
  type Entity,
  isIdentifier,
  MAX_ID_LENGTH,
  MAX_TEXT_LENGTH,
  parseInteger,
  parseTime,
  RecordError,
  TIME_FORMS,
} from "@pipeline/core";

/** A change that made a line usable. */
export type Repair =
  | "author missing"
  | "text missing"
  | "text cut"
  | "text not well-formed"
  | "score missing"
  | "retrieval time not readable"
  | "subreddit missing";

/** Called for each repair. */
export type OnRepair = (repair: Repair) => void;

/** The kind implied by a file's name, for lines that do not reveal theirs. */
export type ArchiveKind = "submissions" | "comments";

/** The author of records whose author is unknown. */
export const DELETED_USER = "[deleted]";

type Fields = Readonly<Record<string, unknown>>;

const SUBREDDIT_OF_LINK = /^(?:https?:\/\/[^/]+)?\/r\/([A-Za-z0-9_]+)\/comments\//;
const POST_OF_LINK = /\/comments\/([a-z0-9]+)(?:\/|$)/;
const BASE36 = /^[A-Za-z0-9]+$/;

/** `RS_...` holds submissions, `RC_...` comments; other names imply nothing. */
export function kindByName(path: string): ArchiveKind | undefined {
  const name = path.slice(Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\")) + 1);
  if (/^RS[_-]/i.test(name)) return "submissions";
  return /^RC[_-]/i.test(name) ? "comments" : undefined;
}

/**
 * Reads one line.
 *
 * @param hint kind of a line that has the fields of neither.
 * @throws {RecordError} with the reason why the line cannot be used.
 */
export function readArchiveLine(text: string, onRepair: OnRepair, hint?: ArchiveKind): Entity {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new RecordError("The line is not JSON", { cause });
  }
  if (typeof json !== "object" || json === null || Array.isArray(json)) {
    throw new RecordError("The line is not a JSON object");
  }
  const fields = json as Fields;
  const kind = kindOf(fields) ?? hint;
  if (kind === undefined) throw new RecordError("The line is neither a submission nor a comment");
  return kind === "comments" ? comment(fields, onRepair) : submission(fields, onRepair);
}

function kindOf(f: Fields): ArchiveKind | undefined {
  if (f.body !== undefined || f.link_id !== undefined) return "comments";
  const known = f.title ?? f.selftext ?? f.num_comments ?? f.is_self ?? f.url;
  return known === undefined ? undefined : "submissions";
}

function submission(f: Fields, onRepair: OnRepair): Entity {
  const subreddit = subredditOf(f);
  if (subreddit === undefined) {
    throw new RecordError(
      f.promoted === true || f.subreddit === null
        ? "The submission has no subreddit: it is an advertisement"
        : "The submission has no subreddit",
    );
  }
  const time = createdOf(f);
  return {
    kind: "post",
    post_id: ownId(f, "t3_"),
    user_id: authorOf(f, onRepair),
    subreddit,
    title: textOf(f.title, onRepair),
    content: textOf(f.selftext, onRepair),
    score: scoreOf(f, onRepair),
    num_comments: parseInteger(f.num_comments) ?? 0,
    created_utc: time,
    timestamp: time,
    ...retrievalOf(f, time, onRepair),
  };
}

function comment(f: Fields, onRepair: OnRepair): Entity {
  const time = createdOf(f);
  const subreddit = subredditOf(f);
  if (subreddit === undefined) onRepair("subreddit missing");
  return {
    kind: "comment",
    comment_id: ownId(f, "t1_"),
    post_id: postOf(f),
    user_id: authorOf(f, onRepair),
    content: textOf(f.body, onRepair),
    score: scoreOf(f, onRepair),
    created_utc: time,
    timestamp: time,
    ...retrievalOf(f, time, onRepair),
    // The batch layer finds it through the post.
    ...(subreddit === undefined ? {} : { subreddit }),
  };
}

function ownId(f: Fields, prefix: "t1_" | "t3_"): string {
  const id = fullName(f.id, prefix) ?? fullName(f.name, prefix);
  if (id === undefined) throw new RecordError(`"id" is ${shown(f.id)}: it must be an id of Reddit`);
  return id;
}

function postOf(f: Fields): string {
  const parent = typeof f.parent_id === "string" && f.parent_id.startsWith("t3_")
    ? f.parent_id
    : undefined;
  const linked = typeof f.permalink === "string" ? POST_OF_LINK.exec(f.permalink)?.[1] : undefined;
  const id = fullName(f.link_id, "t3_") ?? fullName(parent, "t3_") ?? fullName(linked, "t3_");
  if (id === undefined) {
    throw new RecordError(`"link_id" is ${shown(f.link_id)}: it must be the id of a submission`);
  }
  return id;
}

/** An id with its prefix, whether or not the input has it. Pure digits may come as a number. */
function fullName(value: unknown, prefix: string): string | undefined {
  const text = Number.isSafeInteger(value) ? String(value) : value;
  if (typeof text !== "string") return undefined;
  const bare = text.startsWith(prefix) ? text.slice(prefix.length) : text;
  if (!BASE36.test(bare) || bare.length > 32) return undefined;
  return prefix + bare;
}

function authorOf(f: Fields, onRepair: OnRepair): string {
  const author = typeof f.author === "number" ? String(f.author) : f.author;
  if (author === undefined || author === null || author === "") {
    onRepair("author missing");
    return DELETED_USER;
  }
  return name(author, "author");
}

function subredditOf(f: Fields): string | undefined {
  const found = ownSubreddit(f);
  return found === undefined ? undefined : name(found, "subreddit");
}

function ownSubreddit(f: Fields): string | undefined {
  if (typeof f.subreddit === "string" && f.subreddit !== "") return f.subreddit;
  const prefixed = f.subreddit_name_prefixed;
  if (typeof prefixed === "string" && /^r\/\w+$/.test(prefixed)) return prefixed.slice(2);
  return typeof f.permalink === "string" ? SUBREDDIT_OF_LINK.exec(f.permalink)?.[1] : undefined;
}

function name(value: unknown, field: string): string {
  if (isIdentifier(value)) return value;
  throw new RecordError(
    `"${field}" is ${shown(value)}: it must be text of at most ${MAX_ID_LENGTH} bytes`,
  );
}

function textOf(value: unknown, onRepair: OnRepair): string {
  if (value === null || value === undefined || value === false) {
    onRepair("text missing");
    return "";
  }
  let text = typeof value === "string" ? value : JSON.stringify(value);
  if (text.length > MAX_TEXT_LENGTH) {
    onRepair("text cut");
    text = text.slice(0, MAX_TEXT_LENGTH);
    // Never cut a surrogate pair in half.
    if (/[\ud800-\udbff]$/.test(text)) text = text.slice(0, -1);
  }
  if (text.isWellFormed()) return text;
  onRepair("text not well-formed");
  return text.toWellFormed();
}

function scoreOf(f: Fields, onRepair: OnRepair): number {
  const score = parseInteger(f.score);
  if (score !== undefined) return score;
  onRepair("score missing");
  const ups = parseInteger(f.ups);
  return ups === undefined ? 0 : ups - (parseInteger(f.downs) ?? 0);
}

function createdOf(f: Fields): number {
  const time = parseTime(f.created_utc);
  if (time !== undefined) return time;
  throw new RecordError(`"created_utc" is ${shown(f.created_utc)}: it must be ${TIME_FORMS}`);
}

/** The latest time of retrieval, if it is after `created`; dumps have several names for it. */
function retrievalOf(
  f: Fields,
  created: number,
  onRepair: OnRepair,
): { readonly retrieved_utc?: number } {
  const meta = f._meta as Fields | null | undefined;
  let latest = created;
  for (const value of [meta?.retrieved_2nd_on, f.retrieved_utc, f.retrieved_on]) {
    if (value === undefined || value === null) continue;
    const time = parseTime(value);
    if (time === undefined) onRepair("retrieval time not readable");
    else latest = Math.max(latest, time);
  }
  return latest === created ? {} : { retrieved_utc: latest };
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? "missing";
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
