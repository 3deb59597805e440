/**
 * Writes one partition of the log into the dataset, each offset once.
 *
 * A flush computes everything first, writes an intent (the commit itself) beside its temporary
 * files, moves the files to names derived from the offsets, and then moves the commit: before that
 * nothing exists, after it everything does.
 *
 * Delivery: exactly once per offset. Dead letters: at least once, and durable before their offsets
 * count as processed.
 *
 * @module
 */

import {
  admitRecord,
  canonicalBytes,
  DEAD_LETTER_TOPIC,
  hasCode,
  hashBytes,
  type LogBatch,
  type LogProducer,
  type LogRecord,
  type MasterDataset,
  partitionName,
  PipelineError,
  RecordError,
  RecordLines,
  type Topic,
} from "@pipeline/core";
import {
  type Commit,
  CommitLog,
  type CommittedFile,
  continueFrom,
  hourFolder,
  inOrder,
  newToken,
  offsetName,
  publishOnce,
  readAll,
  recordHash,
  TEMPORARY,
  writeOwn,
} from "@pipeline/protocol";
import { retry, type RetryOptions } from "@pipeline/runtime";

/** The dependencies and settings of a partition writer. */
export interface PartitionWriterOptions {
  /** The destination of records. */
  readonly dataset: MasterDataset;
  /** The destination of dead letters. */
  readonly deadLetters: LogProducer;
  /** The topic that is written. */
  readonly topic: Topic;
  /** From 0. */
  readonly partition: number;
  /** The offset to continue at. */
  readonly next: number;
  /** The last record before `next`, if there is any. */
  readonly last: Commit["last"];
  /** How far ahead of the log's clock an event may be, in milliseconds. */
  readonly maxFuture: number;
  /** The writer's name, unique for every start of the job. */
  readonly token: string;
  /** How the sending of dead letters is retried. */
  readonly retry?: RetryOptions;
}

/** Result of a flush. */
export interface Flushed {
  /** The commit that the dataset holds from the flush's start on. */
  readonly commit: Commit;
  /** False if another writer was first: records that it has not committed must be read again. */
  readonly ours: boolean;
}

interface DeadLetter {
  readonly record: LogRecord;
  readonly reason: string;
}

/**
 * Most bytes of a record in its dead letter, as long as the log rejects larger ones: base64 and
 * coordinates make a letter larger than the record, which may be as large as the log accepts.
 */
const LETTER_BYTES = [Infinity, 65_536, 1_024];

/** The content of a dead letter; if it is cut, the original number of bytes shows it. */
function letterOf({ record, reason }: DeadLetter, most: number) {
  const { offset, timestamp, key, value } = record;
  const cut = value !== null && value.length > most;
  return {
    offset,
    append_time: timestamp,
    key: key.slice(0, most),
    reason: reason.slice(0, most),
    value: (cut ? value.subarray(0, most) : value)?.toBase64() ?? null,
    ...(cut ? { value_bytes: value.length } : {}),
  };
}

/** Records that were taken from the log and are not yet in the dataset. */
class Buffer {
  readonly hours = new Map<string, RecordLines>();
  readonly deadLetters: DeadLetter[] = [];
  records = 0;
  bytes = 0;
  last: LogRecord | undefined;
  constructor(readonly start: number, public end: number) {}
}

/** Writes one partition. Calls must not overlap. */
export class PartitionWriter {
  readonly #o: PartitionWriterOptions;
  readonly #commits: CommitLog;
  #buffer: Buffer;
  #last: Commit["last"];
  #temporaries = 0;

  /** Creates a writer without pending records. */
  constructor(options: PartitionWriterOptions) {
    this.#o = options;
    this.#commits = new CommitLog(options.dataset);
    this.#buffer = new Buffer(options.next, options.next);
    this.#last = options.last;
  }

  /** The first offset that was not taken. */
  get next(): number {
    return this.#buffer.end;
  }

  /** The first offset that is not in the dataset. */
  get committed(): number {
    return this.#buffer.start;
  }

  /** Number and bytes of the pending records. */
  get pending(): { readonly records: number; readonly bytes: number } {
    return { records: this.#buffer.end - this.#buffer.start, bytes: this.#buffer.bytes };
  }

  /** Adds a batch to the pending records, without records that were taken before. */
  add(delivered: LogBatch): void {
    const buffer = this.#buffer;
    const batch = continueFrom(delivered, buffer.end);
    if (batch === undefined) return;
    for (const record of batch.records) this.#take(buffer, record);
    buffer.end = batch.nextOffset;
  }

  #take(buffer: Buffer, record: LogRecord): void {
    const { topic, maxFuture } = this.#o;
    buffer.last = record;
    buffer.bytes += record.value?.length ?? 0;
    try {
      const entity = admitRecord(topic, record.value, record.timestamp, { extra: true, maxFuture });
      const folder = hourFolder(topic, entity.timestamp);
      let lines = buffer.hours.get(folder);
      if (lines === undefined) buffer.hours.set(folder, lines = new RecordLines());
      lines.add(entity);
      buffer.records++;
    } catch (error) {
      if (!(error instanceof RecordError)) throw error;
      buffer.deadLetters.push({ record, reason: error.message });
    }
  }

  /**
   * Commits the pending records. Returns the commit, or `undefined` if there were none. If another
   * writer committed the same start, this one has taken nothing beyond that commit.
   */
  async flush(): Promise<Flushed | undefined> {
    const buffer = this.#buffer;
    if (buffer.end === buffer.start) return undefined;
    const { topic, partition, token } = this.#o;
    await this.#sendDeadLetters(buffer.deadLetters);

    const contents = this.#contents(buffer);
    const last = buffer.last === undefined
      ? this.#last
      : { offset: buffer.last.offset, hash: recordHash(buffer.last) };
    const commit: Commit = {
      topic,
      partition,
      start: buffer.start,
      end: buffer.end,
      files: contents.map((content) => content.file),
      records: buffer.records,
      dead_letters: buffer.deadLetters.map((letter) => letter.record.offset),
      last,
      token,
    };
    const intent = this.#temporary("commit");
    await writeOwn(this.#o.dataset, intent, canonicalBytes(commit));
    const placed = inOrder(
      contents,
      ({ file, bytes }) => this.#place(file, bytes),
    );
    for await (const _ of placed);
    const winner = await this.#commits.publish(commit, intent);
    this.#buffer = new Buffer(winner.end, winner.end);
    this.#last = winner.last;
    return { commit: winner, ours: winner.token === token && winner.end === commit.end };
  }

  #contents(buffer: Buffer): { file: CommittedFile; bytes: Uint8Array }[] {
    const { partition } = this.#o;
    const range = `${offsetName(buffer.start)}-${offsetName(buffer.end)}`;
    return [...buffer.hours].map(([folder, lines]) => {
      const bytes = lines.bytes();
      const path = `${folder}/data_${partition}_${range}.json`;
      const file = { path, records: lines.records, bytes: bytes.length, hash: hashBytes(bytes) };
      return { file, bytes };
    });
  }

  async #sendDeadLetters(letters: readonly DeadLetter[]): Promise<void> {
    if (letters.length === 0) return;
    const { topic, partition, deadLetters } = this.#o;
    for (const [i, most] of LETTER_BYTES.entries()) {
      const records = letters.map((letter) => ({
        topic: DEAD_LETTER_TOPIC,
        key: partitionName(topic, partition),
        value: canonicalBytes({ topic, partition, ...letterOf(letter, most) }),
      }));
      try {
        await retry(() => deadLetters.send(records), this.#o.retry);
        return;
      } catch (error) {
        const last = i === LETTER_BYTES.length - 1;
        if (last || !hasCode(error, "too_large")) throw error;
      }
    }
  }

  /** Writes a file and moves it to its final path, unless it is already there. */
  async #place(file: CommittedFile, bytes: Uint8Array): Promise<void> {
    const { dataset } = this.#o;
    const path = `/data/${file.path}`;
    const temporary = this.#temporary("data");
    await writeOwn(dataset, temporary, bytes);
    await dataset.mkdirs(path.slice(0, path.lastIndexOf("/")));
    await publishOnce(dataset, temporary, path, async () => {
      // The name follows from the offsets, and the content from the name: a file at that path is
      // either this one, or a broken one.
      if (hashBytes(await readAll(dataset, path)) !== file.hash) {
        throw new PipelineError("corrupt", `${path} exists with another content`);
      }
      await dataset.remove(temporary);
      return true;
    });
  }

  #temporary(kind: string): string {
    const { topic, partition, token } = this.#o;
    const name = `${partitionName(topic, partition)}-${newToken().slice(0, 8)}`;
    return `${TEMPORARY}/${token}/${kind}-${name}-${this.#temporaries++}`;
  }
}
