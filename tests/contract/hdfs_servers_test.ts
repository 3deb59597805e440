import { openHdfs } from "@pipeline/adapters/hdfs";
import { sharedServers } from "../servers/mod.ts";
import { masterDatasetSuite } from "./master_dataset_suite.ts";

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
