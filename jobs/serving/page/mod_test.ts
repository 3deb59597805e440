import { assert, assertEquals } from "@std/assert";
import { loadAssets } from "./mod.ts";

Deno.test("loadAssets() has the page, its resources, and nothing from elsewhere", async () => {
  const assets = await loadAssets();
  const text = (path: string) => new TextDecoder().decode(assets.get(path)!.body);
  assertEquals(assets.get("/")?.type, "text/html; charset=utf-8");
  const html = text("/");
  for (const [, path] of html.matchAll(/(?:src|href)="(\/page\/[^"]+)"/g)) {
    assert(assets.has(path!), path);
  }
  assert(!/(src|href)="(https?:)?\/\//.test(html));
  assert(!/<script>|style="|\son\w+="/.test(html), "the policy allows nothing inline");
  for (const path of assets.keys()) {
    if (!path.endsWith(".js")) continue;
    for (const [, name] of text(path).matchAll(/^import .* from "\.\/([^"]+)"/gm)) {
      assert(assets.has(`/page/${name}`), `${path} imports ${name}`);
    }
  }
});

Deno.test("loadAssets() gives each file a tag of its content", async () => {
  const [first, second] = [await loadAssets(), await loadAssets()];
  assertEquals(first.get("/page/app.js")?.etag, second.get("/page/app.js")?.etag);
  assertEquals(new Set([...first.values()].map(({ etag }) => etag)).size, first.size);
  assert(/^"[0-9a-f]{32}"$/.test(first.get("/")!.etag));
});
