import { faulty, type MemoryPorts, openMemory, withSubscribe } from "@pipeline/adapters/testing";
import { encodeRecord, type Entity, type Subscription, TOPICS, VIEWS } from "@pipeline/core";
import {
  foldIdentity,
  newestParts,
  type PartAnswer,
  readFolded,
  readReached,
  writeManifest,
} from "@pipeline/protocol";
import { emptyManifest } from "@pipeline/protocol/testing";
import { TestClock } from "@pipeline/runtime";
import { assert, assertEquals } from "@std/assert";
import { Speed, type SpeedOptions } from "./speed.ts";

const SETTINGS = { flushInterval: 100, maxDocuments: 1_000_000, pollInterval: 1_000 };

/** Steps on the store that change nothing in it. */
const READS = /^store\.(get|search|count|current|generations|control|controls)\b/;

const MANIFEST = emptyManifest({ generation: 1, state: "live" });
const EVERYTHING = {
  generation: 1,
  identity: foldIdentity(MANIFEST),
  questions: VIEWS.map((view) => ({ view, query: { order: "id", limit: 10_000 } } as const)),
};

/** Processes of speed on one log and one store. */
class World implements AsyncDisposable {
  readonly ports: MemoryPorts = openMemory();
  readonly clock = new TestClock();
  /** The running processes, and those that were killed. */
  readonly #all: Speed[] = [];

  static async open(): Promise<World> {
    const world = new World();
    const { log, store } = world.ports;
    await log.ensureTopics(TOPICS.map((topic) => ({ topic, partitions: 1 })));
    await store.createGeneration(1);
    await writeManifest(store, MANIFEST, 0);
    await store.switchTo(1, undefined);
    return world;
  }

  /** Starts a process; its steps on the store are noted, except for reads. */
  async start(options: Partial<SpeedOptions> = {}) {
    const { clock } = this;
    const changes: string[] = [];
    const ports = faulty(this.ports, {
      step: (name) => {
        if (name.startsWith("store.") && !READS.test(name)) changes.push(name);
        return Promise.resolve();
      },
    });
    const speed = Speed.start({ ...ports, settings: SETTINGS, clock, ...options });
    this.#all.push(speed);
    await clock.advance(0);
    return { speed, changes, kill: () => ports.crash() };
  }

  /** Appends a post by somebody, and lets everybody fold and write it. */
  async append(id: string): Promise<void> {
    const time = Date.UTC(2026, 2, 1);
    const post: Entity = {
      kind: "post",
      post_id: id,
      user_id: `author of ${id}`,
      subreddit: "sub",
      title: "",
      content: "",
      score: 1,
      num_comments: 0,
      created_utc: time,
      timestamp: time,
    };
    const producer = await this.ports.log.producer();
    const value = new TextEncoder().encode(encodeRecord(post));
    await producer.send([{ topic: "reddit.posts", key: id, value }]);
    await producer.close();
    await this.clock.advance(SETTINGS.pollInterval);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const speed of this.#all) await speed.stop().catch(() => {});
  }
}

/** Answers of all parts, by their names. */
function answers({ speed }: { readonly speed: Speed }): PartAnswer[] {
  const name = ({ topic, partition }: PartAnswer) => `${topic}-${partition}`;
  return speed.answer(EVERYTHING).sort((a, b) => name(a) < name(b) ? -1 : 1);
}

const posts = (parts: Iterable<PartAnswer>) =>
  [...parts].find(({ topic }) => topic === "reddit.posts")?.next_offset;

Deno.test("a standby answers what the writer answers, to the byte, and writes nothing", async () => {
  await using world = await World.open();
  const writer = await world.start();
  await world.append("p1");
  const standby = await world.start({ standby: true });
  const folded: (number | undefined)[] = [];
  for (const id of ["p2", "p3"]) {
    await world.append(id);
    assertEquals(JSON.stringify(answers(standby)), JSON.stringify(answers(writer)));
    folded.push(posts(answers(standby)));
  }
  assertEquals(folded, [2, 3]);
  assert(writer.changes.length > 0);
  await standby.speed.stop();
  assertEquals(standby.changes, []);
});

Deno.test("a standby reports nothing as visible, and has no copy that gets old", async () => {
  await using world = await World.open();
  const appended: (number | undefined)[] = [];
  const standby = await world.start({
    standby: true,
    onFold: (folded) => void appended.push(folded.appended),
  });
  await world.append("p1");
  assertEquals([appended, standby.speed.folds.get(1)?.oldest], [[undefined], undefined]);
  assertEquals(await readFolded(world.ports.store, 1), []);
  assertEquals(await readReached(world.ports.store, 1), []);
});

Deno.test("a standby takes no partition from a writer", async () => {
  await using world = await World.open();
  const groups: string[] = [];
  const log = withSubscribe(world.ports.log, (subscription: Subscription) => {
    groups.push(subscription.group);
    return world.ports.log.subscribe(subscription);
  });
  const writer = await world.start({ log });
  const standby = await world.start({ log, standby: true });
  assertEquals(groups, ["speed-1", "speed-1-standby"]);
  assertEquals([writer, standby].map((one) => answers(one).length), [3, 3]);
  assertEquals([writer.speed.frozen, standby.speed.frozen], [0, 0]);
});

Deno.test("answers go on without a gap while the writer is dead, and another one writes what is missing", async () => {
  await using world = await World.open();
  const { store } = world.ports;
  const writer = await world.start();
  const standby = await world.start({ standby: true });
  await world.append("p1");
  writer.kill();
  await world.append("p2");
  assertEquals(posts(newestParts(answers(standby)).values()), 2);
  assertEquals(posts(answers(writer)), 1, "the writer is dead");
  assertEquals(await store.count(1, "top_posts"), 1);
  // What a writer would have written of the other's is not lost with it.
  const next = await world.start();
  await world.append("p3");
  assertEquals(JSON.stringify(answers(next)), JSON.stringify(answers(standby)));
  assertEquals(posts(answers(next)), 3);
  await world.clock.advance(SETTINGS.flushInterval);
  await store.refresh(1);
  assertEquals(await store.count(1, "top_posts"), 3);
  assertEquals(standby.changes, []);
});

Deno.test("a standby folds what is prepared as well, so that a switch finds it there", async () => {
  await using world = await World.open();
  const { store } = world.ports;
  const standby = await world.start({ standby: true });
  await world.append("p1");
  await store.createGeneration(2);
  const second = emptyManifest({ generation: 2 });
  await writeManifest(store, second, 0);
  await world.append("p2");
  const about = { generation: 2, identity: foldIdentity(second), questions: [] };
  assertEquals([posts(answers(standby)), posts(standby.speed.answer(about))], [2, 2]);
});
