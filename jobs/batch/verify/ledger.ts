/**
 * Checks the dataset against a ledger of acknowledged records: each of them is in the
 * dataset, or among the dead letters, exactly once.
 *
 * @module
 */

import { hashText, type MasterDataset, partitionName, type Topic } from "@pipeline/core";
import { CommitLog, inOrder, readLines } from "@pipeline/protocol";
import type { Differences } from "./report.ts";

/** An acknowledged record. */
export interface LedgerEntry {
  /** Topic of the record. */
  readonly topic: string;
  /** Partition of the record. */
  readonly partition: number;
  /** Offset of the record. */
  readonly offset: number;
  /** The record's own id. */
  readonly id: string;
  /** xxHash64 of the value, 16 hexadecimal digits. */
  readonly hash: string;
}

/** Result of {@linkcode verifyLedger}. */
export interface LedgerCheck {
  /** Acknowledged records that were checked. */
  readonly acknowledged: number;
  /** Those of them that are dead letters. */
  readonly dead_letters: number;
  /** Acknowledged records beyond the last commit: not checked. */
  readonly beyond: number;
  /** Records in the dataset that are not in this ledger. */
  readonly others: number;
  /** Records that are not there exactly once, or differ from what was sent. */
  readonly differences: number;
}

/** Compares a ledger with the commits of the partitions in it. */
export async function verifyLedger(
  dataset: MasterDataset,
  entries: AsyncIterable<LedgerEntry>,
  differences: Differences,
): Promise<LedgerCheck> {
  const partitions = new Map<string, LedgerEntry[]>();
  for await (const entry of entries) {
    const name = partitionName(entry.topic, entry.partition);
    const known = partitions.get(name);
    if (known === undefined) partitions.set(name, [entry]);
    else known.push(entry);
  }
  const sums = { acknowledged: 0, dead_letters: 0, beyond: 0, others: 0 };
  const before = differences.count;
  for (const ledger of partitions.values()) {
    const check = await verifyPartition(dataset, ledger, differences);
    for (const key of Object.keys(sums) as (keyof typeof sums)[]) sums[key] += check[key];
  }
  return { ...sums, differences: differences.count - before };
}

async function verifyPartition(
  dataset: MasterDataset,
  ledger: LedgerEntry[],
  differences: Differences,
): Promise<Omit<LedgerCheck, "differences">> {
  const { topic, partition } = ledger[0]!;
  const name = partitionName(topic, partition);
  ledger.sort((a, b) => a.offset - b.offset);
  for (const [i, entry] of ledger.entries()) {
    if (entry.offset !== ledger[i - 1]?.offset) continue;
    const expected = "one acknowledgement";
    differences.add({ check: "ledger", what: `${name}@${entry.offset}`, expected, found: "two" });
  }
  const { commits, next } = await new CommitLog(dataset).read(topic as Topic, partition);
  const sums = { acknowledged: 0, dead_letters: 0, beyond: 0, others: 0 };
  let at = 0;
  for (const commit of commits) {
    while (at < ledger.length && ledger[at]!.offset < commit.start) at++;
    if (at === ledger.length || ledger[at]!.offset >= commit.end) {
      // The commit holds no record of the ledger: it need not be read.
      sums.others += commit.records;
      continue;
    }
    const lines = new Map<string, number>();
    let records = commit.dead_letters.length;
    for await (const content of inOrder(commit.files, (file) => readLines(dataset, file))) {
      for (const line of content) {
        const hash = hashText(line);
        lines.set(hash, (lines.get(hash) ?? 0) + 1);
      }
      records += content.length;
    }
    // Records that are not in the ledger may come from other producers, but each has an offset of
    // its own.
    if (records > commit.end - commit.start) {
      const what = `${name}@${commit.start} to ${commit.end - 1}`;
      const expected = `at most ${commit.end - commit.start} records`;
      differences.add({ check: "ledger", what, expected, found: records });
    }
    const dead = new Set(commit.dead_letters);
    for (; at < ledger.length && ledger[at]!.offset < commit.end; at++) {
      const { offset, id, hash } = ledger[at]!;
      sums.acknowledged++;
      if (dead.has(offset)) {
        sums.dead_letters++;
        continue;
      }
      const left = lines.get(hash) ?? 0;
      if (left > 0) {
        lines.set(hash, left - 1);
        continue;
      }
      const what = `${name}@${offset} ${id}`;
      differences.add({ check: "ledger", what, expected: "once in the dataset", found: undefined });
    }
    for (const left of lines.values()) sums.others += left;
  }
  sums.beyond = ledger.filter((entry) => entry.offset >= next).length;
  return sums;
}
