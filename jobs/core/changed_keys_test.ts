import { assert, assertEquals } from "@std/assert";
import { documentId } from "./document_keys.ts";
import { type ViewDocument, VIEWS } from "./documents.ts";
import type { Post } from "./records.ts";
import { DEFAULT_SETTINGS, ViewState } from "./views.ts";

const T = Date.UTC(2026, 0, 31, 12, 30, 30);

const post = (id: string, more: Partial<Post> = {}): Post => ({
  kind: "post",
  post_id: id,
  user_id: `u${id}`,
  subreddit: `s${id}`,
  title: "",
  content: "",
  score: 1,
  num_comments: 0,
  created_utc: T,
  timestamp: T,
  ...more,
});

function state(ids: readonly string[]): ViewState {
  const state = new ViewState(DEFAULT_SETTINGS, { track: true });
  for (const id of ids) state.add(post(id));
  return state;
}

const ids = (documents: readonly ViewDocument[]) => documents.map(documentId).sort();

Deno.test("ViewState.changed() gives each changed key once, a few at a time, as takeChanged() does", () => {
  const names = ["a", "b", "c"];
  const changed = state(names).changed("x");
  const taken: ViewDocument[] = [];
  for (const view of VIEWS) {
    while (changed.left(view) > 0) {
      const some = changed.take(view, 2);
      assert(some.length <= 2);
      taken.push(...some);
    }
  }
  assertEquals(ids(taken), ids(state(names).takeChanged("x")));
});

Deno.test("ViewState.changed() leaves later changes to the next call, but shows them in what is taken", () => {
  const folded = state(["a", "b"]);
  const changed = folded.changed("x");
  assertEquals(changed.take("top_posts", 1).map((d) => d.type === "post" && d.post_id), ["a"]);
  folded.add(post("a", { score: 2, timestamp: T + 1 }));
  folded.add(post("b", { score: 2, timestamp: T + 1 }));
  folded.add(post("c"));
  assertEquals(changed.left("top_posts"), 1);
  const [b, ...others] = changed.take("top_posts", 10);
  assert(b?.type === "post");
  assertEquals([b.post_id, b.score, others], ["b", 2, []]);
  // The rest, and what changed again after it was taken, is not lost.
  assertEquals(folded.changed("x").take("top_posts", 10).length, 2);
});

Deno.test("ViewState.changed() loses nothing where only some of the keys were taken", () => {
  const folded = state(["a", "b", "c"]);
  const all = ids(state(["a", "b", "c"]).takeChanged("x"));
  const first = folded.changed("x").take("subreddit_activity", 4);
  assertEquals(ids([...first, ...folded.takeChanged("x")]), all);
});

Deno.test("ViewState.touchAll() gives all documents again, and those alone", () => {
  const folded = state(["a", "b"]);
  folded.add({
    kind: "user",
    user_id: "uc",
    username: "c",
    karma: 1,
    created_utc: T,
    timestamp: T,
  });
  const taken = [...folded.takeChanged("x")];
  assertEquals([...folded.takeChanged("x")], []);
  folded.touchAll();
  assertEquals(ids([...folded.takeChanged("x")]), ids(taken));
  assertEquals(ids(taken), ids([...folded.documents("x")]));
  folded.track = false;
  folded.touchAll();
  assertEquals([...folded.takeChanged("x")], []);
});
