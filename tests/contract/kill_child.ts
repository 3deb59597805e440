/**
 * What the kill tests kill: writes to a data folder without end, and prints a line
 * for whatever was acknowledged. Arguments: the folder, what to write, the round.
 */

import { type ControlDocument, documentId, type StoredDocument } from "@pipeline/core";
import { openEmbedded } from "@pipeline/adapters/embedded";
import { total } from "./serving_store_suite.ts";

const [folder, what, round] = Deno.args as [string, "log" | "dataset" | "store", string];
const ports = openEmbedded(folder, { segmentBytes: 200_000 });
const encoder = new TextEncoder();

/** Prints at once, so that nothing acknowledged is unknown to the parent for long. */
function say(line: string): void {
  Deno.stdout.writeSync(encoder.encode(`${line}\n`));
}

async function appendForever(): Promise<never> {
  await ports.log.ensureTopics([{ topic: "t", partitions: 2 }]);
  const producer = await ports.log.producer();
  for (let n = 0;; n++) {
    const sends = [0, 1, 2].map((send) =>
      producer.send([...Array(7).keys()].map((i) => {
        const key = `${round}/${n}/${send}/${i}`;
        return { topic: "t", key, value: encoder.encode(key.repeat(1 + n % 50)) };
      }))
    );
    for (const [send, acknowledged] of (await Promise.all(sends)).entries()) {
      for (const [i, { partition, offset }] of acknowledged.entries()) {
        say(`${partition} ${offset} ${round}/${n}/${send}/${i}`);
      }
    }
  }
}

async function renameForever(): Promise<never> {
  await ports.dataset.mkdirs("/commits");
  for (let n = 0;; n++) {
    const name = `${round}-${n}`;
    await ports.dataset.write(`/tmp/${name}`, encoder.encode(name.repeat(1_000)));
    await ports.dataset.rename(`/tmp/${name}`, `/commits/${name}`);
    say(name);
  }
}

async function writeForever(): Promise<never> {
  const { store } = ports;
  await store.createGeneration(1);
  const current = await store.current();
  if (current === undefined) await store.switchTo(1, undefined);
  const first = Number(round) * 1_000_000;
  for (let version = first + 1;; version++) {
    const documents: StoredDocument[] = [...Array(700).keys()].map((i) => {
      const body = total(`user ${i}`, { karma: version });
      return { id: documentId(body), version, body };
    });
    await store.write(1, "user_activity", documents);
    const control: ControlDocument = { id: "folded", version, body: version };
    await store.putControls([control]);
    say(`${version}`);
  }
}

const jobs = { log: appendForever, dataset: renameForever, store: writeForever };
await jobs[what]();
