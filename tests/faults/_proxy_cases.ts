/**
 * Answers that are lost, cut short or refused between a job and its server.
 *
 * @module
 */

import { assert } from "@std/assert";
import { type Asked, HttpProxy, type Interference } from "../support/http_proxy.ts";
import { BrokerProxies, PRODUCE } from "../support/tcp_proxy.ts";
import type { FaultCase, Scene } from "./_case.ts";
import type { JobName } from "./_stage.ts";

/** Seconds for which faults come. */
const LENGTH = 20;

/** In the order of their numbers. */
export const PROXY_CASES: readonly FaultCase[] = [
  {
    numbers: [4],
    title: "answers to appends are lost, and connections to brokers cut",
    async run({ stage, act, recovered, wait, note }) {
      await using proxies = new BrokerProxies(stage.servers.kafka.map((node) => node.proxied!));
      let cut = 0;
      try {
        await stage.replace("generator", { endpoints: { brokers: proxies.brokers } });
        await recovered();
        await act("an answer lost a second, all connections cut every fifth", async () => {
          for (let second = 1; second <= LENGTH; second++) {
            proxies.loseAnswers(PRODUCE);
            if (second % 5 === 0) cut += proxies.cut();
            await wait(1);
          }
        });
        await recovered();
      } finally {
        await stage.replace("generator", {});
      }
      assert(proxies.lost > 0, "no answer was lost");
      note(`${proxies.lost} answers lost, ${cut} connections cut`);
    },
  },
  {
    numbers: [21, 22, 23],
    title: "uploads are refused, and answers to uploads and renames lost",
    async run(scene) {
      const { stage } = scene;
      const kinds: readonly ((asked: Asked) => Interference | undefined)[] = [
        (asked) => asked.path.startsWith("/via/") ? { answer: { status: 503 } } : undefined,
        (asked) => asked.path.startsWith("/via/") ? { answer: { status: 504 } } : undefined,
        (asked) => asked.path.startsWith("/via/") ? { lose: true } : undefined,
        (asked) => asked.path.includes("RENAME") ? { lose: true } : undefined,
      ];
      await using proxy = await HttpProxy.open({ target: stage.servers.namenodes[0]!.endpoint });
      await interfered(scene, "ingest", {
        endpoints: { namenodes: [proxy.url] },
        proxies: [proxy],
        every: 5,
        kinds,
      });
    },
  },
  {
    numbers: [28, 29, 30],
    title: "bulk requests are refused, and their answers lost or cut short",
    async run(scene) {
      const { stage } = scene;
      const isBulk = ({ path }: Asked) => path.includes("/_bulk");
      const kinds: readonly ((asked: Asked) => Interference | undefined)[] = [
        (asked) => isBulk(asked) ? { lose: true } : undefined,
        (asked) => isBulk(asked) ? { answer: { status: 429, body: {} } } : undefined,
        (asked) => isBulk(asked) ? { cut: 40 } : undefined,
        (asked) => isBulk(asked) ? { answer: { status: 503, body: {} } } : undefined,
      ];
      const nodes = stage.servers.elasticsearch;
      const proxies = await Promise.all(
        nodes.map(({ endpoint }) => HttpProxy.open({ target: endpoint })),
      );
      try {
        await interfered(scene, "speed", {
          endpoints: { elasticsearch: proxies.map(({ url }) => url) },
          proxies,
          every: 4,
          kinds,
        });
      } finally {
        for (const proxy of proxies) await proxy[Symbol.asyncDispose]();
      }
    },
  },
];

interface Interfering {
  readonly endpoints: NonNullable<Parameters<Scene["stage"]["replace"]>[1]["endpoints"]>;
  readonly proxies: readonly HttpProxy[];
  /** One in so many of what can be interfered with is. */
  readonly every: number;
  /** What is done, in turns. */
  readonly kinds: readonly ((asked: Asked) => Interference | undefined)[];
}

/** Runs a job through proxies, lets them do their worst for a while, and sets it back. */
async function interfered(scene: Scene, job: JobName, options: Interfering): Promise<void> {
  const { stage, act, recovered, wait, note } = scene;
  const { endpoints, proxies, every, kinds } = options;
  let seen = 0;
  let done = 0;
  const interfere = (asked: Asked) => {
    const kind = kinds[done % kinds.length]!;
    const found = kind(asked);
    if (found === undefined || ++seen % every !== 0) return undefined;
    done++;
    return found;
  };
  try {
    await stage.replace(job, { endpoints });
    await recovered();
    await act(`one in ${every} for ${LENGTH} s`, async () => {
      for (const proxy of proxies) proxy.interfere = interfere;
      await wait(LENGTH);
      for (const proxy of proxies) proxy.interfere = undefined;
    });
    await recovered();
  } finally {
    await stage.replace(job, {});
  }
  assert(done >= kinds.length, `only ${done} were interfered with`);
  note(`${done} of ${seen}`);
}
