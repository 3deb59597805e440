import { assertEquals, assertRejects } from "@std/assert";
import { PipelineError } from "@pipeline/core";
import { TestClock } from "./clock.ts";
import { runUntilSignal, type SignalSource, type StopSignal } from "./shutdown.ts";

class Signals implements SignalSource {
  readonly #listeners = new Set<(signal: StopSignal) => void>();
  get listeners(): number {
    return this.#listeners.size;
  }
  listen(listener: (signal: StopSignal) => void) {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }
  raise(signal: StopSignal) {
    for (const listener of this.#listeners) listener(signal);
  }
}

/** Works until it is stopped, then takes `ms` to drain. */
function worker(clock: TestClock, ms: number) {
  return async (signal: AbortSignal) => {
    await clock.sleep(1e9, signal).catch(() => {});
    await clock.sleep(ms);
    return "all";
  };
}

Deno.test("runUntilSignal() returns the result of work that ends by itself", async () => {
  const signals = new Signals();
  const ending = await runUntilSignal(() => Promise.resolve(7), { grace: 1, signals });
  assertEquals(ending, { how: "finished", result: 7 });
  assertEquals(signals.listeners, 0);
});

Deno.test("runUntilSignal() drains at the first signal", async () => {
  const [clock, signals] = [new TestClock(), new Signals()];
  const drains: string[] = [];
  const work = runUntilSignal(worker(clock, 500), {
    grace: 1000,
    signals,
    clock,
    onDrain: (signal) => drains.push(signal),
  });
  signals.raise("SIGTERM");
  assertEquals(await clock.run(work), { how: "drained", signal: "SIGTERM", result: "all" });
  assertEquals(drains, ["SIGTERM"]);
});

Deno.test("runUntilSignal() gives up at the end of the grace period", async () => {
  const [clock, signals] = [new TestClock(), new Signals()];
  const work = runUntilSignal(worker(clock, 2000), { grace: 1000, signals, clock });
  signals.raise("SIGTERM");
  const ending = await clock.run(work);
  assertEquals(ending.how, "forced");
  assertEquals(clock.monotonic(), 1000);
});

Deno.test("runUntilSignal() gives up at the second signal", async () => {
  const [clock, signals] = [new TestClock(), new Signals()];
  const work = runUntilSignal(worker(clock, 2000), { grace: 1000, signals, clock });
  signals.raise("SIGINT");
  signals.raise("SIGINT");
  assertEquals(await work, { how: "forced", signal: "SIGINT", why: "a second signal" });
});

Deno.test("runUntilSignal() counts work that stops by rejecting as drained", async () => {
  const [clock, signals] = [new TestClock(), new Signals()];
  const work = runUntilSignal((signal) => clock.sleep(1e9, signal), { grace: 9, signals, clock });
  signals.raise("SIGTERM");
  assertEquals((await work).how, "drained");
});

Deno.test("runUntilSignal() throws what fails, before and while draining", async () => {
  const [clock, signals] = [new TestClock(), new Signals()];
  const fails = () => Promise.reject(new PipelineError("corrupt", "bad bytes"));
  await assertRejects(() => runUntilSignal(fails, { grace: 1, signals }), PipelineError, "bad");
  const late = runUntilSignal(async (signal) => {
    await clock.sleep(1e9, signal).catch(() => {});
    throw new PipelineError("full", "no space");
  }, { grace: 1000, signals, clock });
  signals.raise("SIGTERM");
  await assertRejects(() => late, PipelineError, "no space");
});

Deno.test("processSignals hears a real signal", async () => {
  // In a process of its own, since the test runner listens to signals too.
  const program = `
    import { runUntilSignal } from ${JSON.stringify(import.meta.resolve("./shutdown.ts"))};
    const ending = await runUntilSignal((signal) => new Promise((resolve) => {
      const timer = setInterval(() => {}, 1000);
      signal.addEventListener("abort", () => { clearInterval(timer); resolve("all"); });
      console.log("started");
    }), { grace: 5000 });
    console.log(JSON.stringify(ending));`;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-check", "--quiet", "-"],
    cwd: import.meta.dirname!,
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(program));
  await writer.close();
  let output = "";
  for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
    if (output === "") child.kill("SIGTERM");
    output += chunk;
  }
  assertEquals((await child.status).code, 0);
  assertEquals(output, 'started\n{"how":"drained","signal":"SIGTERM","result":"all"}\n');
});
