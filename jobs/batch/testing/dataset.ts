/**
 * Records in a dataset, committed as by ingest.
 *
 * @module
 */

import {
  type Comment,
  encodeRecord,
  type Entity,
  hashBytes,
  type MasterDataset,
  type Post,
  type Topic,
  topicOf,
} from "@pipeline/core";
import {
  type Commit,
  CommitLog,
  type CommittedFile,
  hourFolder,
  newToken,
  recordHash,
  TEMPORARY,
} from "@pipeline/protocol";

/** 2026-03-01T00:00:00Z. */
export const START: number = Date.UTC(2026, 2, 1);

/** A post announced at `created`. */
export function post(id: string, created: number, more: Partial<Post> = {}): Post {
  return {
    kind: "post",
    post_id: id,
    user_id: "ann",
    subreddit: "sub",
    title: "",
    content: "",
    score: 1,
    num_comments: 0,
    created_utc: created,
    timestamp: created,
    ...more,
  };
}

/** A comment on the post `p1` announced at `created`, of an unknown subreddit. */
export function comment(id: string, created: number, more: Partial<Comment> = {}): Comment {
  return {
    kind: "comment",
    comment_id: id,
    post_id: "p1",
    user_id: "bob",
    content: "",
    score: 1,
    created_utc: created,
    timestamp: created,
    ...more,
  };
}

/** A record's value, as the log and the dataset hold it. */
export function valueOf(entity: Entity): Uint8Array {
  return new TextEncoder().encode(encodeRecord(entity));
}

/** Commits records of one kind as one flush of partition 0, from offset `start` on. */
export async function commitRecords(
  dataset: MasterDataset,
  start: number,
  records: readonly Entity[],
  more: Partial<Commit> = {},
): Promise<Commit> {
  const topic: Topic = topicOf(records[0]!);
  const end = start + records.length;
  const files: CommittedFile[] = [];
  for (const [folder, hour] of Map.groupBy(records, (r) => hourFolder(topic, r.timestamp))) {
    const text = hour.map((record) => `${encodeRecord(record)}\n`).join("");
    const bytes = new TextEncoder().encode(text);
    const path = `${folder}/data_0_${start}-${end}.json`;
    await dataset.write(`/data/${path}`, bytes);
    files.push({ path, records: hour.length, bytes: bytes.length, hash: hashBytes(bytes) });
  }
  const token = newToken();
  const last = {
    offset: end - 1,
    hash: recordHash({ key: "k", value: valueOf(records.at(-1)!) }),
  };
  const commit: Commit = {
    ...{ topic, partition: 0, start, end, files, records: records.length, dead_letters: [] },
    ...{ last, token },
    ...more,
  };
  return await new CommitLog(dataset).publish(commit, `${TEMPORARY}/${token}/commit`);
}
