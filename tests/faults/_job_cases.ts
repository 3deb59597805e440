/**
 * Jobs that are killed, ended, started too early or at the worst moment.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import type { FaultCase } from "./_case.ts";
import type { JobName, Stage } from "./_stage.ts";
import { Watch } from "./_watch.ts";

/** Kills a job that runs all the time. */
function killed(job: JobName, rest: Partial<FaultCase> = {}): FaultCase {
  return {
    numbers: [],
    title: `kill -9 of ${job}`,
    async run({ stage, act, recovered }) {
      await act(`kill -9 of ${job}`, () => stage.job(job).kill());
      await recovered();
    },
    ...rest,
  };
}

/** In the order of their numbers. */
export const JOB_CASES: readonly FaultCase[] = [
  // First: it folds again all that came since the horizon, which grows with each case.
  killed("speed", { quick: true }),
  killed("generator", { unledgered: true }),
  killed("ingest", { quick: true }),
  killed("serving"),
  {
    numbers: [18, 19, 20],
    title: "ingest is killed again and again in the midst of its flushes",
    async run({ stage, act, recovered, wait }) {
      await act("kill -9 of ingest, 8 times at different moments of its flushes", async () => {
        for (let time = 0; time < 8; time++) {
          const ingest = stage.job("ingest");
          await ingest.kill();
          const from = (await ingest.output()).length;
          await ingest.says(/Ingest runs/, { from });
          // Flushes begin some seconds after the start, and take some hundred milliseconds.
          await wait(3.1 + time * 0.08);
        }
      });
      await recovered();
    },
  },
  {
    numbers: [34],
    title: "batch is killed while it folds, publishes and switches",
    async run({ stage, act, recovered, note }) {
      for (const step of ["fold", "publish", "switch"]) {
        const before = await stage.store.current();
        const batch = await stage.once("batch", ["run"]);
        await batch.says(new RegExp(`"step":"${step}"`), { seconds: 120 });
        await act(`kill -9 of batch in its step ${step}`, () => batch.kill());
        // All old or all new.
        const now = await stage.store.current();
        note(
          `killed in ${step}: generation ${before} ${now === before ? "serves on" : `-> ${now}`}`,
        );
      }
      await act("batch runs again", () => stage.complete("batch", ["run"]));
      await recovered();
      const kept = await stage.store.generations();
      assert(kept.length <= 2, `orphans are left: generations ${kept}`);
      note(`then generations ${kept.join(" and ")} are kept, no orphans`);
    },
  },
  {
    numbers: [38],
    title: "each job is told to end in mid-flush",
    async run({ stage, act, recovered, note }) {
      for (const name of ["generator", "ingest", "speed", "serving"] as const) {
        const job = stage.job(name);
        const started = performance.now();
        const { code } = await act(`SIGTERM to ${name}`, () => job.stop());
        assertEquals(code, 0, `${name} ended with ${code}`);
        note(`${name} drained in ${((performance.now() - started) / 1000).toFixed(1)} s`);
        await job.start();
      }
      await recovered();
    },
  },
  {
    numbers: [39],
    title: "the servers are down when the jobs start",
    async run(scene) {
      const { stage, act, recovered, wait, note } = scene;
      for (const job of ["generator", "ingest", "speed", "serving"] as const) {
        await stage.job(job).stop();
      }
      await act("all servers killed, then all jobs started", async () => {
        await Promise.all(stage.servers.nodes.map((node) => node.kill()));
        for (const job of ["generator", "ingest", "speed", "serving"] as const) {
          await stage.job(job).start();
        }
      });
      await wait(20);
      for (const job of stage.processes) {
        assertEquals(job.crashes, 0, `${job.name} gave up`);
        assertEquals(await job.objection("/healthz"), undefined);
        const objection = await job.objection("/readyz");
        assert(objection !== undefined, `${job.name} says it is ready`);
      }
      note("not ready, live, and none gave up");
      await act("servers started after 20 s", () => stage.servers.start());
      await recovered();
    },
  },
  {
    numbers: [40],
    title: "speed restarts exactly at the horizon",
    async run({ stage, act, recovered, note }) {
      await stage.job("generator").stop();
      const watch = new Watch(stage);
      await watch.drained();
      await act("batch runs up to the very end of the log", () => stage.complete("batch", ["run"]));
      await watch.drained();
      const before = await answers(stage);
      await act("kill -9 of speed, which starts there", () => stage.job("speed").kill());
      await watch.drained();
      assertEquals(await answers(stage), before, "the answers changed with the restart");
      note(`${before.length} answers equal before and after`);
      await act("records flow again", () => stage.job("generator").start());
      await recovered();
    },
  },
];

/** What the API answers about the busiest subreddits and their authors, besides where it comes from. */
async function answers({ api }: Stage): Promise<unknown[]> {
  const list = await get(`${api}/v1/subreddits?window=1h&limit=10`);
  const found: unknown[] = [list.items];
  for (const { subreddit } of list.items) {
    const top = await get(`${api}/v1/subreddits/${subreddit}/top?k=20`);
    const activity = await get(`${api}/v1/subreddits/${subreddit}/activity?window=1h`);
    const user = await get(`${api}/v1/users/${top.items[0].user_id}/activity`);
    found.push(top.items, activity.items, user.items, user.totals);
  }
  return found;
}

// deno-lint-ignore no-explicit-any -- answers are looked at field by field
async function get(url: string): Promise<any> {
  const response = await fetch(url, { signal: AbortSignal.timeout(20_000) });
  const body = await response.json();
  assert(response.ok, `${url} answers ${response.status}: ${JSON.stringify(body)}`);
  return body;
}
