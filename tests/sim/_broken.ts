/**
 * Ports that break one rule each, and so stand for jobs that do: the simulation must see it.
 *
 * @module
 */

import type { MemoryPorts, Ports } from "@pipeline/adapters/testing";
import {
  BATCH_PART,
  DEAD_LETTER_TOPIC,
  documentId,
  type LogBatch,
  type OffsetVector,
  offsetVector,
  partitionName,
  type StoredDocument,
  type ViewDocument,
} from "@pipeline/core";
import type { PartAnswer } from "@pipeline/protocol";
import type { Answering } from "./_reader.ts";
import type { World } from "./_world.ts";

/** The same object but for some methods; its private state stays its own. */
export function but<T extends object>(whole: T, methods: Partial<T>): T {
  return new Proxy(whole, {
    get(target, name) {
      if (name in methods) return methods[name as keyof T];
      const value = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

/** A store in which the last writer wins, whatever its version. */
export function withoutVersions(ports: MemoryPorts): MemoryPorts {
  const { store } = ports;
  const versions = new Map<string, number>();
  let writes = 0;
  const name = (generation: number, id: string) => `${generation} ${id}`;
  const shown = (generation: number, document: StoredDocument) => ({
    ...document,
    version: versions.get(name(generation, document.id)) ?? document.version,
  });
  return {
    ...ports,
    store: but(store, {
      write(generation, view, documents) {
        for (const { id, version } of documents) versions.set(name(generation, id), version);
        const forced = documents.map((document) => ({ ...document, version: ++writes }));
        return store.write(generation, view, forced);
      },
      async get(generation, view, ids) {
        const found = await store.get(generation, view, ids);
        return found.map((document) => document && shown(generation, document));
      },
      async search(generation, view, query) {
        const page = await store.search(generation, view, query);
        return { ...page, documents: page.documents.map((d) => shown(generation, d)) };
      },
    }),
  };
}

/** A dataset whose renames overwrite. */
export function withOverwrites(ports: MemoryPorts): MemoryPorts {
  const { dataset } = ports;
  return {
    ...ports,
    dataset: but(dataset, {
      async rename(from, to) {
        if (await dataset.status(from) !== undefined) await dataset.remove(to);
        await dataset.rename(from, to);
      },
    }),
  };
}

/** A writer whose files reach their places only after its commit did. */
export function withCommitFirst(ports: Ports): Ports {
  const { dataset } = ports;
  const later: [from: string, to: string][] = [];
  const move = async () => {
    for (const [from, to] of later.splice(0)) await dataset.rename(from, to).catch(() => {});
  };
  return {
    ...ports,
    dataset: but(dataset, {
      async rename(from, to) {
        if (/\/data-[^/]+$/.test(from)) return void later.push([from, to]);
        // What is moved after a commit is moved with the next one: a crash in between loses it.
        const waiting = later.splice(0);
        await dataset.rename(from, to);
        await move();
        later.push(...waiting);
      },
    }),
  };
}

/** A fold that adds to what is stored instead of writing whole values. */
export function withIncrements(ports: Ports): Ports {
  const { store } = ports;
  const sent = new Map<string, number>();
  return {
    ...ports,
    store: but(store, {
      async write(generation, view, documents) {
        const stored = await store.get(generation, view, documents.map(({ id }) => id));
        const added = documents.map((document, i): StoredDocument => {
          const { body, id } = document;
          if (body.part === BATCH_PART || !("comments" in body)) return document;
          const before = (stored[i]?.body as { comments?: number } | undefined)?.comments ?? 0;
          const name = `${generation} ${id}`;
          const more = body.comments - (sent.get(name) ?? 0);
          sent.set(name, body.comments);
          return { ...document, body: { ...body, comments: before + more } as ViewDocument };
        });
        await store.write(generation, view, added);
      },
    }),
  };
}

/** A fold that takes each spelling of a user for a user of its own. */
export function withLetters(ports: Ports): Ports {
  const { store } = ports;
  return {
    ...ports,
    store: but(store, {
      write(generation, view, documents) {
        const apart = documents.map((document): StoredDocument => {
          const { body } = document;
          if (body.type !== "user_total" || body.part === BATCH_PART) return document;
          const own = { ...body, user_id: body.name };
          return { ...document, id: documentId(own), body: own };
        });
        return store.write(generation, view, apart);
      },
    }),
  };
}

/** A horizon that is guessed from event time: the first record as late as the latest one in batch. */
export function withEventTime(ports: Ports, world: World): Ports {
  const { store } = ports;
  const guess = (horizon: OffsetVector): OffsetVector =>
    offsetVector(world.partitions, (topic, partition) => {
      const records = world.acknowledged.get(`${topic}-${partition}`) ?? new Map();
      const end = horizon[topic][partition]!;
      const times = [...records.values()].filter((r) => r.offset < end && r.fact !== undefined);
      const latest = Math.max(0, ...times.map((r) => r.fact.timestamp));
      const first = times.find((r) => r.fact.timestamp >= latest);
      return first?.offset ?? end;
    });
  return {
    ...ports,
    store: but(store, {
      putControl(id, body, expected) {
        const manifest = body as { readonly state?: string; readonly horizon: OffsetVector };
        if (!id.startsWith("generation/") || manifest.state !== "prepared") {
          return store.putControl(id, body, expected);
        }
        return store.putControl(id, { ...manifest, horizon: guess(manifest.horizon) }, expected);
      },
    }),
  };
}

/** A producer that says that dead letters are durable while it still holds the last ones back. */
export function withHeldLetters(ports: Ports): Ports {
  const { log } = ports;
  return {
    ...ports,
    log: but(log, {
      async producer() {
        const producer = await log.producer();
        let held: Parameters<typeof producer.send>[0] = [];
        return but(producer, {
          async send(records) {
            const before = held;
            held = records;
            if (before.length > 0) await producer.send(before);
            return records.map(() => ({ topic: DEAD_LETTER_TOPIC, partition: 0, offset: 0 }));
          },
        });
      },
    }),
  };
}

/** A log that goes on where it can when it lost what was asked for, and does not say so. */
export function withSilentJumps(ports: Ports): Ports {
  const { log } = ports;
  return {
    ...ports,
    log: but(log, {
      async ranges(topic) {
        return (await log.ranges(topic)).map((range) => ({ ...range, earliest: 0 }));
      },
      async *read() {},
      subscribe(subscription) {
        const asked = new Map<string, number>();
        return log.subscribe({
          ...subscription,
          async start(topic, partition) {
            const start = await subscription.start(topic, partition);
            const { earliest } = (await log.ranges(topic))[partition]!;
            if (start < earliest) asked.set(`${topic}-${partition}`, start);
            return Math.max(start, earliest);
          },
          batch(batch: LogBatch) {
            const name = `${batch.topic}-${batch.partition}`;
            const startOffset = asked.get(name) ?? batch.startOffset;
            asked.delete(name);
            return subscription.batch({ ...batch, startOffset });
          },
        });
      },
    }),
  };
}

/** Records that bear the time at which they are read instead of the time of the log. */
export function withLocalTime(ports: Ports, now: () => number): Ports {
  const { log } = ports;
  const stamped = (batch: LogBatch): LogBatch => ({
    ...batch,
    records: batch.records.map((record) => ({ ...record, timestamp: now() })),
  });
  return {
    ...ports,
    log: but(log, {
      subscribe: (subscription) =>
        log.subscribe({
          ...subscription,
          batch: (batch) => subscription.batch(stamped(batch)),
        }),
    }),
  };
}

/** A process that reads the positions of its folds some turns before the documents. */
export const answerInTwoTurns: Answering = async (speed, request, turn) => {
  const positions = speed.answer({ ...request, questions: [] });
  for (let turns = 0; turns < 6; turns++) await turn();
  return speed.answer(request).map((answer) => {
    const before = positions.find(({ topic, partition }) =>
      topic === answer.topic && partition === answer.partition
    );
    return { ...answer, next_offset: before?.next_offset ?? answer.next_offset };
  });
};

/** A reader that adds the answers of all who answer for a part. */
export function addAnswers(answers: readonly PartAnswer[]): PartAnswer[] {
  const parts = Map.groupBy(answers, ({ topic, partition }) => partitionName(topic, partition));
  return [...parts.values()].map((all) => {
    const newest = all.reduce((a, b) => b.next_offset > a.next_offset ? b : a);
    const joined = newest.answers.map((_, i) => all.flatMap(({ answers }) => answers[i] as never));
    return { ...newest, answers: joined as PartAnswer["answers"] };
  });
}
