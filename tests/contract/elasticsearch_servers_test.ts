import { openElasticsearch } from "@pipeline/adapters/elasticsearch";
import { sharedServers } from "@pipeline/tools/servers";
import { removeAll } from "../support/elasticsearch.ts";
import { servingStoreSuite } from "./serving_store_suite.ts";

const servers = await sharedServers();
const nodes = servers.elasticsearch.map(({ endpoint }) => `http://${endpoint}`);

servingStoreSuite("Elasticsearch", () => {
  const prefix = `contract-${crypto.randomUUID().slice(0, 8)}-`;
  const store = openElasticsearch({ nodes, prefix, replicas: 1, loadRefreshInterval: 200 });
  return Promise.resolve({
    port: store,
    async cleanup() {
      await store.close();
      await removeAll(nodes[0]!, prefix);
    },
  });
}, { clean: false });
