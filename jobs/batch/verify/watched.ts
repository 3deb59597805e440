/**
 * Ports that count what is read through them, and that stop answering once the time is up.
 *
 * @module
 */

import type { EventLog, MasterDataset, ServingStore } from "@pipeline/core";
import type { LiveParts } from "@pipeline/protocol";
import type { Clock } from "@pipeline/runtime";

/** The time is up. */
export class TimeUpError extends Error {
  override name = "TimeUpError";
}

/** Amounts read so far. */
export interface ReadCounts {
  /** Records of the dataset's files. */
  dataset_records: number;
  /** Records of the log; those that were read twice count twice. */
  log_records: number;
}

/** The ports to watch. */
export interface WatchedPorts {
  readonly log: EventLog;
  readonly dataset: MasterDataset;
  readonly store: ServingStore;
  readonly parts?: LiveParts | undefined;
}

const LINE_FEED = 0x0a;

/** Files of records; other files belong to the protocol. */
const RECORDS = /^\/data\/[^_]/;

/** Watches ports until it is closed. */
export class Watch {
  /** Amounts read so far. */
  readonly read: ReadCounts = { dataset_records: 0, log_records: 0 };
  /** The watched ports. */
  readonly ports: WatchedPorts;
  readonly #closing = new AbortController();
  /** Pending calls. Racing each one against a single promise would retain all answers. */
  readonly #waiting = new Set<(error: TimeUpError) => void>();
  #up: TimeUpError | undefined;

  /**
   * Watches ports.
   *
   * @param within milliseconds; unlimited by default.
   */
  constructor(
    { log, dataset, store, parts }: WatchedPorts,
    { within, clock }: { readonly within?: number | undefined; readonly clock: Clock },
  ) {
    if (within !== undefined) {
      clock.sleep(within, this.#closing.signal).then(() => this.#end(within), () => {});
    }
    this.ports = {
      store: this.#limited(store),
      parts: parts && this.#limited(parts),
      log: this.#limited(log, {
        read: (...range) =>
          this.#counted(log.read(...range), ({ records }) => {
            this.read.log_records += records.length;
          }),
      }),
      dataset: this.#limited(dataset, {
        read: (path) =>
          this.#counted(dataset.read(path), (bytes) => {
            if (RECORDS.test(path)) this.read.dataset_records += linesOf(bytes);
          }),
      }),
    };
  }

  /** Clears the timer. */
  close(): void {
    this.#closing.abort();
  }

  #end(within: number): void {
    this.#up = new TimeUpError(`Time was up after ${within} ms`);
    for (const reject of this.#waiting) reject(this.#up);
  }

  #inTime<T>(answer: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.#up !== undefined) reject(this.#up);
      else this.#waiting.add(reject);
      answer.then(resolve, reject).finally(() => this.#waiting.delete(reject));
    });
  }

  /** The same port, except that no answer comes once the time is up. */
  #limited<T extends object>(port: T, own: Partial<T> = {}): T {
    return new Proxy(port, {
      get: (target, name) => {
        const mine = own[name as keyof T];
        if (mine !== undefined) return mine;
        const member = target[name as keyof T];
        if (typeof member !== "function") return member;
        return (...args: unknown[]) => {
          const answer: unknown = member.apply(target, args);
          return answer instanceof Promise ? this.#inTime(answer) : answer;
        };
      },
    });
  }

  async *#counted<T>(source: AsyncIterable<T>, count: (value: T) => void): AsyncGenerator<T> {
    const values = source[Symbol.asyncIterator]();
    try {
      for (;;) {
        const next = await this.#inTime(values.next());
        if (next.done === true) return;
        count(next.value);
        yield next.value;
      }
    } finally {
      // A call that hangs is not awaited.
      values.return?.()?.catch(() => {});
    }
  }
}

function linesOf(bytes: Uint8Array): number {
  let lines = 0;
  for (let at = bytes.indexOf(LINE_FEED); at >= 0; at = bytes.indexOf(LINE_FEED, at + 1)) lines++;
  return lines;
}
