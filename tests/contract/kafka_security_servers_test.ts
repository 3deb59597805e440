/**
 * Encrypted and authenticated connections to Kafka: a real broker that asks for SCRAM, behind a proxy that
 * speaks TLS.
 */

import { type KafkaInput, openKafka } from "@pipeline/adapters/kafka";
import { kafkaTool, startServers } from "@pipeline/tools/servers";
import { assert, assertEquals } from "@std/assert";
import { Authority } from "../support/certificates.ts";
import { BrokerProxies } from "../support/tcp_proxy.ts";
import { assertCode } from "./suite.ts";

const USER = "pipeline";
const PASSWORD = "a secret, with 'quotes' and spaces";
const MECHANISMS = ["scram-sha-256", "scram-sha-512"] as const;

/** Lines of the broker's properties: its listener for proxies asks who is there. */
const SCRAM: Record<string, string> = {
  "listener.security.protocol.map":
    "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,PROXIED:SASL_PLAINTEXT",
  "sasl.enabled.mechanisms": "SCRAM-SHA-256,SCRAM-SHA-512",
};
for (const mechanism of MECHANISMS) {
  SCRAM[`listener.name.proxied.${mechanism}.sasl.jaas.config`] =
    "org.apache.kafka.common.security.scram.ScramLoginModule required;";
}

Deno.test({
  name: "Kafka: TLS and SCRAM",
  // The client leaves timers behind.
  sanitizeOps: false,
  sanitizeResources: false,
  async fn(t) {
    await using servers = await startServers({
      kafka: 1,
      datanodes: 0,
      elasticsearch: 0,
      overrides: { kafka: SCRAM },
    });
    const [broker] = servers.kafka;
    for (const mechanism of MECHANISMS) {
      await kafkaTool("kafka.admin.ConfigCommand", [
        ...["--bootstrap-server", broker!.endpoint, "--alter"],
        ...["--entity-type", "users", "--entity-name", USER],
        ...["--add-config", `${mechanism.toUpperCase()}=[password=${PASSWORD}]`],
      ]);
    }
    const folder = await Deno.makeTempDir();
    const file = async (name: string, text: string) => {
      await Deno.writeTextFile(`${folder}/${name}`, text);
      return `${folder}/${name}`;
    };
    const authority = await Authority.create();
    await using proxies = new BrokerProxies(
      [broker!.proxied!],
      await authority.sign({ type: "ip", value: "127.0.0.1" }),
    );
    const caFile = await file("ca.pem", authority.cert);
    const passwordFile = await file("password", `${PASSWORD}\n`);
    const config = (over: Partial<KafkaInput> = {}): KafkaInput => ({
      brokers: proxies.brokers,
      replication: 1,
      minInsyncReplicas: 1,
      tls: { caFile },
      sasl: { mechanism: "scram-sha-512", username: USER, passwordFile },
      ...over,
    });
    try {
      for (const mechanism of MECHANISMS) {
        await t.step(`${mechanism}: makes topics, appends and reads`, async () => {
          const sasl = { mechanism, username: USER, passwordFile };
          const log = openKafka(config({ sasl }));
          const topic = `of-${mechanism}`;
          await log.ensureTopics([{ topic, partitions: 1 }]);
          const producer = await log.producer();
          const value = new TextEncoder().encode("hello");
          await producer.send([{ topic, key: "k", value }]);
          const batches = await Array.fromAsync(log.read(topic, 0, 0, 1));
          assertEquals(batches.flatMap(({ records }) => records.map((r) => r.value)), [value]);
          await log.close();
        });
      }
      await t.step("a wrong password is refused, and told without it", async () => {
        const wrong = await file("wrong", "not-the-password");
        const log = openKafka(
          config({ sasl: { mechanism: "scram-sha-512", username: USER, passwordFile: wrong } }),
        );
        const error = await assertCode(() => log.ranges("x"), "invalid");
        assert(!Deno.inspect(error, { depth: 20 }).includes("not-the-password"));
        await log.close();
      });
      await t.step("nobody is let in without a password", async () => {
        const log = openKafka(config({ sasl: undefined }));
        await assertCode(() => log.ranges("x"), "unavailable", "invalid");
        await log.close();
      });
      await t.step("an authority other than the named one is refused", async () => {
        const other = await file("other.pem", (await Authority.create()).cert);
        const log = openKafka(config({ tls: { caFile: other } }));
        await assertCode(() => log.ranges("x"), "unavailable", "invalid");
        await log.close();
      });
      await t.step("an authority that nobody named is refused", async () => {
        const log = openKafka(config({ tls: {} }));
        await assertCode(() => log.ranges("x"), "unavailable", "invalid");
        await log.close();
      });
      await t.step("a certificate for another name is refused", async () => {
        const log = openKafka(config({ tls: { caFile, serverName: "elsewhere.example" } }));
        await assertCode(() => log.ranges("x"), "unavailable", "invalid");
        await log.close();
      });
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});
