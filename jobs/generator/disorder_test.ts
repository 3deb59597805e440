import { assert, assertEquals, assertLess } from "@std/assert";
import { MemoryEventLog } from "@pipeline/adapters/testing";
import { admitRecord, hashBytes, isAnnouncement, RecordError, TOPICS } from "@pipeline/core";
import { TestClock } from "@pipeline/runtime";
import type { DisorderOptions, InjectedRecord } from "./disorder.ts";
import { DueHeap } from "./due_heap.ts";
import type { LedgerLine } from "@pipeline/protocol";
import { Random } from "./model/random.ts";
import { POISONS } from "./poison.ts";
import { RealtimeProducer } from "./realtime.ts";
import { parseRate } from "./schedule.ts";

interface Found {
  readonly place: string;
  readonly hash: string;
  readonly reason: string | undefined;
  readonly lateness: number;
}

/** Runs 20,000 records with disorder, and reads the log as a consumer would. */
async function disturbed(disorder: DisorderOptions) {
  const clock = new TestClock();
  const log = new MemoryEventLog({ clock: () => clock.now() });
  await log.ensureTopics(TOPICS.map((topic) => ({ topic, partitions: 3 })));
  const ledger: LedgerLine[] = [];
  const manifest: InjectedRecord[] = [];
  const keep = <T>(lines: T[]) => ({
    append: (more: readonly T[]) => Promise.resolve(void lines.push(...more)),
    close: () => Promise.resolve(),
  });
  const options = { seed: 1, run: 1, rate: parseRate(2_000), duration: 10_000, disorder };
  const run = { clock, linger: 50, ledger: keep(ledger), manifest: keep(manifest) };
  const status = await clock.run(new RealtimeProducer(log, options, run).run());
  const found: Found[] = [];
  for (const topic of TOPICS) {
    for (const { partition, earliest, end } of await log.ranges(topic)) {
      for await (const { records } of log.read(topic, partition, earliest, end)) {
        for (const { offset, value, timestamp } of records) {
          const place = `${topic} ${partition} ${offset}`;
          const hash = value === null ? "" : hashBytes(value);
          try {
            const record = admitRecord(topic, value, timestamp);
            const lateness = isAnnouncement(record) ? timestamp - record.timestamp : 0;
            found.push({ place, hash, reason: undefined, lateness });
          } catch (error) {
            if (!(error instanceof RecordError)) throw error;
            found.push({ place, hash, reason: error.message, lateness: 0 });
          }
        }
      }
    }
  }
  return { status, ledger, manifest, found };
}

const placeOf = ({ topic, partition, offset }: InjectedRecord) => `${topic} ${partition} ${offset}`;

Deno.test("Disorder names in its manifest exactly the records that are refused", async () => {
  const { status, manifest, found, ledger } = await disturbed({
    late: 3,
    duplicates: 2,
    poison: 2,
    skew: 4,
    future: 1,
  });
  const refused = found.filter(({ reason }) => reason !== undefined).map(({ place }) => place);
  const named = manifest.filter((line) => line.dead_letter).map(placeOf);
  assertEquals(refused.sort(), named.sort());
  const marked = ledger.filter((line) => "dead_letter" in line);
  assertEquals(marked.length, named.length);
  const { late, duplicate, poison, skew, future } = status.injected;
  for (
    const [count, percent] of [[late, 3], [duplicate, 2], [poison, 2], [future, 1]] as const
  ) assertLess(Math.abs(count / 20_000 * 100 - percent), 0.5);
  assert(skew > 300 && skew < 1_000, `${skew} are skewed`);
  assertEquals(found.length, 20_000 + duplicate + poison + future);
  assertEquals(manifest.length, late + duplicate + poison + skew + future);
  assertEquals(ledger.length, found.length);
});

Deno.test("Disorder sends every kind of poison, and each is rejected for its own reason", async () => {
  const { manifest, found } = await disturbed({ poison: 1, future: 1 });
  const reasons = new Map(found.map(({ place, reason }) => [place, reason]));
  const expected: Record<string, RegExp> = {
    bad_json: /not JSON/,
    wrong_type: /"many": it must be an integer/,
    missing_id: /_id" is missing/,
    tombstone: /tombstone/,
    invalid_utf8: /not UTF-8/,
    unsafe_integer: /9007199254740992: it must be an integer/,
    future: /too far in the future/,
  };
  const kinds = new Set<string>();
  for (const line of manifest) {
    const kind = line.detail ?? line.kind;
    kinds.add(kind);
    const reason = reasons.get(placeOf(line));
    assert(expected[kind]!.test(reason ?? ""), `${kind}: ${reason}`);
  }
  assertEquals([...kinds].sort(), [...POISONS, "future"].sort());
});

Deno.test("Disorder repeats bytes for duplicates, and only for them", async () => {
  const { manifest, found } = await disturbed({ duplicates: 5, duplicateBy: 2_000 });
  const copies = new Map<string, number>();
  for (const { hash } of found) copies.set(hash, (copies.get(hash) ?? 0) + 1);
  const twice = [...copies].filter(([, count]) => count > 1).map(([hash]) => hash);
  assertEquals(twice.sort(), manifest.map(({ hash }) => hash).sort());
});

Deno.test("Disorder delays late records by the time in the manifest", async () => {
  const { manifest, found } = await disturbed({ late: 5, lateBy: 30_000 });
  const delays = new Map(manifest.map((line) => [placeOf(line), line.by!]));
  for (const { place, lateness } of found) {
    const delay = delays.get(place);
    if (delay === undefined) assert(lateness <= 60, `${place} came ${lateness} ms late`);
    else if (lateness > 0) assert(Math.abs(lateness - delay) <= 60, `${lateness}, not ${delay}`);
  }
  assert([...delays.values()].some((delay) => delay > 25_000));
});

Deno.test("DueHeap gives everything back in order, and equals as they were added", () => {
  const random = new Random(1);
  const heap = new DueHeap<number>();
  const added: [due: number, item: number][] = [];
  const taken: [due: number, item: number][] = [];
  for (let i = 0; i < 2_000; i++) {
    const due = random.below(100);
    added.push([due, i]);
    heap.add(due, i);
  }
  while (heap.due !== undefined) taken.push([heap.due, heap.take()!]);
  assertEquals(taken, added.toSorted((a, b) => a[0] - b[0] || a[1] - b[1]));
  assertEquals(heap.take(), undefined);
});
