import { assert, assertEquals, assertRejects } from "@std/assert";
import { PipelineError, type Post } from "@pipeline/core";
import { showsPost } from "./serving_api.ts";

const post = { subreddit: "a b", post_id: "p1", score: 1, created_utc: 1_000 } as Post;

const sent = { post, partition: 1, offset: 7 };

const item = (post_id: string, score = 1) => ({
  post_id,
  score,
  created_utc: new Date(500).toISOString(),
});

const provenance = (...missing: string[]) => ({
  horizon: { "reddit.posts": [5, 5], "reddit.comments": [5, 5] },
  missing,
});

async function serving(answer: () => Response, test: (url: string) => Promise<void>) {
  const asked: string[] = [];
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, (request) => {
    asked.push(decodeURIComponent(new URL(request.url).href.replace(/^http:..[^/]*/, "")));
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
  const items = [item("p0"), item("p1")];
  const answer = () => Response.json({ items, exact: true, provenance: provenance("log") });
  const asked = await serving(answer, async (url) => {
    assert(await showsPost(url)(sent));
    assert(!await showsPost(url)({ ...sent, post: { ...post, post_id: "p2" } }));
  });
  assertEquals(asked[0], "/v1/subreddits/a b/top?k=100");
});

Deno.test("showsPost() asks for the post's offset, and rejects an answer that only claims to include it", async () => {
  let answer: unknown = { items: [item("p0")], exact: true, provenance: provenance() };
  let status = 200;
  const asked = await serving(() => Response.json(answer, { status }), async (url) => {
    const shows = showsPost(url);
    // The number of partitions is not known before the first answer.
    assert(!await shows(sent));
    const error = await assertRejects(() => shows(sent), PipelineError);
    assertEquals(error.code, "corrupt");
    assertEquals(
      error.message,
      "An answer of the API should include reddit.posts-1 up to offset 7 by its provenance, but " +
        "lacks the post p1",
    );
    for (
      const more of [
        { provenance: provenance("reddit.posts-1") },
        { provenance: provenance("speed") },
        { provenance: provenance("store") },
        { exact: false },
        { items: Array.from({ length: 100 }, (_, i) => item(`q${i}`, 2)) },
      ]
    ) {
      const before = answer;
      answer = { ...before as object, ...more };
      assert(!await shows(sent), JSON.stringify(more));
      answer = before;
    }
    status = 404;
    answer = { title: "No record contains it", provenance: provenance("reddit.posts-0") };
    await assertRejects(() => shows(sent), PipelineError, "lacks the post p1");
    answer = { items: [item("p1")], exact: true, provenance: provenance("reddit.posts-1") };
    assert(await shows(sent));
  });
  assertEquals(asked[1], '/v1/subreddits/a b/top?k=100&at_least={"reddit.posts":[null,8]}');
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
      assert(!await showsPost(url)(sent));
    });
  }
  assert(!await showsPost(gone)(sent));
});
