/**
 * Opens a job's resources, and closes all of them however the work ends.
 *
 * @module
 */

/** A resource that can be closed. */
export interface Closable {
  /** Waits for pending calls, then releases the resource. */
  close(): Promise<void>;
}

/**
 * Opens all resources, one after the other. If one cannot be opened, the others are closed.
 *
 * @returns the resources by name, and `close` for all of them.
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
