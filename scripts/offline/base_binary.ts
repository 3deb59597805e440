/**
 * Provides the base binary of `deno compile` where Deno cannot download it.
 *
 * @module
 */

import { PipelineError } from "@pipeline/core";
import { fetchWheel, zip } from "../tools/servers/mod.ts";
import { sha256 } from "../tools/images/image.ts";

/**
 * No registry has it separately, but this wheel is a program compiled with the same Deno: it begins
 * with the base binary, which is verified by its hash.
 */
const WHEEL = {
  name: "bids-validator-deno",
  version: "2.4.1",
  hashes: ["5087fcd13341f529b5404792a74e22f570e50f17e5ea4cabe9c91b1caf74cbf4"],
};
const DENO = "2.6.10";
const LENGTH = 92_183_912;
const HASH = "1b136202dc147212ad0b129de0c10eb5f17060917c9754c7921cd68f764ad2e2";
const TARGET = "x86_64-unknown-linux-gnu";

/**
 * Stores it where Deno looks for it, on Linux on x86-64.
 *
 * @throws {PipelineError} if pip cannot download it, or it differs from the expected one.
 */
export async function provideBaseBinary(): Promise<void> {
  const folder = `${Deno.env.get("DENO_DIR")}/dl/release/v${DENO}`;
  const target = `${folder}/denort-${TARGET}.zip`;
  if (Deno.build.target !== TARGET || await Deno.stat(target).catch(() => undefined)) return;
  const wheel = await fetchWheel(WHEEL);
  await Deno.mkdir(folder, { recursive: true });
  const scratch = await Deno.makeTempDir({ dir: folder });
  try {
    const program = `${wheel}/bids_validator_deno-${WHEEL.version}.data/scripts/${WHEEL.name}`;
    await Deno.mkdir(`${scratch}/files`);
    const binary = `${scratch}/files/denort`;
    await Deno.copyFile(program, binary);
    await Deno.truncate(binary, LENGTH);
    await Deno.chmod(binary, 0o755);
    const hash = await sha256(binary);
    if (hash !== HASH) {
      throw new PipelineError("invalid", `The base binary of deno compile has the hash ${hash}`);
    }
    await zip(`${scratch}/files`, `${scratch}/denort.zip`);
    await Deno.rename(`${scratch}/denort.zip`, target);
  } finally {
    await Deno.remove(scratch, { recursive: true });
  }
}
