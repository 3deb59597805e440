import { faulty, type MemoryPorts, openMemory, withSubscribe } from "@pipeline/adapters/testing";
import { encodeRecord, PipelineError, type Subscription, TOPICS } from "@pipeline/core";
import {
  foldIdentity,
  type Manifest,
  readFolded,
  readManifest,
  readReached,
  removeControls,
  writeFolded,
  writeManifest,
} from "@pipeline/protocol";
import { emptyManifest, foldedTo } from "@pipeline/protocol/testing";
import { createLogger, TestClock } from "@pipeline/runtime";
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { LINGER, Speed, type SpeedOptions } from "./speed.ts";

/** Milliseconds between two polls, and between two flushes. */
const LOOK = 1_000;

function settings(flush = LOOK) {
  return { flushInterval: flush, maxDocuments: 1_000_000, pollInterval: LOOK };
}

/** Speed on ports in memory, and its log. */
class World implements AsyncDisposable {
  readonly ports: MemoryPorts = openMemory();
  readonly clock = new TestClock();
  readonly lines: string[] = [];
  #speed: Speed | undefined;

  static async open(): Promise<World> {
    const world = new World();
    await world.ports.log.ensureTopics(TOPICS.map((topic) => ({ topic, partitions: 1 })));
    return world;
  }

  /** Makes a generation whose horizon is the beginning of the log. */
  async generation(generation: number, more: Partial<Manifest>): Promise<void> {
    const { store } = this.ports;
    await store.createGeneration(generation);
    await writeManifest(store, emptyManifest({ generation, ...more }), 0);
  }

  async setState(generation: number, state: Manifest["state"]): Promise<void> {
    const { manifest, version } = (await readManifest(this.ports.store, generation))!;
    await writeManifest(this.ports.store, { ...manifest, state }, version);
  }

  /** Appends a post. */
  async append(id: string): Promise<void> {
    const time = this.clock.now();
    const value = new TextEncoder().encode(encodeRecord({
      kind: "post",
      post_id: id,
      user_id: "ann",
      subreddit: "sub",
      title: "",
      content: "",
      score: 1,
      num_comments: 0,
      created_utc: time,
      timestamp: time,
    }));
    const producer = await this.ports.log.producer();
    await producer.send([{ topic: "reddit.posts", key: id, value }]);
  }

  /** Starts speed, which polls once. */
  async start(ports: Partial<SpeedOptions> = {}, flush?: number): Promise<Speed> {
    const { clock } = this;
    const logger = createLogger({ clock, sink: (line) => void this.lines.push(line) });
    this.#speed = Speed.start({
      ...this.ports,
      ...ports,
      settings: settings(flush),
      clock,
      logger,
    });
    await clock.advance(0);
    return this.#speed;
  }

  /** Lets speed poll again. */
  async look(): Promise<void> {
    await this.clock.advance(LOOK);
  }

  said(text: string): number {
    return this.lines.filter((line) => line.includes(text)).length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#speed?.stop().catch(() => {});
  }
}

const folds = (speed: Speed) => [...speed.folds.keys()];

Deno.test("Speed folds the generation that is served and those that are prepared, and no others", async () => {
  await using world = await World.open();
  const states = ["previous", "live", "failed", "building", "prepared"] as const;
  for (const [i, state] of states.entries()) await world.generation(i + 1, { state });
  await world.ports.store.switchTo(2, undefined);
  const speed = await world.start();
  assertEquals([folds(speed), speed.served], [[2, 5], 2]);
  await world.setState(1, "prepared");
  await world.look();
  assertEquals(folds(speed).sort(), [1, 2, 5], "a rollback has begun");
});

Deno.test("Speed folds the generation that the aliases name, whatever its state", async () => {
  await using world = await World.open();
  // A rollback died between moving the aliases and writing the states.
  await world.generation(1, { state: "previous" });
  await world.generation(2, { state: "live" });
  await world.ports.store.switchTo(1, undefined);
  const speed = await world.start();
  assertEquals([folds(speed), speed.served], [[1], 1]);
});

Deno.test("Speed waits with a generation that was still being built when it was read", async () => {
  await using world = await World.open();
  await world.generation(1, { state: "building" });
  await world.ports.store.switchTo(1, undefined);
  const speed = await world.start();
  assertEquals(folds(speed), []);
  await world.setState(1, "live");
  await world.look();
  assertEquals(folds(speed), [1]);
});

Deno.test("Speed ends the fold of a generation that is wanted no more, without a word to the store", async () => {
  await using world = await World.open();
  await world.generation(1, {});
  const speed = await world.start({}, 100 * LOOK);
  await world.append("p1");
  await world.clock.advance(0);
  assertEquals(speed.folds.get(1)?.folded().map(({ records }) => records), [1, 0, 0]);
  await world.setState(1, "failed");
  await world.look();
  assertEquals(folds(speed), []);
  assertEquals(await readFolded(world.ports.store, 1), []);
});

Deno.test("Speed continues when batch drops a generation under its feet", async () => {
  await using world = await World.open();
  await world.generation(1, {});
  await world.generation(2, {});
  const speed = await world.start({}, LOOK / 4);
  await world.ports.store.dropGeneration(1);
  await removeControls(world.ports.store, 1);
  await world.append("p1");
  // The fold writes before the next poll.
  await world.clock.advance(LOOK / 2);
  assertEquals([folds(speed), [...speed.broken]], [[2], []]);
  const folded = await readFolded(world.ports.store, 2);
  assertEquals(folded.find(({ topic }) => topic === "reddit.posts")?.next_offset, 1);
});

Deno.test("Speed refuses a generation with other definitions, and reports it once", async () => {
  await using world = await World.open();
  await world.generation(1, { definition: "0".repeat(16) });
  const speed = await world.start();
  for (let i = 0; i < 3; i++) await world.look();
  assertEquals(folds(speed), []);
  assertEquals(world.said("was built with other view definitions"), 1);
});

Deno.test("Speed reports that it waits for a first generation, until it folds one", async () => {
  await using world = await World.open();
  const speed = await world.start();
  assertEquals(world.said("Waiting until batch has prepared a generation"), 1);
  await world.generation(1, {});
  for (let i = 0; i < 20; i++) await world.look();
  assertEquals(folds(speed), [1]);
  assertEquals(world.said("Waiting until batch has prepared a generation"), 1);
});

Deno.test("Speed ends with what keeps it from looking", async () => {
  await using world = await World.open();
  const { store } = faulty(world.ports, {
    step: (name) =>
      name === "store.current"
        ? Promise.reject(new PipelineError("invalid", "Not allowed"))
        : Promise.resolve(),
  });
  const speed = await world.start({ store });
  await assertRejects(() => speed.done, PipelineError, "Not allowed");
});

Deno.test("stop() writes what every fold has folded", async () => {
  await using world = await World.open();
  await world.generation(1, {});
  await world.generation(2, {});
  const speed = await world.start({}, 100 * LOOK);
  await world.append("p1");
  await world.clock.advance(0);
  await speed.stop();
  await speed.done;
  for (const generation of [1, 2]) {
    const folded = await readFolded(world.ports.store, generation);
    assertEquals(folded.find(({ topic }) => topic === "reddit.posts")?.next_offset, 1);
  }
  assertEquals(world.clock.sleeping, 0);
});

Deno.test("stop() writes the served generation first, and the others even if that fails", async () => {
  for (const fails of [false, true]) {
    await using world = await World.open();
    await world.generation(1, {});
    await world.generation(2, { state: "live" });
    await world.ports.store.switchTo(2, undefined);
    const written: string[] = [];
    const { store } = faulty(world.ports, {
      step: async (name, phase) => {
        const generation = name.match(/^store.write (\d+)/)?.[1];
        if (generation === undefined || phase === "after") return;
        if (generation === "2" && fails) throw new PipelineError("invalid", "Not allowed");
        // The other one is not faster only because it began later.
        if (generation === "2") { for (let i = 0; i < 100; i++) await Promise.resolve(); }
        written.push(generation);
      },
    });
    const speed = await world.start({ store }, 100 * LOOK);
    await world.append("p1");
    await world.clock.advance(0);
    if (fails) await assertRejects(() => speed.stop(), PipelineError, "Not allowed");
    else await speed.stop();
    assertEquals(written, [...fails ? [] : ["2", "2", "2"], "1", "1", "1"]);
  }
});

/** A generation as the tests make it, to be asked about. */
function about(generation: number) {
  return { generation, identity: foldIdentity(emptyManifest({ generation })) };
}

/** The offset of the posts in the answer about a generation. */
function answered(speed: Speed, generation: number): number | undefined {
  const answers = speed.answer({ ...about(generation), questions: [] });
  return answers.find(({ topic }) => topic === "reddit.posts")?.next_offset;
}

Deno.test("answer() answers for every partition of a generation, and refuses what is not folded", async () => {
  await using world = await World.open();
  await world.generation(1, {});
  const speed = await world.start();
  await world.append("p1");
  await world.look();
  const question = { view: "top_posts", keys: ["post|sub|p1", "post|sub|none"] } as const;
  const answers = speed.answer({ ...about(1), questions: [question] });
  assertEquals(answers.map(({ topic }) => topic).sort(), [...TOPICS].sort());
  const posts = answers.find(({ topic }) => topic === "reddit.posts");
  assertEquals(
    posts?.answers.map((found) => found.map((d) => "post_id" in d && d.post_id)),
    [["p1"]],
  );
  const cases = [
    [about(2), "not_found"],
    [{ generation: 1, identity: "another" }, "conflict"],
  ] as const;
  for (const [request, code] of cases) {
    const error = assertThrows(() => speed.answer({ ...request, questions: [] }), PipelineError);
    assertEquals(error.code, code);
  }
  assertEquals(speed.answered, [1]);
});

Deno.test("Speed answers about a generation for a while after another one has replaced it", async () => {
  await using world = await World.open();
  const { store } = world.ports;
  await world.generation(1, { state: "live" });
  await store.switchTo(1, undefined);
  const speed = await world.start();
  await world.append("p1");
  await world.look();
  await world.generation(2, {});
  await world.look();
  await store.switchTo(2, 1);
  await world.setState(2, "live");
  await world.setState(1, "previous");
  await world.look();
  await world.append("p2");
  await world.look();
  assertEquals([folds(speed), speed.answered], [[2], [1, 2]]);
  assertEquals([answered(speed, 1), answered(speed, 2)], [1, 2]);
  assertEquals(speed.frozen, 3);
  await world.clock.advance(LINGER);
  assertEquals([speed.answered, speed.frozen], [[2], 0]);
});

Deno.test("Speed does not answer about a generation that failed, or that was dropped", async () => {
  for (const end of ["failed", "dropped"] as const) {
    await using world = await World.open();
    await world.generation(1, {});
    await world.generation(2, {});
    const speed = await world.start();
    await world.setState(1, end === "failed" ? "failed" : "previous");
    await world.look();
    assertEquals(speed.answered, end === "failed" ? [2] : [1, 2]);
    await world.ports.store.dropGeneration(1);
    await removeControls(world.ports.store, 1);
    await world.look();
    assertEquals(speed.answered, [2]);
  }
});

Deno.test("Speed goes on where it was when a generation is wanted again before it is dropped", async () => {
  await using world = await World.open();
  await world.generation(1, {});
  let folded = 0;
  const speed = await world.start({ onFold: ({ records }) => void (folded += records) });
  await world.append("p1");
  await world.look();
  await world.setState(1, "previous");
  await world.look();
  await world.append("p2");
  await world.setState(1, "prepared");
  await world.look();
  assertEquals([folds(speed), speed.frozen, answered(speed, 1)], [[1], 0, 2]);
  assertEquals(folded, 2, "p1 was not folded again");
});

Deno.test("Speed drops a frozen partition once the store is as far", async () => {
  await using world = await World.open();
  await world.generation(1, {});
  const subscribed: Subscription[] = [];
  const log = withSubscribe(world.ports.log, (subscription) => {
    subscribed.push(subscription);
    return world.ports.log.subscribe(subscription);
  });
  const speed = await world.start({ log }, 100 * LOOK);
  await world.append("p1");
  await world.look();
  // Another owner takes the partition.
  await subscribed[0]!.revoked!("reddit.posts", 0);
  await speed.folds.get(1)?.flush();
  await world.look();
  assertEquals([speed.frozen, answered(speed, 1)], [1, 1]);
  await writeFolded(world.ports.store, 1, [foldedTo("reddit.posts", 0, 1)]);
  await world.look();
  assertEquals([speed.frozen, answered(speed, 1)], [0, undefined]);
});

Deno.test("a restart writes nothing that is stored, and reports how far it is in memory", async () => {
  await using world = await World.open();
  await world.generation(1, {});
  let documents = 0;
  const count = ({ documents: more }: { readonly documents: number }) => void (documents += more);
  const speed = await world.start({ onWrite: count });
  for (const id of ["p1", "p2"]) await world.append(id);
  await world.look();
  await speed.stop();
  const before = documents;
  assert(before > 0);
  await world.start({ onWrite: count });
  await world.look();
  assertEquals(documents, before);
  await world.append("p3");
  await world.look();
  await world.look();
  // The post, its subreddit with three windows, its author's day and totals.
  assertEquals(documents, before + 7);
  const reached = await readReached(world.ports.store, 1);
  assertEquals(reached.find(({ topic }) => topic === "reddit.posts")?.next_offset, 3);
});
