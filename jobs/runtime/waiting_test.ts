import { assertEquals } from "@std/assert";
import { TestClock } from "./clock.ts";
import type { LogFields } from "./log.ts";
import { Waiting } from "./waiting.ts";

Deno.test("Waiting reports the wait and its progress at once, then ever more rarely", async () => {
  const clock = new TestClock();
  const lines: LogFields[] = [];
  const info = (msg: string, fields: LogFields = {}) => void lines.push({ msg, ...fields });
  const waiting = new Waiting({ what: "Waiting for speed", logger: { info }, clock });
  assertEquals(lines, []);
  for (let i = 0; i < 720; i++) {
    waiting.look({ behind: 720 - i });
    await clock.advance(5_000);
  }
  assertEquals(lines[0], { msg: "Waiting for speed", behind: 720, waited_ms: 0 });
  assertEquals(
    lines.map(({ waited_ms }) => waited_ms),
    [0, ...[1, 2, 4, 8, 16, 32, 64, 128, 256, 512].map((n) => n * 5_000)],
  );
  assertEquals(waiting.waited, 3_600_000);
});

Deno.test("Waiting needs no logger", () => {
  new Waiting({ what: "Waiting", clock: new TestClock() }).look();
});
