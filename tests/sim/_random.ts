/** Chance from a seed: everything that a simulation leaves open is decided by one of these. */
export class Random {
  #state: number;

  /** @param seed any integer; the same seed gives the same numbers. */
  constructor(seed: number) {
    // Neighbouring seeds must not begin alike.
    this.#state = (Math.imul(seed + 1, 0x9e3779b1) ^ 0x5bd1e995) >>> 0 || 1;
    for (let i = 0; i < 8; i++) this.next();
  }

  /** Uniform in [0, 1). */
  next = (): number => {
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x >>> 0;
    return this.#state / 2 ** 32;
  };

  /** An integer of [0, below). */
  int(below: number): number {
    return Math.floor(this.next() * below);
  }

  /** An integer of [from, to]. */
  between(from: number, to: number): number {
    return from + this.int(to - from + 1);
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(items: readonly T[]): T {
    return items[this.int(items.length)]!;
  }

  /** 32 hexadecimal digits in the form of a UUID. */
  uuid(): `${string}-${string}-${string}-${string}-${string}` {
    const digits = Array.from({ length: 32 }, () => this.int(16).toString(16)).join("");
    const [a, b, c, d, e] = [0, 8, 12, 16, 20].map((at, i) => digits.slice(at, [8, 12, 16, 20][i]));
    return `${a}-${b}-${c}-${d}-${e}`;
  }
}
