import { assert, assertEquals, assertFalse } from "@std/assert";
import { TestClock } from "./clock.ts";
import { Progress } from "./progress.ts";

function setUp(interactive: boolean, columns = 60) {
  const clock = new TestClock();
  const written: string[] = [];
  const write = (text: string) => written.push(text);
  const terminal = { write, interactive, columns: () => columns };
  return { clock, written, progress: new Progress({ terminal, clock }) };
}

Deno.test("Progress.status() overwrites one line of a terminal, cut to its width", () => {
  const { written, progress } = setUp(true, 11);
  progress.status("a status that is too long");
  assertEquals(written, ["\r\x1b[2Ka status …"]);
});

Deno.test("Progress.status() leaves out updates that come too soon", async () => {
  const { clock, written, progress } = setUp(true);
  progress.status("one");
  progress.status("two");
  await clock.advance(100);
  progress.status("three");
  assertEquals(written, ["\r\x1b[2Kone", "\r\x1b[2Kthree"]);
});

Deno.test("Progress.status() writes plain lines now and then without a terminal", async () => {
  const { clock, written, progress } = setUp(false);
  for (let second = 0; second <= 20; second++) {
    progress.status(`second ${second}`);
    await clock.advance(1000);
  }
  assertEquals(written, ["second 0\n", "second 10\n", "second 20\n"]);
});

Deno.test("Progress.line() stays above the status line", () => {
  const { written, progress } = setUp(true);
  progress.status("working");
  progress.line("generation 2 is live");
  assertEquals(written[1], "\r\x1b[2Kgeneration 2 is live\nworking");
});

Deno.test("Progress.bar() fills up and leaves one line", async () => {
  const { clock, written, progress } = setUp(true);
  const bar = progress.bar("Loading", 200);
  bar.update(100, "2 files");
  await clock.advance(1500);
  bar.end("200 records");
  assert(written[0]!.includes("███") && written[0]!.includes("50 %  2 files"));
  assertEquals(written.at(-1), "Loading: done in 1.5 s, 200 records\n");
});

Deno.test("Progress.bar() is plain text without a terminal or width", () => {
  const plain = setUp(false);
  plain.progress.bar("Loading", 4).update(1, "x");
  assertEquals(plain.written, ["Loading 25 % x\n"]);
  const narrow = setUp(true, 20);
  narrow.progress.bar("Loading", 0).update(0);
  assertEquals(narrow.written, ["\r\x1b[2KLoading   0 %"]);
});

Deno.test("Progress shows no control characters of its input", () => {
  const { written, progress } = setUp(false);
  progress.line("r/\x1b[31mred\nline");
  assertFalse(written[0]!.slice(0, -1).includes("\n"));
  assertFalse(written[0]!.includes("\x1b"));
});
