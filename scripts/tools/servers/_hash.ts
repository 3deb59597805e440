/**
 * Hashes of files.
 *
 * @module
 */

/** The SHA-256 of a file, in hexadecimal. */
export async function fileHash(path: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", await Deno.readFile(path));
  return new Uint8Array(digest).toHex();
}
