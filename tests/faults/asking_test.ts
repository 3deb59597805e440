/** What the fault cases require of answers, on memory ports: it holds, and what breaks it is found. */

import { runBatch } from "@pipeline/batch";
import type { ActivityDocument } from "@pipeline/core";
import { type LiveParts, LocalParts, type PartAnswer, readEnds } from "@pipeline/protocol";
import { createApp, serve } from "@pipeline/serving";
import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { eventually, pause } from "../support/eventually.ts";
import { comment, post, SETTINGS, World } from "../layers/_world.ts";
import { Asking } from "./_answers.ts";

/** Milliseconds in which several questions are asked. */
const SOME = 600;

/** Changes the answers of folds. */
type Change = (parts: readonly PartAnswer[]) => readonly PartAnswer[];

/** Asks the API of a small world while records are produced. Returns what `end` returns. */
async function asked(change: Change, fresh = false): Promise<string> {
  const world = new World();
  const { log, store } = world.ports;
  const now = Date.now() - 600_000;
  return await world.withSpeed(async (speed) => {
    await world.commit([post("p1", now), comment("c1", now + 1), comment("c2", now + 2)]);
    await runBatch({ ...world.ports, settings: SETTINGS });
    await world.produce([post("p2", now + 3), comment("c3", now + 4)]);
    const folds = new LocalParts();
    folds.offer((request) => speed.answer(request));
    const parts: LiveParts = { ask: async (request) => change(await folds.ask(request)) };
    const app = createApp({ store, parts, ends: () => readEnds(log, 1) });
    const server = serve(app, { host: "127.0.0.1", port: 0 });
    try {
      const place = { api: `http://127.0.0.1:${server.port}`, rate: 1, log, store };
      await eventually(async () => {
        const response = await fetch(`${place.api}/v1/subreddits/sub/activity?window=1h`);
        const { items } = await response.json();
        assertEquals(
          items.reduce((sum: number, { posts }: { posts: number }) => sum + posts, 0),
          2,
        );
      });
      await using asking = await Asking.begin(place);
      await world.produce([post("p3", now + 5, { user_id: "cy" }), comment("c4", now + 6)]);
      await pause(SOME);
      if (fresh) asking.assertFresh();
      return await asking.end();
    } finally {
      await server.stop();
    }
  });
}

Deno.test("Asking.end() compares answers that change meanwhile with the fold at their vectors", async () => {
  const note = await asked((parts) => parts, true);
  assertMatch(note, /^\d+ answers, all whole, at most \d+ records behind, 100 % of parts from mem/);
});

Deno.test("Asking.end() finds a count that is not that of the vector", async () => {
  const more = (document: ActivityDocument) => ({ ...document, comments: document.comments + 1 });
  const change: Change = (parts) =>
    parts.map((part) => ({
      ...part,
      answers: part.answers.map((documents) =>
        documents.map((one) => "window_start" in one ? more(one as ActivityDocument) : one)
      ) as PartAnswer["answers"],
    }));
  await assertRejects(() => asked(change), Error, "is not exact");
});

Deno.test("Asking.assertFresh() finds answers that the copy gave", async () => {
  await assertRejects(() => asked(() => [], true), Error, "only 0 % of the parts came from memory");
});
