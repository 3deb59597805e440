/**
 * The cache of downloads and builds, outside of the checkout.
 *
 * @module
 */

/** The folder for one kind of content. */
export function cacheFolder(kind: string): string {
  const home = Deno.env.get("XDG_CACHE_HOME") ?? `${Deno.env.get("HOME")}/.cache`;
  return `${home}/reddit-pipeline/${kind}`;
}

/** The folder of servers. */
export function serverCache(): string {
  return cacheFolder("servers");
}

/**
 * Creates a folder once: `make` fills a temporary folder, which is then moved into place. Of
 * several concurrent processes one wins, and the others use its result.
 */
export async function makeOnce(
  target: string,
  make: (folder: string) => Promise<void>,
): Promise<string> {
  if (await exists(target)) return target;
  const scratch = `${target}.${crypto.randomUUID()}`;
  await Deno.mkdir(scratch, { recursive: true });
  try {
    await make(scratch);
    await Deno.rename(scratch, target);
  } catch (error) {
    await Deno.remove(scratch, { recursive: true }).catch(() => {});
    if (!await exists(target)) throw error;
  }
  return target;
}

/** Whether the path exists. */
export async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
