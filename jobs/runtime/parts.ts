/**
 * Opening what a job works with, and letting go of all of it however the work ends.
 *
 * @module
 */

/** Something that is let go of. */
export interface Closable {
  /** Waits for what is under way, then lets go. */
  close(): Promise<void>;
}

/**
 * Opens all parts, one after the other. Where one cannot be opened, the others are closed
 * again.
 *
 * @returns the parts by name, and `close` for all of them.
 */
export async function openAll<P extends Readonly<Record<string, Closable>>>(
  openers: { readonly [K in keyof P]: () => P[K] | Promise<P[K]> },
): Promise<P & Closable> {
  const opened: [string, Closable][] = [];
  const close = async () => {
    const ends = await Promise.allSettled(opened.map(([, part]) => part.close()));
    for (const end of ends) if (end.status === "rejected") throw end.reason;
  };
  try {
    for (const [name, open] of Object.entries(openers)) opened.push([name, await open()]);
  } catch (error) {
    await close().catch(() => {});
    throw error;
  }
  return { ...Object.fromEntries(opened), close } as P & Closable;
}
