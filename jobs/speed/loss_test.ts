import { documentId, VIEWS, ViewState } from "@pipeline/core";
import { emptyManifest } from "@pipeline/protocol/testing";
import { TestClock } from "@pipeline/runtime";
import { assert, assertEquals, assertRejects } from "@std/assert";
import fc from "fast-check";
import { Copy } from "./copy.ts";
import { Pace } from "./pace.ts";
import { PartitionFold } from "./partition_fold.ts";
import { batch, POSTS } from "./testing/fold.ts";
import { LossyShards } from "./testing/lossy_store.ts";
import { Turns } from "./turns.ts";

const PART = `${POSTS}-0`;

/** What happens, one after the other. */
type Step =
  | { readonly fold: readonly string[] }
  /** A pass, during which a view loses operations after so many writes. */
  | { readonly pass: { readonly after: number; readonly view: number; readonly share: number } }
  | { readonly lose: { readonly view: number; readonly share: number } };

/** The documents of the records below an offset, by id. */
function documentsAt(offset: number, ids: readonly string[]) {
  const manifest = emptyManifest();
  const state = new ViewState(manifest.settings, { retained: manifest.retained_from });
  for (const record of batch(0, ids.slice(0, Math.max(0, offset))).records) {
    state.admit(POSTS, record);
  }
  return new Map([...state.documents(PART)].map((body) => [documentId(body), body]));
}

/** Takes the steps; after each of them, what is below the watermark must be in the store. */
async function run(steps: readonly Step[], shards: LossyShards): Promise<number> {
  const fold = new PartitionFold(POSTS, 0, 0, emptyManifest());
  fold.assign({ stored: -1, reached: 0 });
  const copy = new Copy({
    store: shards.store,
    generation: 1,
    // Chunks of four documents.
    pace: new Pace(40, new TestClock()),
    clock: new TestClock(),
    folds: () => [fold],
  });
  const ids: string[] = [];
  const check = () => {
    const watermark = shards.watermark(PART);
    const stored = shards.documents();
    for (const [id, body] of documentsAt(watermark, ids)) {
      const found = stored.get(id);
      assert(found !== undefined, `${id} is lost, and the watermark is ${watermark}`);
      if (found.version < watermark) assertEquals(found.body, body, `${id} at ${watermark}`);
    }
    return watermark;
  };
  for (const step of steps) {
    if ("fold" in step) {
      await fold.fold(batch(fold.next, step.fold), new Turns());
      ids.push(...step.fold);
    } else if ("pass" in step) {
      const { after, view, share } = step.pass;
      let writes = 0;
      shards.onWrite = () => ++writes === after && shards.lose(VIEWS[view]!, share);
      await copy.flush();
      shards.onWrite = () => {};
    } else {
      shards.lose(VIEWS[step.lose.view]!, step.lose.share);
    }
    check();
  }
  // Nothing is lost any more: the second pass restores everything.
  for (let i = 0; i < 2; i++) await copy.flush();
  await fold.fold(batch(fold.next, ["last"]), new Turns());
  ids.push("last");
  for (let i = 0; i < 3; i++) await copy.flush();
  assertEquals(check(), ids.length);
  return ids.length;
}

const loss = {
  view: fc.nat({ max: VIEWS.length - 1 }),
  share: fc.double({ min: 0, max: 1, noNaN: true }),
};
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    fc.record({ fold: fc.array(fc.constantFrom(..."abcdefgh"), { minLength: 1, maxLength: 6 }) }),
    fc.record({ pass: fc.record({ after: fc.nat({ max: 8 }), ...loss }) }),
    fc.record({ lose: fc.record(loss) }),
  ),
  { maxLength: 12 },
);

Deno.test("Copy never leaves a watermark above documents that the store has lost", () =>
  fc.assert(fc.asyncProperty(steps, async (steps) => void await run(steps, new LossyShards()))));

Deno.test("the law finds a store that does not report what it loses", async () => {
  const steps: Step[] = [
    { fold: ["a", "b"] },
    { pass: { after: 0, view: 0, share: 1 } },
    { fold: ["c"] },
    { pass: { after: 3, view: 2, share: 0.6 } },
  ];
  await run(steps, new LossyShards());
  await assertRejects(
    () => run(steps, new LossyShards(false)),
    Error,
    "|total|ann at 3",
  );
});
