/**
 * A checkout of its own, in which commands of pages run as they are: with the paths, folders and ports that the pages
 * name.
 *
 * @module
 */

import { assert } from "@std/assert";
import { Program } from "../support/demo.ts";
import { type Block, blocksOf } from "./_commands.ts";

/** The one block of a page that begins so. */
export async function block(page: string, begins: string): Promise<Block> {
  const found = blocksOf(page, await Deno.readTextFile(page))
    .filter(({ lines }) => lines[0]!.startsWith(begins));
  assert(found.length === 1, `${page} has ${found.length} blocks that begin with ${begins}`);
  return found[0]!;
}

/** What this checkout has set for itself, or make has told. */
const INHERITED = { JSR_URL: "", MAKEFLAGS: "", MAKELEVEL: "" };

/** A copy of the files that the project has now. */
export class Checkout implements AsyncDisposable {
  /** Its folder. */
  readonly folder: string;
  readonly #programs: Program[] = [];

  private constructor(folder: string) {
    this.folder = folder;
  }

  /** Makes one. The ports that pages name must be free. */
  static async make(ports: readonly number[]): Promise<Checkout> {
    for (const port of ports) {
      try {
        Deno.listen({ port }).close();
      } catch (cause) {
        throw new Error(`Port ${port}, which a page names, is taken`, { cause });
      }
    }
    const folder = await Deno.makeTempDir({ prefix: "checkout-" });
    const list = "git ls-files -z --cached --others --exclude-standard --deduplicate";
    const { success } = await new Deno.Command("bash", {
      args: [
        "-c",
        `${list} | tar --create --null --files-from - --ignore-failed-read | tar -xC "$0"`,
        folder,
      ],
      stderr: "null",
    }).output();
    assert(success, "the project could not be copied");
    return new Checkout(folder);
  }

  /** Runs commands as they are, one after the other in one shell, which ends at the first that fails. */
  start(commands: readonly string[], env: Readonly<Record<string, string>> = {}): Program {
    const script = ["set -e", `cd '${this.folder}'`, ...commands].join("\n");
    const program = new Program(["bash", "-c", script], {
      ...INHERITED,
      ...env,
    });
    this.#programs.push(program);
    return program;
  }

  /** As {@linkcode start}, to the end, which must be a good one. */
  async run(
    commands: readonly string[],
    env: Readonly<Record<string, string>> = {},
  ): Promise<Program> {
    const program = this.start(commands, env);
    const code = await program.ended(600);
    assert(code === 0, `${commands.join("; ")} ended with ${code}:\n${program.transcript()}`);
    return program;
  }

  /** Ends what runs, and removes the folder. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const program of this.#programs) await program.kill();
    await Deno.remove(this.folder, { recursive: true });
  }
}
