import { assert, assertEquals } from "@std/assert";
import type { Post } from "@pipeline/core";
import { showsPost } from "./serving_api.ts";

const post = { subreddit: "a b", post_id: "p1" } as Post;

async function serving(answer: () => Response, test: (url: string) => Promise<void>) {
  const asked: string[] = [];
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, (request) => {
    asked.push(new URL(request.url).pathname);
    return answer();
  });
  try {
    await test(`http://127.0.0.1:${server.addr.port}`);
  } finally {
    await server.shutdown();
  }
  return asked;
}

Deno.test("showsPost() finds a post among the best of its subreddit", async () => {
  const items = [{ post_id: "p0" }, { post_id: "p1" }];
  const asked = await serving(() => Response.json({ items }), async (url) => {
    assert(await showsPost(url)(post));
    assert(!await showsPost(url)({ ...post, post_id: "p2" }));
  });
  assertEquals(asked[0], "/v1/subreddits/a%20b/top");
});

Deno.test("showsPost() shows nothing while the API has none, refuses or is away", async () => {
  let gone = "";
  for (
    const answer of [
      () => Response.json({ title: "There is no generation" }, { status: 503 }),
      () => Response.json({ title: "No record names the subreddit" }, { status: 404 }),
      () => new Response("no JSON"),
    ]
  ) {
    await serving(answer, async (url) => {
      gone = url;
      assert(!await showsPost(url)(post));
    });
  }
  assert(!await showsPost(gone)(post));
});
