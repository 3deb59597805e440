import { assertEquals, assertRejects } from "@std/assert";
import { Metrics, Progress, type RunningCommand } from "@pipeline/runtime";
import { showSteps } from "./steps.ts";

/** Shows the steps of work that reports its progress. Returns the lines. */
async function shown(
  work: (set: (step: "one" | "two", ratio: number) => void) => Promise<void>,
): Promise<string[]> {
  const lines: string[] = [];
  const terminal = {
    write: (text: string) => void lines.push(text.replace(/\d\.\d s/, "0.0 s").trimEnd()),
    interactive: false,
    columns: () => 80,
  };
  const progress = new Progress({ terminal, clock: { monotonic: () => 0 } });
  const metrics = new Metrics();
  const gauge = metrics.gauge("job_step_done_ratio", {
    help: "How much is done",
    labels: { step: ["one", "two"] },
  });
  const running = {
    done: work((step, ratio) => gauge.set(ratio, { step })),
    metrics,
  } as unknown as RunningCommand;
  const bar = await showSteps(running, {
    progress,
    job: "job",
    steps: { one: "First", two: "Second" },
  });
  bar.end("all of it");
  return lines;
}

Deno.test("showSteps() shows each step that was begun, also one that nobody saw run", async () => {
  const lines = await shown(async (set) => {
    set("one", 1);
    await Promise.resolve();
    set("two", 0.5);
  });
  assertEquals(lines, [
    "First 0 %",
    "First: done in 0.0 s",
    "Second 50 %",
    "Second: done in 0.0 s, all of it",
  ]);
});

Deno.test("showSteps() shows the first step until the work reports progress", async () => {
  const lines = await shown(() => Promise.resolve());
  assertEquals(lines, ["First 0 %", "First: done in 0.0 s, all of it"]);
});

Deno.test("showSteps() rejects as the work does", async () => {
  await assertRejects(() => shown(() => Promise.reject(new Error("broken"))), Error, "broken");
});
