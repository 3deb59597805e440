import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { Entity, OffsetVector } from "@pipeline/core";
import type { MemoryStore } from "@pipeline/adapters/testing";
import { writeLatencies } from "@pipeline/protocol";
import { createApp, loadAssets, serve } from "@pipeline/serving";
import {
  buildStore,
  comment,
  ends,
  foldSpeed,
  type Layers,
  post,
  user,
  type WorldOptions,
} from "@pipeline/serving/testing";
import type { Browser, Page } from "playwright-core";
import { launchBrowser } from "../support/browser.ts";
import { inkedPixels, pageWidth, unreadableTexts } from "../support/in_page.js";

const MINUTE = 60_000;
const HOSTILE = '<img src=x onerror="document.title=1">';

/** An hour of posts and comments up to now, in a few subreddits of which one is hostile. */
function hour(now: number): Layers {
  const names = ["AskHistorians", "denoland", "typescript", HOSTILE, "dataengineering", "cats"];
  const records: Entity[] = [];
  for (let i = 0; i < 1200; i++) {
    const subreddit = names[Math.floor(names.length * ((i * 7919 % 1000) / 1000) ** 2)]!;
    const created_utc = now - Math.floor(59 * MINUTE * (1 - i / 1200));
    const common = { subreddit, user_id: `u_${i * 31 % 97}`, created_utc };
    const title = `Title ${i} <b>of</b> a post that says something & more`;
    const score = i * 37 % 1001;
    records.push(post({ ...common, post_id: `t3_${i}`, title, score }));
    if (i % 2 === 0) {
      records.push(comment({ ...common, post_id: `t3_${i}`, comment_id: `t1_${i}` }));
    }
  }
  records.push(
    user({ user_id: "u_1", karma: 4321, created_utc: now - 59 * MINUTE, timestamp: now }),
  );
  return { batch: records.slice(0, 1500), speed: records.slice(1500) };
}

const LATENCIES = [[20, 98], [90, 2]] as const;

const told = () => ({ topic: "reddit.posts", partition: 0, at: Date.now() }) as const;

interface Served {
  readonly url: string;
  readonly store: MemoryStore;
  readonly layers: Layers;
  /** The server, gone and back again on the same port. */
  stop(): Promise<void>;
  start(): void;
}

async function serveWorld(
  options: WorldOptions & {
    /** Milliseconds and how often, as speed keeps them with the store. */
    readonly latencies?: readonly (readonly [number, number])[];
    readonly lag?: number;
  } = {},
): Promise<Served> {
  const layers = hour(Date.now());
  const store = await buildStore(layers, options);
  const { latencies: counts } = options;
  if (counts !== undefined) await writeLatencies(store, [{ ...told(), counts }]);
  const end = ends([...layers.batch ?? [], ...layers.speed ?? []]);
  const beyond: OffsetVector = {
    ...end,
    "reddit.posts": end["reddit.posts"].map((offset) => offset + (options.lag ?? 0)),
  };
  const assets = await loadAssets();
  const listen = (port: number) => {
    const app = createApp({ store, assets, ends: () => Promise.resolve(beyond) });
    return serve(app, { host: "127.0.0.1", port });
  };
  let server = listen(0);
  const { port } = server;
  return {
    url: `http://127.0.0.1:${port}/`,
    store,
    layers,
    stop: () => server.stop(),
    start: () => void (server = listen(port)),
  };
}

/** Opens the page and collects whatever the browser complains of. */
async function open(
  browser: Browser,
  url: string,
  options: Parameters<Browser["newPage"]>[0] = {},
) {
  const page = await browser.newPage(options);
  const complaints: string[] = [];
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
  await page.goto(url);
  return { page, complaints };
}

const isLive = (page: Page) => page.locator("#connection", { hasText: "live" }).waitFor();

Deno.test("the page shows what is served, draws it and looks things up", async () => {
  const served = await serveWorld({ latencies: LATENCIES, lag: 5 });
  const browser = await launchBrowser();
  try {
    const { page, complaints } = await open(browser, served.url);
    await isLive(page);
    assertEquals(await page.locator("#generation").innerText(), "generation 1");
    assertEquals(await page.locator("#banner").isHidden(), true);
    assertEquals(await page.locator("#tile-latency").innerText(), "20 / 90");
    assertEquals(await page.locator("#tile-lag").innerText(), "15");
    for (const chart of ["chart-posts", "chart-users", "chart-rates", "chart-latency"]) {
      await page.waitForTimeout(chart === "chart-rates" ? 2500 : 0);
      assert(
        await page.locator(`#${chart} canvas`).evaluate(inkedPixels) > 50,
        `${chart} is empty`,
      );
      const label = await page.locator(`#${chart}`).getAttribute("aria-label");
      assertStringIncludes(label ?? "", "latest: ");
    }
    assertEquals(await page.locator("#horizon .partition").count(), 9);
    assert(await page.locator("#top li").count() >= 5);

    await page.locator("input[name=name]").fill("DenoLand");
    await page.getByRole("button", { name: "Look up" }).click();
    await page.locator("#result h3", { hasText: "r/denoland" }).waitFor();
    assertEquals(await page.locator("#result .scroll tbody tr").count(), 10);
    assertStringIncludes(await page.locator("#result .quiet").first().innerText(), "proved");
    assertStringIncludes(await page.locator("#result td.text").first().innerText(), "<b>of</b>");

    await page.locator("select[name=kind]").selectOption("user");
    await page.locator("input[name=name]").fill("u_1");
    await page.keyboard.press("Enter");
    await page.locator("#result h3", { hasText: "u/u_1" }).waitFor();
    assertStringIncludes(await page.locator("#result").innerText(), "4,321");
    assertEquals(new URL(page.url()).hash, "#user/u_1");
    assertEquals(complaints, []);

    // Nobody's name is an answer, not a failure.
    await page.locator("input[name=name]").fill("u_none");
    await page.keyboard.press("Enter");
    await page.locator("#result .quiet", { hasText: 'names a user "u_none"' }).waitFor();
    assertEquals(await page.locator("#result .banner").count(), 0);
  } finally {
    await browser.close();
    await served.stop();
  }
});

Deno.test("the page treats names as text, follows the stream and reports what is missing", async () => {
  const unfolded = ["reddit.posts-1"];
  const served = await serveWorld({ unfolded });
  const browser = await launchBrowser();
  try {
    const { page, complaints } = await open(browser, served.url);
    await isLive(page);
    const banner = "Partial data: the speed layer has not begun with reddit.posts-1.";
    assertEquals(await page.locator("#banner").innerText(), banner);

    await page.locator("#top a", { hasText: HOSTILE }).click();
    await page.locator("#result h3", { hasText: HOSTILE }).waitFor();
    assertEquals(await page.locator("#top img, #result img").count(), 0);
    assertEquals(await page.title(), "Reddit pipeline");

    const { batch = [], speed = [] } = served.layers;
    const more = post({
      post_id: "fresh",
      subreddit: HOSTILE,
      score: 9999,
      created_utc: Date.now(),
    });
    await foldSpeed(served.store, { batch, speed: [...speed, more] });
    await page.locator("#banner").waitFor({ state: "hidden" });
    await page.locator("#result td", { hasText: "9,999" }).waitFor();
    assertEquals(complaints, []);
  } finally {
    await browser.close();
    await served.stop();
  }
});

Deno.test("the page shows the latency that speed keeps with the store, and of what it is", async () => {
  const served = await serveWorld();
  const browser = await launchBrowser();
  try {
    const { page, complaints } = await open(browser, served.url);
    await isLive(page);
    await page.locator("#no-latency", { hasText: "Nothing was measured" }).waitFor();
    assertEquals(await page.locator("#tile-latency").innerText(), "–");
    await writeLatencies(served.store, [{ ...told(), counts: [[210, 98], [840, 2]] }]);
    await page.locator("#tile-latency", { hasText: "210 / 840" }).waitFor();
    await page.locator("h2 small", { hasText: "oldest record of each flush" }).waitFor();
    assertEquals(await page.locator("#no-latency").isHidden(), true);
    assertEquals(complaints, []);
  } finally {
    await browser.close();
    await served.stop();
  }
});

Deno.test("the page reports a lost connection, and reconnects by itself", async () => {
  const served = await serveWorld();
  const browser = await launchBrowser();
  try {
    const { page } = await open(browser, served.url);
    await isLive(page);
    await served.stop();
    await page.locator("#connection", { hasText: "reconnecting" }).waitFor();
    served.start();
    await isLive(page);
  } finally {
    await browser.close();
    await served.stop();
  }
});

Deno.test("the page fits a phone and both colour schemes, and is readable in them", async () => {
  const served = await serveWorld({ latencies: LATENCIES });
  const browser = await launchBrowser();
  try {
    for (const colorScheme of ["light", "dark"] as const) {
      for (const width of [360, 1280]) {
        const size = { viewport: { width, height: 800 }, colorScheme };
        const { page, complaints } = await open(browser, `${served.url}#subreddit/denoland`, size);
        await isLive(page);
        await page.locator("#result .scroll tbody tr").first().waitFor();
        const scroll = await page.evaluate(pageWidth);
        assert(scroll <= width, `${scroll} pixels wide in a window of ${width}`);
        assertEquals(await page.evaluate(unreadableTexts), [], `${colorScheme}, ${width} pixels`);
        assertEquals(complaints, []);
        await page.close();
      }
    }
  } finally {
    await browser.close();
    await served.stop();
  }
});
