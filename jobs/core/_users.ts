/**
 * Users over all time: sums, distinct subreddits, and registers.
 *
 * @module
 */

import { Changes } from "./_changes.ts";
import type { Facts } from "./_facts.ts";
import { grown, type Key } from "./_keys.ts";
import type { MemberSets, MemberTable } from "./_members.ts";
import { NameTable } from "./_names.ts";
import type { Part, UserTotalDocument } from "./documents.ts";
import { hashBytes } from "./hash.ts";
import { compareUserVersions, type UserVersion } from "./versions.ts";

// The fields of a user. Sums over all time may exceed 32 bits.
const POSTS = 0;
const COMMENTS = 1;
const LAST_ACTIVE = 2;
/** Index of the set of subreddits. */
const SUBREDDITS = 3;
/** The user as a member of sets of authors. */
const MEMBER = 4;
/** Eight doubles fill one line of the processor's cache. */
const LENGTH = 8;

const NO_ACCOUNT: UserVersion = { karma: 0, karma_timestamp: -1, username: "" };

/** Users, identified by index. */
export class UserTable {
  readonly #names = new NameTable();
  #users = new Float64Array(LENGTH);
  readonly #accounts: UserVersion[] = [];
  readonly #members: MemberTable;
  readonly #sets: MemberSets;
  #changes: Changes | undefined;

  /** A table without users. */
  constructor({ members, sets }: {
    /** Numbers authors and subreddits. */
    readonly members: MemberTable;
    /** Keeps sets of subreddits. */
    readonly sets: MemberSets;
  }) {
    this.#members = members;
    this.#sets = sets;
  }

  /** Whether changes are tracked. Switching it off forgets those that were not taken. */
  set track(on: boolean) {
    this.#changes = on ? this.#changes ?? new Changes() : undefined;
  }

  /** Number of users. */
  get size(): number {
    return this.#accounts.length;
  }

  /** The index of a user, or -1. */
  find(key: Key): number {
    return this.#names.find(key);
  }

  /** The index of a user, added if unknown. */
  number(key: Key): number {
    const found = this.#names.find(key);
    return found >= 0 ? found : this.#add(key);
  }

  /** The index of a user whom a record names; also updates the spelling. */
  write(key: Key, timestamp: number): number {
    const user = this.number(key);
    if (this.#names.write(user, key, timestamp)) this.#changes?.touch(user);
    return user;
  }

  #add(key: Key): number {
    const user = this.#names.add(key);
    const at = user * LENGTH;
    while (at + LENGTH > this.#users.length) this.#users = grown(this.#users);
    this.#users[at + LAST_ACTIVE] = -1;
    this.#users[at + SUBREDDITS] = this.#sets.make();
    this.#users[at + MEMBER] = this.#members.ofHash(hashBytes(key.folded()));
    this.#accounts.push(NO_ACCOUNT);
    return user;
  }

  /** The key of a user's name. */
  key(user: number): string {
    return this.#names.key(user);
  }

  /** The user as a member of sets of authors. */
  member(user: number): number {
    return this.#users[user * LENGTH + MEMBER]!;
  }

  /** Applies the idempotent part of an announcement: the user's last activity and set of subreddits. */
  announce(user: number, created: number, subreddit: number | undefined): void {
    const at = user * LENGTH;
    if (created > this.#users[at + LAST_ACTIVE]!) this.#users[at + LAST_ACTIVE] = created;
    if (subreddit !== undefined) this.addSubreddit(user, subreddit);
    this.#changes?.touch(user);
  }

  /** Adds a subreddit, given as a member, to a user's set. */
  addSubreddit(user: number, subreddit: number): void {
    this.#sets.add(this.#users[user * LENGTH + SUBREDDITS]!, subreddit);
  }

  /** Adds announcements to a user's sums. */
  count(user: number, kind: "post" | "comment", by: number): void {
    this.#users[user * LENGTH + (kind === "post" ? POSTS : COMMENTS)]! += by;
    this.#changes?.touch(user);
  }

  /** Keeps the later of two versions of an account. */
  register(user: number, facts: Facts): void {
    const { karma_timestamp, username } = this.#accounts[user]!;
    // At equal times the other fields decide.
    if (facts.timestamp < karma_timestamp) return;
    this.#register(user, {
      karma: facts.karma,
      karma_timestamp: facts.timestamp,
      username: facts.text.is(username) ? username : facts.text.toString(),
    });
  }

  #register(user: number, { karma, karma_timestamp, username }: UserVersion): void {
    const version = { karma, karma_timestamp, username };
    if (compareUserVersions(version, this.#accounts[user]!) <= 0) return;
    this.#accounts[user] = version;
    this.#changes?.touch(user);
  }

  /** Restores a stored document whose name is already in the table. */
  restore(user: number, document: UserTotalDocument): void {
    const users = this.#users;
    const at = user * LENGTH;
    users[at + POSTS]! += document.posts;
    users[at + COMMENTS]! += document.comments;
    users[at + LAST_ACTIVE] = Math.max(users[at + LAST_ACTIVE]!, document.last_active);
    this.#sets.addStored(users[at + SUBREDDITS]!, document.subreddits);
    this.#register(user, document);
  }

  /** Marks all documents as changed, if changes are tracked. */
  touchAll(): void {
    this.#changes?.touchAll(this.size);
  }

  /** Number of changed documents that were not taken. */
  get changes(): number {
    return this.#changes?.size ?? 0;
  }

  /** At most `limit` of the documents that changed since they were last taken. */
  changed(part: Part, limit?: number): UserTotalDocument[] {
    const changed = this.#changes?.take(limit) ?? [];
    return changed.map((user) => this.document(user, part));
  }

  /** All documents. */
  *documents(part: Part): Generator<UserTotalDocument> {
    for (let user = 0; user < this.size; user++) yield this.document(user, part);
  }

  /** The document of a user. */
  document(user: number, part: Part): UserTotalDocument {
    const users = this.#users;
    const at = user * LENGTH;
    return {
      type: "user_total",
      part,
      user_id: this.#names.key(user),
      ...this.#names.spelling(user),
      posts: users[at + POSTS]!,
      comments: users[at + COMMENTS]!,
      subreddits: this.#sets.text(users[at + SUBREDDITS]!),
      last_active: users[at + LAST_ACTIVE]!,
      ...this.#accounts[user]!,
    };
  }
}
