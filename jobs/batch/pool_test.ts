import { DEFAULT_SETTINGS, hasCode, PipelineError } from "@pipeline/core";
import type { Watched } from "@pipeline/runtime";
import { assert, assertEquals, assertRejects } from "@std/assert";
import type { DayTask } from "./day.ts";
import { DayPool, type DayReply, type DayRequest, posted, workerError } from "./pool.ts";
import type { DayState } from "./state.ts";

/** A worker that the test controls. */
class Played extends EventTarget {
  onmessage: ((event: MessageEvent<DayReply>) => void) | null = null;
  onerror: ((event: ErrorEvent) => void) | null = null;
  readonly asked: number[] = [];
  terminated = false;

  postMessage({ task }: DayRequest): void {
    this.asked.push(task.day);
  }

  terminate(): void {
    this.terminated = true;
  }

  says(data: DayReply): void {
    this.onmessage?.(new MessageEvent("message", { data }));
  }

  dies(message: string): void {
    this.onerror?.(new ErrorEvent("error", { message, cancelable: true }));
  }
}

function pool(size: number, shown?: Watched) {
  const workers: Played[] = [];
  const start = () => {
    const worker = new Played();
    workers.push(worker);
    return worker as unknown as Worker;
  };
  return { workers, pool: new DayPool(size, { start, ...(shown && { shown }) }) };
}

const task = (day: number): DayTask => ({
  day,
  files: [],
  folder: "f",
  settings: DEFAULT_SETTINGS,
});
const state = (day: number) => ({ day }) as DayState;
/** Lets promises settle that wait for nothing else. */
const turn = () => new Promise((resolve) => setTimeout(resolve, 0));

Deno.test("DayPool gives days to whichever worker is free, and to none before it is ready", async () => {
  const { workers: [a, b], pool: days } = pool(2);
  const folded = [1, 2, 3].map((day) => days.fold(task(day)));
  await turn();
  assertEquals([a!.asked, b!.asked], [[], []]);
  b!.says({ ready: true });
  await turn();
  assertEquals([a!.asked, b!.asked], [[], [1]]);
  b!.says({ state: state(1) });
  await turn();
  a!.says({ ready: true });
  await turn();
  assertEquals([a!.asked, b!.asked], [[3], [1, 2]]);
  a!.says({ state: state(3) });
  b!.says({ state: state(2) });
  assertEquals((await Promise.all(folded)).map(({ day }) => day), [1, 2, 3]);
  days.close();
  assert(a!.terminated && b!.terminated);
});

Deno.test("DayPool returns a worker's error unchanged, and continues with that worker", async () => {
  const { workers: [worker], pool: days } = pool(1);
  worker!.says({ ready: true });
  const corrupt = days.fold(task(1));
  await turn();
  worker!.says({ error: workerError(new PipelineError("corrupt", "/data/a is damaged")) });
  const error = await assertRejects(() => corrupt, Error, "/data/a is damaged");
  assert(hasCode(error, "corrupt"));
  const odd = days.fold(task(2));
  await turn();
  worker!.says({ error: workerError(new RangeError("Out of memory")) });
  const other = await assertRejects(() => odd, Error, "Out of memory");
  assertEquals(other instanceof PipelineError, false);
  const right = days.fold(task(3));
  await turn();
  worker!.says({ state: state(3) });
  assertEquals((await right).day, 3);
});

Deno.test("DayPool fails as a whole if a worker dies: current, waiting and later work", async () => {
  const { workers: [a, b], pool: days } = pool(2);
  a!.says({ ready: true });
  const failed = [1, 2].map((day) => days.fold(task(day)));
  await turn();
  assertEquals(a!.asked, [1]);
  const told = failed.map((day) =>
    assertRejects(() => day, Error, "A batch worker failed: no more")
  );
  a!.dies("no more memory");
  await Promise.all(told);
  b!.says({ ready: true });
  await assertRejects(() => days.fold(task(3)), Error, "no more memory");
  assertEquals(b!.asked, []);
});

Deno.test("DayPool reports the retries of its workers as its own", async () => {
  const shown: string[] = [];
  const { workers: [worker], pool: days } = pool(1, {
    onRetry: ({ attempt, error }) => shown.push(`${attempt} ${error.code} ${error.message}`),
    onSettled: (attempts, succeeded) => shown.push(`${attempts} ${succeeded}`),
    onSlow: (what, waited) => shown.push(`${what} ${waited}`),
  });
  worker!.says({ ready: true });
  const folded = days.fold(task(1));
  await turn();
  // As posted by the worker's side.
  const there = posted((trouble) => worker!.says({ trouble: structuredClone(trouble) }));
  const error = new PipelineError("full", "No space");
  there.onRetry({ attempt: 1, delay: 5, error });
  there.onSlow("Reading /a", 5_000);
  there.onSettled(2, true);
  worker!.says({ state: state(1) });
  await folded;
  assertEquals(shown, ["1 full No space", "Reading /a 5000", "2 true"]);
});
