/**
 * The end of a generated history: recorded in the dataset by the first run, so that every later one
 * generates the same bytes.
 *
 * @module
 */

import { canonicalBytes, canonicalJson, hashText, type MasterDataset } from "@pipeline/core";
import { newToken, publishOnce, readAll, STAGING, writeOwn } from "@pipeline/protocol";

/**
 * The recorded end of the history that is identified by its other parameters; `now` is recorded if
 * there is none.
 *
 * @returns milliseconds since 1970.
 */
export async function recordedEnd(
  dataset: MasterDataset,
  identity: unknown,
  now: number,
): Promise<number> {
  const path = `${STAGING}/_ends/${hashText(canonicalJson(identity))}.json`;
  if (await dataset.status(path) === undefined) {
    const temporary = `${STAGING}/_ends/_${newToken()}`;
    await writeOwn(dataset, temporary, canonicalBytes({ end: now, identity }));
    // The first writer decides.
    await publishOnce(dataset, temporary, path);
    await dataset.remove(temporary);
  }
  const text = new TextDecoder().decode(await readAll(dataset, path));
  return (JSON.parse(text) as { readonly end: number }).end;
}
