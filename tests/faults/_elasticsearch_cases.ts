/**
 * Faults of Elasticsearch.
 *
 * @module
 */

import { formatTime } from "@pipeline/core";
import type { ServerNode } from "@pipeline/tools/servers";
import { assert, assertEquals } from "@std/assert";
import { Asking, busiest } from "./_answers.ts";
import type { FaultCase } from "./_case.ts";
import { anyNode, askElasticsearch, masterOf } from "./_cluster.ts";
import type { JobProcess } from "./_process.ts";
import type { Stage } from "./_stage.ts";

/** In the order of their numbers. */
export const ELASTICSEARCH_CASES: readonly FaultCase[] = [
  {
    numbers: [31],
    title: "the master of Elasticsearch is killed",
    quick: true,
    async run({ stage, act, recovered }) {
      const master = await masterOf(stage.servers);
      await act(`kill -9 of ${master.name}, the master`, () => master.kill());
      await recovered();
    },
  },
  {
    numbers: [31],
    title: "another node of Elasticsearch is killed while batch builds a generation",
    async run({ stage, act, recovered, note }) {
      const master = await masterOf(stage.servers);
      const other = stage.servers.elasticsearch.find((node) => node !== master)!;
      const batch = await stage.once("batch", ["run"]);
      await batch.says(/"step":"publish"/, { seconds: 120 });
      await act(`kill -9 of ${other.name} while batch publishes`, () => other.kill());
      await recovered();
      await act("started again", () => other.start());
      const { code } = await batch.ended;
      assertEquals(code, 0, `batch ended with ${code}:\n${await batch.output()}`);
      note(`generation ${await stage.store.current()} was built meanwhile`);
    },
  },
  {
    numbers: [32],
    title: "two of three nodes of Elasticsearch are down",
    async run({ stage, act, recovered, wait, note }) {
      const name = await busiest(stage);
      await using asking = await Asking.begin(stage);
      // The third node has no copy of what the API is asked for.
      const two = await holdersOf(stage, await batchIndex(stage));
      assertEquals(two.length, 2);
      await act(
        "kill -9 of the two nodes that hold a view",
        () => Promise.all(two.map((node) => node.kill())),
      );
      await wait(25);
      await waits(stage.job("speed"));
      note(
        `speed waits, not ready, live; asked for what it never read, the API ${await cold(
          stage,
          name,
        )}`,
      );
      asking.assertFresh();
      await act(
        "both started again after 25 s",
        () => Promise.all(two.map((node) => node.start())),
      );
      await recovered();
      note(await asking.end());
    },
  },
  {
    numbers: [32],
    title: "Elasticsearch is stopped for 60 s",
    async run({ stage, act, recovered, wait, note }) {
      const name = await busiest(stage);
      await using asking = await Asking.begin(stage);
      const nodes = stage.servers.elasticsearch;
      await act("kill -9 of all nodes", () => Promise.all(nodes.map((node) => node.kill())));
      await wait(50);
      await waits(stage.job("speed"));
      assertEquals(await stage.job("serving").objection("/readyz"), undefined);
      note(`serving is ready; asked for what it never read, the API ${await cold(stage, name)}`);
      await wait(10);
      asking.assertFresh();
      await act("started again after 60 s", () => stage.servers.start());
      await recovered();
      note(await asking.end());
    },
  },
  {
    numbers: [36],
    title: "the indices are read-only, as at the flood stage",
    async run({ stage, act, recovered, wait, note }) {
      const block = (on: boolean | null) => setBlock(stage, on);
      await act("the block set on all indices", () => block(true));
      await wait(15);
      const objection = await waits(stage.job("speed"));
      note(`speed waits: ${objection.slice(0, 160)}`);
      await act("the block lifted after 15 s", () => block(null));
      await recovered();
    },
  },
  {
    numbers: [37],
    title: "an index is deleted behind the jobs",
    crashes: true,
    async run({ stage, act, recovered, wait, note }) {
      const name = await busiest(stage);
      const index = await batchIndex(stage);
      const node = anyNode(stage.servers);
      await act(`DELETE ${index}`, () => askElasticsearch(node, `/${index}`, { method: "DELETE" }));
      await wait(15);
      const indices: Record<string, unknown> = await askElasticsearch(node, `/${index}*/_settings`);
      assertEquals(indices[index], undefined, `${index} was made anew`);
      note(`not made anew; asked for what it never read, the API ${await cold(stage, name)}`);
      await act("a full generation built from the dataset", () => {
        return stage.complete("batch", ["run", "--full"]);
      });
      await recovered();
    },
  },
];

/** What a job that waits, not ready and live, gives as its reason. */
async function waits(job: JobProcess): Promise<string> {
  const objection = await job.objection("/readyz");
  assert(objection !== undefined, `${job.name} says that it is ready`);
  assertEquals(await job.objection("/healthz"), undefined);
  return objection;
}

/**
 * How the API answers a question that needs documents of batch which it has never read, in short.
 * Nobody asked for these minutes of the history before.
 */
async function cold({ api }: Stage, subreddit: string): Promise<string> {
  const from = Math.floor(Date.now() / 60_000 - 300 - Math.random() * 600) * 60_000;
  const range = `from=${formatTime(from)}&to=${formatTime(from + 3_600_000)}`;
  try {
    const response = await fetch(`${api}/v1/subreddits/${subreddit}/activity?window=1m&${range}`, {
      signal: AbortSignal.timeout(15_000),
    });
    const body = await response.json();
    if (!response.ok) return `answers ${response.status}: ${body.detail ?? body.title}`;
    const { partial } = body.provenance;
    // A hole must be a flag or an error, never a smaller number.
    assert(partial !== false && partial !== undefined, `a whole answer: ${JSON.stringify(body)}`);
    return `marks its answers as partial (${JSON.stringify(partial)})`;
  } catch (error) {
    if (error instanceof DOMException) return "does not answer in 15 s";
    throw error;
  }
}

async function setBlock({ servers, prefix }: Stage, on: boolean | null): Promise<void> {
  await askElasticsearch(anyNode(servers), `/${prefix}*/_settings?expand_wildcards=all`, {
    method: "PUT",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ "index.blocks.read_only_allow_delete": on }),
  });
}

/** The nodes that hold copies of an index. */
async function holdersOf({ servers }: Stage, index: string): Promise<ServerNode[]> {
  const path = `/_cat/shards/${index}?format=json&h=node`;
  const shards: { node: string }[] = await askElasticsearch(anyNode(servers), path);
  return servers.elasticsearch.filter(({ name }) => shards.some(({ node }) => node === name));
}

/** Batch's index of a view, which its alias names. */
async function batchIndex({ servers, prefix }: Stage): Promise<string> {
  const alias = `${prefix}views_subreddit_activity_v1`;
  const found = await askElasticsearch(anyNode(servers), `/_alias/${alias}`);
  const index = Object.keys(found).find((name) => !name.endsWith("-live"));
  if (index === undefined) throw new Error(`${alias} names no index`);
  return index;
}
