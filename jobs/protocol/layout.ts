/**
 * Where things lie in the master dataset.
 *
 *     /data/{posts,comments,users}/year=YYYY/month=MM/day=DD/hour=HH/data_*.json
 *     /data/_commits/<topic>/<partition>/<start offset>      one flush of one partition
 *     /data/_commits/history/<load>                          one historical load
 *     /data/_commits/checkpoints/<topic>/<partition>/<start>-<end>   commits, compacted
 *     /data/_state/<generation>/...                          batch's own state
 *     /data/_tmp/<writer token>/...                          uncommitted
 *     /staging/<load>/...                                    a load that waits to be committed
 *
 * @module
 */

import { type Topic, WINDOWS } from "@pipeline/core";

/** Folder of a topic's records. */
export const TOPIC_FOLDERS: Readonly<Record<Topic, string>> = {
  "reddit.posts": "posts",
  "reddit.comments": "comments",
  "reddit.users": "users",
};

/** Where the commit log lies. */
export const COMMITS = "/data/_commits";

/** Where files lie that nobody has committed yet. */
export const TEMPORARY = "/data/_tmp";

/** Where batch keeps its state. */
export const STATE = "/data/_state";

/** Where historical loads wait. */
export const STAGING = "/staging";

/** `posts/year=2026/month=01/day=31/hour=07` for an event time in milliseconds. */
export function hourFolder(topic: Topic, time: number): string {
  const iso = new Date(time).toISOString();
  return `${TOPIC_FOLDERS[topic]}/year=${iso.slice(0, 4)}/month=${iso.slice(5, 7)}/day=${
    iso.slice(8, 10)
  }/hour=${iso.slice(11, 13)}`;
}

const FOLDER = /^(posts|comments|users)\/year=(\d{4})\/month=(\d\d)\/day=(\d\d)\/hour=(\d\d)$/;

/** What a folder of records is for: its topic, and the start of its day and of its hour (milliseconds). */
export function readFolder(
  folder: string,
): { topic: Topic; day: number; hour: number } | undefined {
  const match = FOLDER.exec(folder);
  if (match === null) return undefined;
  const [, name, year, month, date, hours] = match;
  const topic = (Object.keys(TOPIC_FOLDERS) as Topic[]).find((t) => TOPIC_FOLDERS[t] === name);
  const day = Date.UTC(Number(year), Number(month) - 1, Number(date));
  return topic === undefined
    ? undefined
    : { topic, day, hour: day + Number(hours) * WINDOWS["1h"] };
}

/** Offsets in file names sort as numbers do. */
export function offsetName(offset: number): string {
  return String(offset).padStart(20, "0");
}
