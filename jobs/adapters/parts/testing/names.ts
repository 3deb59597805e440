/**
 * A name server for tests.
 *
 * @module
 */

/** A name server whose answers a test decides. */
export class Names {
  /** What is found; an error fails the look-up. */
  answer: readonly string[] | Error = [];
  /** Number of look-ups. */
  asked = 0;

  /** Looks up any name. */
  readonly resolve = (): Promise<readonly string[]> => {
    this.asked++;
    const { answer } = this;
    return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
  };
}
