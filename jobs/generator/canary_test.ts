import { assert, assertEquals, assertRejects } from "@std/assert";
import { openMemory } from "@pipeline/adapters/testing";
import {
  hashBytes,
  parseRecord,
  PipelineError,
  type Post,
  recordBytes,
  TOPICS,
} from "@pipeline/core";
import { CommitLog, type Ledger, type LedgerLine } from "@pipeline/protocol";
import { createLogger, TestClock } from "@pipeline/runtime";
import { CANARIES, sendCanaries, sendCanary } from "./canary.ts";

const LIMITS = { within: 2_000, committedWithin: 60_000 };

async function open() {
  const clock = new TestClock();
  const { log, dataset } = openMemory();
  await log.ensureTopics(TOPICS.map((topic) => ({ topic, partitions: 3 })));
  return { clock, log, dataset };
}

/** Lets time pass until the work ends. */
async function through<T>(clock: TestClock, work: Promise<T>): Promise<T> {
  let ended = false;
  const end = () => void (ended = true);
  work.then(end, end);
  while (!ended) await clock.advance(25);
  return await work;
}

async function records(log: Awaited<ReturnType<typeof open>>["log"]): Promise<Post[]> {
  const found: Post[] = [];
  for (const { partition, earliest, end } of await log.ranges("reddit.posts")) {
    for await (const batch of log.read("reddit.posts", partition, earliest, end)) {
      for (const { value } of batch.records) {
        found.push(parseRecord("reddit.posts", value!) as Post);
      }
    }
  }
  return found;
}

Deno.test("sendCanary() fails in time if the canary is not served, and reports its wait", async () => {
  const { clock, ...parts } = await open();
  const lines: string[] = [];
  const logger = createLogger({ clock, sink: (line) => void lines.push(line) });
  const shows = () => Promise.resolve(false);
  const error = await assertRejects(
    () => through(clock, sendCanary({ ...parts, ...LIMITS, clock, shows, logger })),
    PipelineError,
    "was not served within 2000 ms: check the logs of speed and serving",
  );
  assertEquals(lines.length, 1);
  assert(lines[0]!.includes("is on the log: waiting until it is served"), lines[0]);
  assertEquals(error.code, "unavailable");
});

Deno.test("sendCanary() resends its post if the log refuses it for the moment", async () => {
  const { clock, log, dataset } = await open();
  let refusals = 3;
  const moving = {
    producer: async () => {
      const producer = await log.producer();
      return {
        ...producer,
        close: () => producer.close(),
        send: (records: Parameters<typeof producer.send>[0]) =>
          refusals-- > 0
            ? Promise.reject(new PipelineError("unavailable", "This server is not the leader"))
            : producer.send(records),
      };
    },
  };
  const flying = (again: object) =>
    sendCanary({
      ...{ log: moving, dataset, ...LIMITS, clock, ...again },
      shows: () => Promise.resolve(false),
    });
  await assertRejects(() => through(clock, flying({})), PipelineError, "not the leader");
  await assertRejects(() => through(clock, flying({ retry: { clock } })), Error, "not served");
  assertEquals((await records(log)).length, 1);
});

Deno.test("sendCanary() sends an announcement of its own subreddit, and asks for that", async () => {
  const { clock, ...parts } = await open();
  const asked: Post[] = [];
  const shows = ({ post }: { readonly post: Post }) => {
    asked.push(post);
    return Promise.resolve(asked.length === 3);
  };
  const error = await assertRejects(
    () => through(clock, sendCanary({ ...parts, ...LIMITS, clock, shows })),
    PipelineError,
    "was not in the dataset within 60000 ms",
  );
  assert(/canary_\w+ \(reddit\.posts-\d offset 0\)/.test(error.message), error.message);
  const [sent, ...others] = await records(parts.log);
  assertEquals(others, []);
  assertEquals(sent!.subreddit, CANARIES);
  assertEquals([sent!.created_utc, sent!.post_id], [sent!.timestamp, asked[0]!.post_id]);
});

Deno.test("sendCanary() returns how long it took until it was served, and until it was committed", async () => {
  const { clock, ...parts } = await open();
  let looks = 0;
  const flying = sendCanary({
    ...parts,
    ...LIMITS,
    clock,
    shows: () => Promise.resolve(++looks === 5),
  });
  const committing = (async () => {
    await clock.sleep(1);
    const [range] = (await parts.log.ranges("reddit.posts")).filter(({ end }) => end === 1);
    const hash = "0".repeat(16);
    const token = "t";
    await clock.sleep(2_600);
    await new CommitLog(parts.dataset).publish({
      topic: "reddit.posts",
      partition: range!.partition,
      start: 0,
      end: 1,
      files: [{ path: "posts/f", records: 1, bytes: 1, hash }],
      records: 1,
      dead_letters: [],
      last: { offset: 0, hash },
      token,
    }, "/data/_tmp/t/commit");
  })();
  assertEquals(await through(clock, flying), { served: 100, committed: 3_100 });
  await committing;
});

Deno.test("sendCanary() writes into a ledger what the log acknowledged, also where it is lost then", async () => {
  const { clock, ...parts } = await open();
  const lines: LedgerLine[] = [];
  const ledger: Ledger = {
    append: (more) => Promise.resolve(void lines.push(...more)),
    close: () => Promise.resolve(),
  };
  const shows = () => Promise.resolve(false);
  await assertRejects(
    () => through(clock, sendCanary({ ...parts, ...LIMITS, clock, shows, ledger })),
    PipelineError,
    "was not served",
  );
  const [sent] = await records(parts.log);
  const [range] = (await parts.log.ranges("reddit.posts")).filter(({ end }) => end === 1);
  assertEquals(lines, [{
    topic: "reddit.posts",
    partition: range!.partition,
    offset: 0,
    id: sent!.post_id,
    hash: hashBytes(recordBytes(sent!)),
  }]);
});

Deno.test("sendCanaries() sends one after the other, and continues after a lost one", async () => {
  const { clock, log } = await open();
  const ending = new AbortController();
  const born = new Set<string>();
  const served: number[] = [];
  const lost: string[] = [];
  let looks = 0;
  const flying = sendCanaries({
    ...{ log, clock, every: 10_000, within: 2_000, signal: ending.signal },
    shows: ({ post: { post_id } }) => {
      if (!born.has(post_id)) looks = 0;
      born.add(post_id);
      // The second one is never shown, the others at the third query.
      return Promise.resolve(born.size !== 2 && ++looks === 3);
    },
    onServed: (took) => {
      served.push(took);
      if (served.length === 3) ending.abort();
    },
    onLost: ({ message }) => lost.push(message),
  });
  await through(clock, flying);
  assertEquals(served, [50, 50, 50]);
  assertEquals(lost.length, 1);
  assert(/was not served within 2000 ms: check the logs of speed/.test(lost[0]!), lost[0]);
  const times = (await records(log)).map(({ created_utc }) => created_utc).sort((a, b) => a - b);
  const [first] = times;
  assertEquals(times.map((time) => time - first!), [0, 10_000, 20_000, 30_000]);
});

Deno.test("sendCanaries() counts an answer that is wrong as a loss, and goes on", async () => {
  const { clock, log } = await open();
  const ending = new AbortController();
  const lost: string[] = [];
  let asked = 0;
  await through(
    clock,
    sendCanaries({
      ...{ log, clock, every: 1_000, within: 2_000, signal: ending.signal },
      shows: () =>
        asked++ === 0
          ? Promise.reject(new PipelineError("corrupt", "An answer lacks the post"))
          : Promise.resolve(true),
      onServed: () => ending.abort(),
      onLost: ({ message }) => lost.push(message),
    }),
  );
  assertEquals(lost, ["An answer lacks the post"]);
});

Deno.test("sendCanaries() counts temporary refusals of the log as losses, and ends with a permanent error", async () => {
  const { clock } = await open();
  const failures = [
    new PipelineError("unavailable", "no leader"),
    new PipelineError("invalid", "no such topic"),
  ];
  const lost: string[] = [];
  const producer = {
    send: () => Promise.reject(failures.shift()),
    close: () => Promise.resolve(),
  };
  const flying = sendCanaries({
    ...{ log: { producer: () => Promise.resolve(producer) }, clock, every: 1_000, within: 2_000 },
    signal: new AbortController().signal,
    shows: () => Promise.resolve(true),
    onServed: () => {},
    onLost: ({ message }) => lost.push(message),
  });
  await assertRejects(() => through(clock, flying), PipelineError, "no such topic");
  assertEquals(lost, ["no leader"]);
});
