/**
 * How old the copy in Elasticsearch is: the time from which a record is due until a search over the
 * views' aliases finds all its documents.
 *
 * Records are sampled at the end of the log. A document's version is the offset up to which its fold
 * includes the log, so a document of the record's part includes the record from its offset on. The
 * probe makes a few requests a second, whatever the load is, and its looks become rarer with the
 * age: a result is at most a tenth too great.
 *
 * @module
 */

import { openKafka } from "@pipeline/adapters/kafka";
import {
  documentKey,
  type Entity,
  type EventLog,
  nameKey,
  parseText,
  partitionName,
  type Topic,
  viewAlias,
  VIEWS,
  WINDOWS,
  windowStart,
  withPart,
} from "@pipeline/core";
import type { Servers } from "@pipeline/tools/servers";
import { pause } from "../support/demo.ts";
import { median } from "./_figure.ts";
import { brokers } from "./_servers.ts";

/** Milliseconds between two turns of the probe. */
const TURN = 100;

/** Milliseconds between two samples. */
const SAMPLE_EVERY = 400;

/** Most records that are looked for at once. */
const MOST = 16;

/** Share of a record's age after which it is looked for again. */
const PATIENCE = 0.1;

const TOPICS: readonly Topic[] = ["reddit.comments", "reddit.posts"];

interface Sample {
  readonly due: number;
  /** The least version at which a document includes the record. */
  readonly version: number;
  /** Ids of the documents that were not found yet. */
  readonly wanted: Set<string>;
  look: number;
}

/** A probe that runs until it is stopped. */
export class CopyProbe {
  readonly #log: EventLog;
  readonly #url: string;
  readonly #ends = new Map<string, number>();
  readonly #ages: number[] = [];
  #samples: Sample[] = [];
  #sampled = 0;
  #turns = 0;
  #ending = false;
  readonly #done: Promise<void>;

  /** @param prefix of the names of topics, indices and aliases. */
  constructor(servers: Servers, prefix: string) {
    this.#log = openKafka({ brokers: brokers(servers), prefix });
    const aliases = VIEWS.map((view) => `${prefix}${viewAlias(view)}`).join();
    this.#url = `http://${servers.elasticsearch[0]!.endpoint}/${aliases}/_search`;
    this.#done = this.#run();
  }

  /**
   * Ends the probe. A record that was not found counts with its age so far, if that is above the
   * median of those found: the median is right all the same.
   *
   * @returns the ages in milliseconds.
   */
  async stop(): Promise<number[]> {
    this.#ending = true;
    await this.#done;
    const least = this.#ages.length === 0 ? 0 : median(this.#ages);
    const open = this.#samples.map(({ due }) => Date.now() - due).filter((age) => age > least);
    return [...this.#ages, ...open];
  }

  async #run(): Promise<void> {
    try {
      while (!this.#ending) {
        const begun = Date.now();
        if (begun - this.#sampled >= SAMPLE_EVERY && this.#samples.length < MOST) {
          await this.#sample();
        }
        await this.#look(this.#samples.filter(({ look }) => look <= Date.now()));
        await pause(Math.max(0, begun + TURN - Date.now()));
      }
    } finally {
      await this.#log.close();
    }
  }

  /** Takes the last record of a partition that has grown since the last look at it. */
  async #sample(): Promise<void> {
    const topic = TOPICS[this.#turns++ % TOPICS.length]!;
    const grown: { readonly partition: number; readonly end: number }[] = [];
    for (const { partition, end } of await this.#log.ranges(topic)) {
      const part = partitionName(topic, partition);
      if (end > (this.#ends.get(part) ?? end)) grown.push({ partition, end });
      this.#ends.set(part, end);
    }
    const chosen = grown[this.#turns % grown.length];
    if (chosen === undefined) return;
    const { partition, end } = chosen;
    for await (const { records } of this.#log.read(topic, partition, end - 1, end)) {
      for (const { value, offset } of records) {
        const record = parseText(topic, new TextDecoder().decode(value!));
        const wanted = documentsOf(record).map((key) =>
          withPart(partitionName(topic, partition), key)
        );
        if (wanted.length === 0) continue;
        this.#sampled = Date.now();
        const due = record.timestamp;
        this.#samples.push({ due, version: offset + 1, wanted: new Set(wanted), look: 0 });
      }
    }
  }

  async #look(samples: readonly Sample[]): Promise<void> {
    if (samples.length === 0) return;
    const values = samples.flatMap(({ wanted }) => [...wanted]);
    const response = await fetch(this.#url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({
        query: { ids: { values } },
        version: true,
        _source: false,
        track_total_hits: false,
        size: values.length,
      }),
    });
    const answer = await response.json();
    if (!response.ok) throw new Error(`The search failed: ${JSON.stringify(answer)}`);
    const hits = answer.hits.hits as { readonly _id: string; readonly _version: number }[];
    const versions = new Map(hits.map(({ _id, _version }) => [_id, _version]));
    const now = Date.now();
    for (const sample of samples) {
      const { wanted, version, due } = sample;
      for (const id of wanted) if ((versions.get(id) ?? 0) >= version) wanted.delete(id);
      if (wanted.size === 0) this.#ages.push(now - due);
      sample.look = now + (now - due) * PATIENCE;
    }
    this.#samples = this.#samples.filter(({ wanted }) => wanted.size > 0);
  }
}

/** Keys of documents of each view that an announcement changes; none for other records. */
function documentsOf(record: Entity): string[] {
  if (record.kind === "user" || record.timestamp !== record.created_utc) return [];
  if (record.subreddit === undefined) return [];
  const start = (window: "1m" | "1d") => windowStart(record.timestamp, WINDOWS[window]);
  const subreddit = nameKey(record.subreddit);
  const user_id = nameKey(record.user_id);
  return [
    documentKey({ type: "activity", subreddit, window: "1m", window_start: start("1m") }),
    documentKey({ type: "user_window", user_id, window: "1d", window_start: start("1d") }),
    ...record.kind === "post"
      ? [documentKey({ type: "post", subreddit, post_id: record.post_id })]
      : [],
  ];
}
