import { assert, assertEquals, assertRejects } from "@std/assert";
import { PipelineError } from "@pipeline/core";
import { type LedgerEntry, openLedger, readLedger } from "./ledger.ts";

function entry(offset: number): LedgerEntry {
  return { topic: "reddit.posts", partition: 0, offset, id: `t3_${offset}`, hash: "00ff" };
}

async function offsets(path: string): Promise<(number | "ambiguous")[]> {
  return await Array.fromAsync(
    readLedger(path),
    (line) => "ambiguous" in line ? "ambiguous" : line.offset,
  );
}

async function inFolder(test: (path: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await test(`${folder}/ledger/run-1.jsonl`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("Ledger keeps the order of overlapping appends, and is continued when reopened", () =>
  inFolder(async (path) => {
    const first = await openLedger(path);
    await Promise.all([
      first.append([entry(0), entry(1)]),
      first.append([entry(2)]),
      first.append([{ ambiguous: true, topic: "reddit.posts", id: "t3_x", hash: "" }]),
    ]);
    await first.close();
    const second = await openLedger(path);
    await second.append([entry(3)]);
    await second.close();
    assertEquals(await offsets(path), [0, 1, 2, "ambiguous", 3]);
  }));

Deno.test("readLedger() leaves out a torn last line, at every place where it can tear", () =>
  inFolder(async (path) => {
    const ledger = await openLedger(path);
    await ledger.append([entry(0), entry(1)]);
    await ledger.close();
    const whole = await Deno.readFile(path);
    const first = whole.indexOf(0x0a) + 1;
    for (let end = first; end < whole.length; end += 7) {
      await Deno.writeFile(path, whole.subarray(0, end));
      assertEquals(await offsets(path), [0]);
    }
    // A line after a torn one must not be torn with it.
    await Deno.writeFile(path, whole.subarray(0, first + 9));
    const again = await openLedger(path);
    await again.append([entry(2)]);
    await again.close();
    assertEquals(await offsets(path), [0, 2]);
  }));

Deno.test("readLedger() reads what a killed process had appended", () =>
  inFolder(async (path) => {
    const module = import.meta.resolve("./ledger.ts");
    const config = new URL("../../deno.json", import.meta.url).pathname;
    const code = `
      import { openLedger } from ${JSON.stringify(module)};
      const ledger = await openLedger(${JSON.stringify(path)});
      for (let n = 0;; n++) {
        await ledger.append([{ topic: "t", partition: 0, offset: n, id: "x", hash: "" }]);
        console.log(n);
      }`;
    const script = `${path.slice(0, path.indexOf("/ledger/"))}/writer.ts`;
    await Deno.writeTextFile(script, code);
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "--allow-all", "--no-check", "--config", config, script],
      stdout: "piped",
    }).spawn();
    let printed = "";
    for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
      printed += text;
      if (printed.split("\n").length > 200) break;
    }
    child.kill("SIGKILL");
    await child.status;
    const confirmed = printed.split("\n").slice(0, -1).map(Number);
    assert(confirmed.length >= 200, printed);
    const kept = await offsets(path);
    assertEquals(kept.slice(0, confirmed.length), confirmed);
  }));

Deno.test("readLedger() refuses other lines, and a missing file", () =>
  inFolder(async (path) => {
    await assertRejects(() => offsets(path), PipelineError, "There is no file");
    await (await openLedger(path)).close();
    await Deno.writeTextFile(path, '{"hello":1}\n');
    await assertRejects(() => offsets(path), PipelineError, "not of a ledger");
  }));
