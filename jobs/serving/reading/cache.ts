/**
 * A cache without expiry, for values that never change: bounded by bytes, least recently used ones
 * are dropped first.
 *
 * @module
 */

/** A value that was read. */
export interface Loaded<V> {
  /** The value. */
  readonly value: V;
  /** Its approximate size in memory. */
  readonly bytes: number;
  /** Whether it may be kept. */
  readonly keep: boolean;
}

interface Held<V> {
  readonly value: V;
  readonly bytes: number;
}

/** Values by key. */
export class Cache<V> {
  readonly #maxBytes: number;
  /** In the order of their last use. */
  readonly #held = new Map<string, Held<V>>();
  readonly #loading = new Map<string, Promise<V>>();
  #bytes = 0;
  #hits = 0;
  #misses = 0;

  /** Creates an empty cache that holds values of at most so many bytes together. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Bytes of the values held. */
  get bytes(): number {
    return this.#bytes;
  }

  /** How many values were asked for: held (or being read already), and read. */
  get reads(): { readonly hit: number; readonly miss: number } {
    return { hit: this.#hits, miss: this.#misses };
  }

  /** One value; see {@linkcode Cache.many}. */
  async one(key: string, load: () => Promise<Loaded<V>>): Promise<V> {
    const [value] = await this.many([key], async () => [await load()]);
    return value!;
  }

  /**
   * The values of keys, in their order.
   *
   * @param load reads the values of those keys that are neither held nor being read by another
   * call, in one call.
   */
  async many(
    keys: readonly string[],
    load: (missing: readonly string[]) => Promise<readonly Loaded<V>[]>,
  ): Promise<V[]> {
    const missing = keys.filter((key) => !this.#held.has(key) && !this.#loading.has(key));
    this.#misses += missing.length;
    this.#hits += keys.length - missing.length;
    if (missing.length > 0) this.#load(missing, load(missing));
    return await Promise.all(keys.map((key) => this.#use(key) ?? this.#loading.get(key)!));
  }

  #load(keys: readonly string[], loaded: Promise<readonly Loaded<V>[]>): void {
    for (const [i, key] of keys.entries()) {
      const value = loaded.then((all) => {
        const { value, bytes, keep } = all[i]!;
        if (keep) this.#hold(key, { value, bytes });
        return value;
      }).finally(() => this.#loading.delete(key));
      // Whoever waits for it handles the failure.
      value.catch(() => {});
      this.#loading.set(key, value);
    }
  }

  #use(key: string): Promise<V> | undefined {
    const held = this.#held.get(key);
    if (held === undefined) return undefined;
    this.#held.delete(key);
    this.#held.set(key, held);
    return Promise.resolve(held.value);
  }

  #hold(key: string, held: Held<V>): void {
    if (held.bytes > this.#maxBytes) return;
    this.#held.set(key, held);
    this.#bytes += held.bytes;
    for (const [oldest, { bytes }] of this.#held) {
      if (this.#bytes <= this.#maxBytes) return;
      this.#held.delete(oldest);
      this.#bytes -= bytes;
    }
  }
}
