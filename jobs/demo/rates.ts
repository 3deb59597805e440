/**
 * Rates from running totals.
 *
 * @module
 */

/** Totals at one moment. */
type Totals = Readonly<Record<"produced" | "ingested" | "folded", number>>;

/** Milliseconds over which a rate is averaged. */
const SPAN = 5_000;

/** Keeps the totals of the last seconds. */
export class Rates {
  readonly #looks: { readonly at: number; readonly totals: Totals }[] = [];

  /** Adds totals. `at` is in milliseconds and never decreases. */
  note(totals: Totals, at: number): void {
    this.#looks.push({ at, totals });
    while (this.#looks.length > 2 && this.#looks[1]!.at <= at - SPAN) this.#looks.shift();
  }

  /** The rate of one total, per second. */
  of(name: keyof Totals): number {
    const first = this.#looks[0];
    const last = this.#looks.at(-1);
    if (first === undefined || last === undefined || last.at === first.at) return 0;
    return (last.totals[name] - first.totals[name]) * 1000 / (last.at - first.at);
  }
}
