import { assertEquals } from "@std/assert";
import { partsConfig, partsConfigWith } from "./config.ts";

Deno.test("partsConfig has a default for everything", () => {
  assertEquals(partsConfig.parse({}), {
    urls: ["http://localhost:8090"],
    timeout: 150,
    resolveInterval: 1_000,
    maxSources: 64,
  });
});

Deno.test("partsConfigWith has the defaults of a job, each on its own", () => {
  const config = partsConfigWith({ urls: [], without: "Without any, nothing.", timeout: "5s" });
  assertEquals(config.parse({}), { ...partsConfig.parse({}), urls: [], timeout: 5_000 });
  assertEquals(config.parse({ timeout: 10 }), { ...partsConfig.parse({}), urls: [], timeout: 10 });
  const urls = ["http://speed:8090"];
  assertEquals(config.parse({ urls }), { ...partsConfig.parse({}), urls, timeout: 5_000 });
});

Deno.test("partsConfig accepts origins, and none at all", () => {
  for (const urls of [[], ["http://speed"], ["http://speed.ns:1/", "http://[::1]:8090"]]) {
    assertEquals(partsConfig.parse({ urls }).urls, urls);
  }
  const refused = [
    "speed:8090",
    "https://speed",
    "http://a@speed",
    "http://speed/v1",
    "http://speed?",
    "",
  ];
  for (const url of refused) {
    assertEquals(partsConfig.safeParse({ urls: [url] }).success, false, url);
  }
});
