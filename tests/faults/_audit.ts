/**
 * Compares the log, record by record, with the ledger of what was acknowledged: nothing is missing,
 * and nothing is there that nobody knows of. The log against the dataset is what `verify` does.
 *
 * @module
 */

import { DEAD_LETTER_TOPIC, type EventLog, hashBytes, partitionName, TOPICS } from "@pipeline/core";
import { readLedger } from "@pipeline/protocol";

/** What an {@linkcode Audit} found since the one before. Numbers of records. */
export interface Audited {
  /** Entries of the ledger. */
  readonly acknowledged: number;
  /** Acknowledged, and not at that place of the log with that content. */
  readonly lost: readonly string[];
  /** Records whose sending had no clear end, as the producer named them. */
  readonly ambiguous: number;
  /** Of these, second copies that the log holds. */
  readonly copies: number;
  /** In the log, and neither acknowledged nor named ambiguous. */
  readonly strays: readonly string[];
  /** Made to be refused, acknowledged, and without a dead letter. */
  readonly unlettered: readonly string[];
}

/** Audits of one log and one ledger, each from where the one before ended. */
export class Audit {
  readonly #log: EventLog;
  readonly #ledger: string;
  /** By partition: up to where it was compared. */
  readonly #compared = new Map<string, number>();
  /** By hash: ambiguous records that have no second copy yet. */
  readonly #doubtful = new Map<string, number>();
  readonly #letters = new Set<string>();
  #lettersRead = 0;
  #ambiguous = 0;

  /** @param ledger path of the file. */
  constructor(log: EventLog, ledger: string) {
    this.#log = log;
    this.#ledger = ledger;
  }

  /** Compares what is new. Nothing may be written meanwhile, and ingest must have caught up. */
  async check(): Promise<Audited> {
    const { entries, dead, ambiguous } = await this.#readLedger();
    const acknowledged = entries.size;
    const strays: string[] = [];
    let copies = 0;
    for (const topic of TOPICS) {
      for (const { partition, end } of await this.#log.ranges(topic)) {
        const name = partitionName(topic, partition);
        const from = this.#compared.get(name) ?? 0;
        for await (const { records } of this.#log.read(topic, partition, from, end)) {
          for (const { offset, value } of records) {
            const place = `${name}@${offset}`;
            const hash = value === null ? "" : hashBytes(value);
            if (entries.get(place) === hash) entries.delete(place);
            else if (this.#takeDoubtful(hash)) copies++;
            else strays.push(place);
          }
        }
        this.#compared.set(name, end);
      }
    }
    await this.#readLetters();
    const unlettered = dead.filter((place) => !this.#letters.has(place));
    return { acknowledged, lost: [...entries.keys()], ambiguous, copies, strays, unlettered };
  }

  /** Entries beyond what was compared before, by place, and what is ambiguous since. */
  async #readLedger() {
    const entries = new Map<string, string>();
    const dead: string[] = [];
    let ambiguous = 0;
    for await (const line of readLedger(this.#ledger)) {
      if ("ambiguous" in line) {
        if (++ambiguous > this.#ambiguous) {
          this.#doubtful.set(line.hash, (this.#doubtful.get(line.hash) ?? 0) + 1);
        }
        continue;
      }
      const { topic, partition, offset, hash } = line;
      const name = partitionName(topic, partition);
      if (offset < (this.#compared.get(name) ?? 0)) continue;
      const place = `${name}@${offset}`;
      if (entries.has(place)) throw new Error(`The ledger has ${place} twice`);
      entries.set(place, hash);
      if (line.dead_letter === true) dead.push(place);
    }
    const added = ambiguous - this.#ambiguous;
    this.#ambiguous = ambiguous;
    return { entries, dead, ambiguous: added };
  }

  #takeDoubtful(hash: string): boolean {
    const left = this.#doubtful.get(hash) ?? 0;
    if (left > 0) this.#doubtful.set(hash, left - 1);
    return left > 0;
  }

  async #readLetters(): Promise<void> {
    const [range] = await this.#log.ranges(DEAD_LETTER_TOPIC);
    const { end } = range!;
    const decoder = new TextDecoder();
    for await (const { records } of this.#log.read(DEAD_LETTER_TOPIC, 0, this.#lettersRead, end)) {
      for (const { value } of records) {
        const { topic, partition, offset, reason } = JSON.parse(decoder.decode(value!));
        if (typeof reason !== "string" || reason === "") throw new Error("A letter has no reason");
        this.#letters.add(`${partitionName(topic, partition)}@${offset}`);
      }
    }
    this.#lettersRead = end;
  }
}
