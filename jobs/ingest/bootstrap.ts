/**
 * Commits a staged historical load: its files move into the dataset, then one commit, named after
 * the load, makes them exist. Repeating it adds nothing.
 *
 * @module
 */

import { hasCode, hashBytes, type MasterDataset, PipelineError } from "@pipeline/core";
import {
  CommitLog,
  type CommittedFile,
  type HistoryCommit,
  inOrder,
  newToken,
  publishOnce,
  readAll,
  readFolder,
  STAGING,
  TEMPORARY,
} from "@pipeline/protocol";

/** The manifest of a staged load, as the generator writes it (last). */
export interface StagedLoad {
  /** Name of the load and of its folder. */
  readonly load: string;
  /** All files of the load. */
  readonly files: readonly StagedFile[];
  /** Files of the load's folder that hold the rejected lines. */
  readonly rejected?: { readonly files: readonly string[] };
}

/** A file of a staged load. */
export interface StagedFile {
  /** Below the load's folder, e.g. `posts/year=2026/month=01/day=31/hour=07/data_0.json`. */
  readonly path: string;
  /** Lines of the file. */
  readonly records: number;
  /** Length of the file. */
  readonly bytes: number;
  /** Hash of the bytes, hexadecimal. */
  readonly sha256: string;
}

/** Options of {@linkcode bootstrap}. */
export interface BootstrapOptions {
  /** Called with the number of files checked, and of all files. */
  readonly onProgress?: (done: number, total: number) => void;
}

/**
 * Commits the load that waits in `/staging/<load>`.
 *
 * @returns the commit of the load, and whether this call made it.
 * @throws {PipelineError} `not_found` without a staged load; `corrupt` if a file differs from its
 * manifest. Then nothing was committed.
 */
export async function bootstrap(
  dataset: MasterDataset,
  load: string,
  options: BootstrapOptions = {},
): Promise<{ commit: HistoryCommit; added: boolean }> {
  const commits = new CommitLog(dataset);
  const root = `${STAGING}/${load}`;
  const standing = await commits.history(load);
  if (standing !== undefined) {
    await dataset.remove(root);
    return { commit: standing, added: false };
  }
  const manifest = JSON.parse(
    new TextDecoder().decode(await readAll(dataset, `${root}/_manifest.json`)),
  ) as StagedLoad;
  const files: CommittedFile[] = [];
  const taken = inOrder(manifest.files, (staged) => take(dataset, load, staged));
  for await (const file of taken) {
    files.push(file);
    options.onProgress?.(files.length, manifest.files.length);
  }
  for (const path of manifest.rejected?.files ?? []) {
    await keepRejected(dataset, load, path);
  }
  const token = newToken();
  const records = files.reduce((sum, file) => sum + file.records, 0);
  const commit = await commits.publishHistory(
    { load, files, records, token },
    `${TEMPORARY}/${token}/commit-history`,
  );
  await dataset.remove(root);
  return { commit, added: commit.token === token };
}

/** Keeps the rejected lines in `/data/_rejected/<load>/`, which readers skip. */
async function keepRejected(dataset: MasterDataset, load: string, path: string): Promise<void> {
  const folder = `/data/_rejected/${load}`;
  await dataset.mkdirs(folder);
  await publishOnce(
    dataset,
    `${STAGING}/${load}/${path}`,
    `${folder}/${path.slice(path.lastIndexOf("/") + 1)}`,
  );
}

/** Moves one file to its final path, unless an earlier attempt already did. */
async function take(
  dataset: MasterDataset,
  load: string,
  staged: StagedFile,
): Promise<CommittedFile> {
  const slash = staged.path.lastIndexOf("/");
  const folder = staged.path.slice(0, slash);
  if (readFolder(folder) === undefined) {
    throw new PipelineError("corrupt", `The load ${load} has a file in no hour: ${staged.path}`);
  }
  const name = staged.path.slice(slash + 1).replace(/^data_/, "");
  const path = `${folder}/data_${load}_${name}`;
  const [from, to] = [`${STAGING}/${load}/${staged.path}`, `/data/${path}`];
  const verified = async (at: string) => {
    const bytes = await readAll(dataset, at);
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes as BufferSource));
    if (bytes.length === staged.bytes && digest.toHex() === staged.sha256) return bytes;
    throw new PipelineError(
      "corrupt",
      `${staged.path} of the load ${load} differs from what was staged`,
    );
  };
  // Checked before the move: a damaged file at the final path would block a repaired one.
  const bytes = await verified(from).catch((error) => {
    if (!hasCode(error, "not_found")) throw error;
    return verified(to);
  });
  await dataset.mkdirs(`/data/${folder}`);
  // `verified` rejects whatever is not what was staged.
  await publishOnce(dataset, from, to, () => verified(to).then(() => true));
  return { path, records: staged.records, bytes: bytes.length, hash: hashBytes(bytes) };
}
