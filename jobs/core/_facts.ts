/**
 * The fields of a record that the views need: identifiers as bytes, times and counts.
 *
 * @module
 */

import { Key } from "./_keys.ts";
import { asOf, type Entity, isAnnouncement } from "./records.ts";

/** A text that becomes a string only on demand. */
export class Text {
  #string: string | undefined = "";
  #bytes: Uint8Array = new Uint8Array(0);
  #start = 0;
  #end = 0;
  #plain = true;

  /** Sets the text from a string. */
  set(string: string): void {
    this.#string = string;
  }

  /**
   * Sets the text from the bytes between the quotes of a JSON string.
   *
   * @param plain whether the bytes are ASCII without escapes.
   */
  point(bytes: Uint8Array, at: { start: number; end: number; plain: boolean }): void {
    this.#string = undefined;
    this.#bytes = bytes;
    this.#start = at.start;
    this.#end = at.end;
    this.#plain = at.plain;
  }

  /** Whether the text equals `known`, as far as that can be decided without making a string. */
  is(known: string): boolean {
    if (this.#string !== undefined) return this.#string === known;
    const [bytes, start] = [this.#bytes, this.#start];
    if (!this.#plain || known.length !== this.#end - start) return false;
    for (let i = 0; i < known.length; i++) {
      if (known.charCodeAt(i) !== bytes[start + i]) return false;
    }
    return true;
  }

  /** The text. */
  toString(): string {
    if (this.#string !== undefined) return this.#string;
    if (this.#plain) return decoder.decode(this.#bytes.subarray(this.#start, this.#end));
    const quoted = this.#bytes.subarray(this.#start - 1, this.#end + 1);
    return this.#string = JSON.parse(decoder.decode(quoted)) as string;
  }
}

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** The fields of one record that the views need. One instance, which the next record overwrites. */
export class Facts {
  /** The kind of record. */
  kind: Entity["kind"] = "user";
  /** `created_utc` in milliseconds. */
  created = 0;
  /** Whether the record announces its entity. */
  announces = false;
  /** When the entity was in this state ({@linkcode asOf}), in milliseconds. */
  timestamp = 0;
  /** Id of a post or comment. */
  readonly id = new Key();
  /** The author. */
  readonly user = new Key();
  /** Subreddit of a post; of a comment if it is {@linkcode located}. */
  readonly subreddit = new Key();
  /** Whether the subreddit is known. */
  located = false;
  /** The post of a comment. */
  readonly post = new Key();
  /** Title of a post, name of a user. */
  readonly text = new Text();
  /** Score of a post. */
  score = 0;
  /** Number of comments of a post. */
  comments = 0;
  /** Karma of a user. */
  karma = 0;

  /** Sets all fields from a record. */
  set(record: Entity): this {
    this.kind = record.kind;
    this.created = record.created_utc;
    this.announces = isAnnouncement(record);
    this.timestamp = asOf(record);
    this.user.set(record.user_id);
    switch (record.kind) {
      case "post":
        this.id.set(record.post_id);
        this.subreddit.set(record.subreddit);
        this.located = true;
        this.text.set(record.title);
        this.score = record.score;
        this.comments = record.num_comments;
        break;
      case "comment":
        this.id.set(record.comment_id);
        this.post.set(record.post_id);
        this.located = record.subreddit !== undefined;
        if (record.subreddit !== undefined) this.subreddit.set(record.subreddit);
        break;
      case "user":
        this.text.set(record.username);
        this.karma = record.karma;
    }
    return this;
  }
}
