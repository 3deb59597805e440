/// <reference lib="deno.worker" />
/** A second thread that writes to a store, for `store_test.ts`. */

import { documentId, type StoredDocument } from "@pipeline/core";
import { EmbeddedStore } from "./mod.ts";

self.onmessage = async ({ data: { folder, number, rounds } }: MessageEvent) => {
  try {
    const store = new EmbeddedStore(folder);
    for (let version = 1; version <= rounds; version++) {
      const documents = [...Array(600).keys()].map((i): StoredDocument => {
        const body = {
          type: "user_window",
          part: `reddit.posts-${number}`,
          user_id: `user ${i}`,
          window: "1d",
          window_start: 0,
          posts: version,
          comments: 0,
        } as const;
        return { id: documentId(body), version, body };
      });
      await store.write(1, "user_activity", documents);
    }
    await store.close();
    self.postMessage("done");
  } catch (error) {
    self.postMessage(String(error));
  }
};

// Messages that arrive while modules still load are lost: the other side waits for this one.
self.postMessage("ready");
