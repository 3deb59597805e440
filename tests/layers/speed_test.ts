import { withSubscribe } from "@pipeline/adapters/testing";
import { runBatch } from "@pipeline/batch";
import { type EventLog, PipelineError, type ServingStore } from "@pipeline/core";
import { TestClock } from "@pipeline/runtime";
import { Speed } from "@pipeline/speed";
import { assertEquals, assertGreater, assertRejects } from "@std/assert";
import { comment, post, SETTINGS, START, World } from "./_world.ts";

const SPEED = { flushInterval: 2, maxDocuments: 1_000_000, pollInterval: 2 };

/** Time in which speed looks, folds and flushes more than once. */
const A_WHILE = 20;

/** A store in which calls about one view of generation 1 fail, as long as there is an error. */
function failing(store: ServingStore, error: () => PipelineError | undefined): ServingStore {
  return new Proxy(store, {
    get(target, name: keyof ServingStore) {
      const call = target[name] as (...args: unknown[]) => Promise<unknown>;
      return (...args: unknown[]) => {
        const [generation, view] = args;
        const found = generation === 1 && view === "subreddit_activity" ? error() : undefined;
        return found === undefined ? call.apply(target, args) : Promise.reject(found);
      };
    },
  });
}

Deno.test("Speed folds the next generation if a view of the current one is missing, and reports it", async () => {
  const world = new World();
  const clock = new TestClock();
  let error: PipelineError | undefined;
  const store = failing(world.ports.store, () => error);
  const speed = Speed.start({ ...world.ports, store, settings: SPEED, clock });
  try {
    await world.commit([post("p1", START), comment("c1", START + 1, { subreddit: "sub" })]);
    await clock.run(runBatch({ ...world.ports, settings: SETTINGS, clock }));
    error = new PipelineError("not_found", "There is no such index");
    await world.commit([comment("c2", START + 2, { subreddit: "sub" })]);
    await clock.advance(A_WHILE);
    assertEquals([...speed.broken], [1]);
    const { generation } = await clock.run(
      runBatch({ ...world.ports, settings: SETTINGS, clock }),
    );
    assertEquals(await world.ports.store.current(), generation);
    await clock.advance(A_WHILE);
    assertEquals([[...speed.broken], [...speed.folds.keys()]], [[], [generation]]);
  } finally {
    await speed.stop();
  }
});

Deno.test("Speed ends with whatever else a store refuses", async () => {
  const world = new World();
  const clock = new TestClock();
  let error: PipelineError | undefined;
  const store = failing(world.ports.store, () => error);
  const speed = Speed.start({ ...world.ports, store, settings: SPEED, clock });
  try {
    await world.commit([post("p1", START)]);
    await clock.run(runBatch({ ...world.ports, settings: SETTINGS, clock }));
    error = new PipelineError("invalid", "The field is not mapped");
    await world.commit([comment("c1", START + 1, { subreddit: "sub" })]);
    await clock.run(assertRejects(() => speed.done, PipelineError, "not mapped"));
  } finally {
    await speed.stop().catch(() => {});
  }
});

Deno.test("Speed ends with what came of stopping a fold whose view is gone", async () => {
  const world = new World();
  const clock = new TestClock();
  const errors: PipelineError[] = [];
  const store = failing(world.ports.store, () => errors[0]);
  const subscribe: EventLog["subscribe"] = async (subscription) => {
    const consumer = await world.ports.log.subscribe(subscription);
    const stop = async () => {
      await consumer.stop();
      throw new PipelineError("unavailable", "The group did not answer");
    };
    return { done: consumer.done, stop, mark: (...where) => consumer.mark(...where) };
  };
  const log = withSubscribe(world.ports.log, subscribe);
  const speed = Speed.start({ ...world.ports, log, store, settings: SPEED, clock });
  await world.commit([post("p1", START)]);
  await clock.run(runBatch({ ...world.ports, settings: SETTINGS, clock }));
  errors.push(new PipelineError("not_found", "There is no such index"));
  await world.commit([comment("c1", START + 1, { subreddit: "sub" })]);
  await clock.run(assertRejects(() => speed.done, PipelineError, "The group did not answer"));
  await speed.stop().catch(() => {});
});

Deno.test("Speed reports of each batch when its newly folded records were appended, once", async () => {
  const world = new World();
  const clock = new TestClock();
  const told: number[] = [];
  let written = 0;
  let folded = 0;
  const start = () =>
    Speed.start({
      ...world.ports,
      settings: SPEED,
      clock,
      onFold: ({ appended, records }) => {
        folded += records;
        if (appended !== undefined) told.push(appended);
      },
      onWrite: ({ documents }) => void (written += documents),
    });
  await world.commit([post("p1", START)]);
  let speed = start();
  try {
    await clock.run(runBatch({ ...world.ports, settings: SETTINGS, clock }));
    await world.commit([post("p2", START + 1)]);
    await clock.advance(A_WHILE);
    assertEquals([told.length, folded], [1, 1]);
    await speed.stop();
    const before = written;
    speed = start();
    // A start folds again what could be found already, and neither reports nor writes it.
    await clock.advance(A_WHILE);
    assertEquals([told.length, folded, written], [1, 2, before]);
    await world.commit([post("p3", START + 2)]);
    await clock.advance(A_WHILE);
    assertEquals([told.length, folded], [2, 3]);
    assertGreater(written, before);
  } finally {
    await speed.stop();
  }
});
