/**
 * Parts that count what is read of them, and that answer nothing once time is up.
 *
 * @module
 */

import type { EventLog, MasterDataset, ServingStore } from "@pipeline/core";
import type { Clock } from "@pipeline/runtime";

/** Time is up. */
export class TimeUpError extends Error {
  override name = "TimeUpError";
}

/** What was read so far. */
export interface ReadCounts {
  /** Records of the dataset's files. */
  dataset_records: number;
  /** Records of the log; those that were read twice count twice. */
  log_records: number;
}

/** What is watched. */
export interface WatchedPorts {
  readonly log: EventLog;
  readonly dataset: MasterDataset;
  readonly store: ServingStore;
}

const LINE_FEED = 0x0a;

/** Files of records; the others are the protocol's own. */
const RECORDS = /^\/data\/[^_]/;

/** Watches parts until it is closed. */
export class Watch {
  /** What was read so far. */
  readonly read: ReadCounts = { dataset_records: 0, log_records: 0 };
  /** The parts, watched. */
  readonly ports: WatchedPorts;
  readonly #closing = new AbortController();
  /** Calls that nobody has answered yet. To race each against one promise would keep all answers. */
  readonly #waiting = new Set<(error: TimeUpError) => void>();
  #up: TimeUpError | undefined;

  /**
   * Watches parts.
   *
   * @param within milliseconds; without a limit where not given.
   */
  constructor(
    { log, dataset, store }: WatchedPorts,
    { within, clock }: { readonly within?: number | undefined; readonly clock: Clock },
  ) {
    if (within !== undefined) {
      clock.sleep(within, this.#closing.signal).then(() => this.#end(within), () => {});
    }
    this.ports = {
      store: this.#limited(store),
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

  /** Lets go of the timer. */
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

  /** The same part, but that no answer comes once time is up. */
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
      // What hangs is not waited for.
      values.return?.()?.catch(() => {});
    }
  }
}

function linesOf(bytes: Uint8Array): number {
  let lines = 0;
  for (let at = bytes.indexOf(LINE_FEED); at >= 0; at = bytes.indexOf(LINE_FEED, at + 1)) lines++;
  return lines;
}
