import { assertEquals } from "@std/assert";
import { openHdfs } from "@pipeline/adapters/hdfs";
import { sharedServers } from "@pipeline/tools/servers";
import { masterDatasetSuite } from "./master_dataset_suite.ts";
import { eventually } from "./suite.ts";

const servers = await sharedServers();
const namenodes = servers.namenodes.map(({ endpoint }) => `http://${endpoint}`);

for (const root of ["/", "/below/a root"]) {
  masterDatasetSuite(`HDFS at ${root}`, () => {
    const dataset = openHdfs({ namenodes, root });
    const folder = `/contract-${crypto.randomUUID()}`;
    return Promise.resolve({
      port: dataset,
      folder,
      async cleanup() {
        const other = openHdfs({ namenodes, root });
        await other.remove(folder);
        await Promise.all([other.close(), dataset.close()]);
      },
    });
  });
}

for (const replication of [1, 3]) {
  Deno.test(`copies() on HDFS counts the DataNodes that have a file: ${replication}`, async () => {
    const dataset = openHdfs({ namenodes, root: "/", replication });
    const path = `/contract-${crypto.randomUUID()}`;
    await dataset.write(path, new Uint8Array(1_000));
    // The NameNode hears of each copy by itself, shortly after the first.
    await eventually(async () => assertEquals(await dataset.copies(path), replication), 20_000);
    await dataset.remove(path);
    await dataset.close();
  });
}
