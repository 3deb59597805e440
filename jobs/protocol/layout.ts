/**
 * Paths of the master dataset.
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

/** Folder of the commit log. */
export const COMMITS = "/data/_commits";

/** Folder of uncommitted files. */
export const TEMPORARY = "/data/_tmp";

/** Folder of batch's state. */
export const STATE = "/data/_state";

/** Folder of historical loads that are not committed yet. */
export const STAGING = "/staging";

/** `posts/year=2026/month=01/day=31/hour=07` for an event time in milliseconds. */
export function hourFolder(topic: Topic, time: number): string {
  const iso = new Date(time).toISOString();
  return `${TOPIC_FOLDERS[topic]}/year=${iso.slice(0, 4)}/month=${iso.slice(5, 7)}/day=${
    iso.slice(8, 10)
  }/hour=${iso.slice(11, 13)}`;
}

const FOLDER = /^(posts|comments|users)\/year=(\d{4})\/month=(\d\d)\/day=(\d\d)\/hour=(\d\d)$/;

/**
 * The meaning of a folder of records: its topic, and the start of its day and of its hour
 * (milliseconds).
 */
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

/** Padded, so that offsets in file names sort like numbers. */
export function offsetName(offset: number): string {
  return String(offset).padStart(20, "0");
}
