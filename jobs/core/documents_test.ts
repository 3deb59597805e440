import { assertEquals } from "@std/assert";
import { viewAlias, type ViewDocument, viewIndex, viewOf, VIEWS } from "./documents.ts";

Deno.test("viewOf() puts each document into one view, whose alias and indices carry its name", () => {
  const types = ["post", "cut", "subreddit", "activity", "user_window", "user_total"] as const;
  assertEquals(types.map((type) => viewOf({ type } as ViewDocument)), [
    "top_posts",
    "top_posts",
    "subreddit_activity",
    "subreddit_activity",
    "user_activity",
    "user_activity",
  ]);
  assertEquals(VIEWS.map(viewAlias), [
    "views_top_posts_v1",
    "views_subreddit_activity_v1",
    "views_user_activity_v1",
  ]);
  assertEquals(viewIndex("top_posts", 42), "views_top_posts_v1-000042");
});
