/**
 * The serving store on Elasticsearch, using its official client.
 *
 * @module
 */

export {
  type ElasticsearchConfig,
  elasticsearchConfig,
  type ElasticsearchInput,
} from "./config.ts";
export { type ElasticsearchOptions } from "./client.ts";
export { ElasticsearchStore, openElasticsearch } from "./store.ts";
