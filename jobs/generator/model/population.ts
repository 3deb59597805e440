/**
 * The population: users that register evenly over a range of time, the most active first, as pure
 * functions of their rank. So a live run knows the users, and the karma, of the history that it
 * follows, without generating it.
 * @module
 */

import type { User } from "@pipeline/core";
import { fnv1a } from "./random.ts";
import { userName } from "./names.ts";

/** When users register: `[from, to)`, milliseconds since 1970. Equal = all at once. */
export interface Registration {
  /** First registration, inclusive. */
  readonly from: number;
  /** End of registrations, exclusive. */
  readonly to: number;
}

const HOUR = 3_600_000;

/** The users of a model. */
export class Population {
  readonly #names: string[] = [];

  /** A population of `size` users. */
  constructor(readonly size: number, readonly registration: Registration) {}

  /** The user's id, which is also the name. */
  id(rank: number): string {
    return this.#names[rank] ??= userName(rank);
  }

  /** When the user registered, milliseconds since 1970. */
  registered(rank: number): number {
    const { from, to } = this.registration;
    return from + Math.floor((to - from) * rank / this.size);
  }

  /** Number of users registered at `time`: exactly those with lower ranks. */
  count(time: number): number {
    const { from, to } = this.registration;
    if (time >= to) return this.size;
    if (time < from) return 0;
    let count = Math.floor((time - from) * this.size / (to - from));
    while (count < this.size && this.registered(count) <= time) count++;
    return count;
  }

  /** The user as of `time`; at the moment of registration that is the announcement. */
  fact(rank: number, time: number): User {
    return userFact(this.id(rank), this.registered(rank), time, 200 / (rank + 5));
  }
}

/**
 * A user whose karma grows with time at an individual pace.
 *
 * @param activity how active the user is, in points of karma an hour.
 */
export function userFact(
  id: string,
  registered: number,
  time: number,
  activity: number,
): User {
  const pace = activity * (1 + fnv1a(id) % 8) / 4;
  return {
    kind: "user",
    user_id: id,
    username: id,
    karma: 1 + Math.floor((time - registered) / HOUR * pace),
    created_utc: registered,
    timestamp: time,
  };
}
