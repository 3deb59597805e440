/**
 * A container's file system as far as the charts' scripts look at it.
 *
 * @module
 */

import { CHART } from "@pipeline/tools/charts";

/** A folder in place of a container's root, with programs that only say how they were called. */
export class Container {
  /** The folder. */
  readonly root = Deno.makeTempDirSync();

  /** With programs at those paths. */
  constructor(programs: readonly string[]) {
    for (const program of programs) {
      const name = program.split("/").at(-1);
      this.write(program, `#!/bin/bash\necho "${name} $*"\n[ ! -t 0 ] && cat >/dev/null || true\n`);
      Deno.chmodSync(this.root + program, 0o755);
    }
    Deno.mkdirSync(`${this.root}/tmp`);
  }

  /** Puts a file there. */
  write(path: string, text: string): void {
    const at = this.root + path;
    Deno.mkdirSync(at.slice(0, at.lastIndexOf("/")), { recursive: true });
    Deno.writeTextFileSync(at, text);
  }

  /** Reads a file. */
  read(path: string): string {
    return Deno.readTextFileSync(this.root + path);
  }

  /** Runs a chart's script, its absolute paths below the root. */
  async run(script: string, env: Readonly<Record<string, string>> = {}) {
    const text = await Deno.readTextFile(`${CHART}/charts/${script}`);
    const moved = text.replaceAll(
      /(?<=[\s="[{(<]|^)\/(opt|etc|hadoop|usr|tmp|var|run\.sh)\b/gm,
      `${this.root}/$1`,
    );
    const path = `${this.root}/script.sh`;
    await Deno.writeTextFile(path, moved);
    const { success, stdout, stderr } = await new Deno.Command("bash", {
      args: [path],
      env: { ...env },
      stdin: "null",
    }).output();
    const decoder = new TextDecoder();
    const lines = decoder.decode(stdout).replaceAll(this.root, "").trim().split("\n");
    return { success, lines, stderr: decoder.decode(stderr) };
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.root, { recursive: true });
  }
}
