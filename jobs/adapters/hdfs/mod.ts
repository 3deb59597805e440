/**
 * The master dataset on HDFS, over WebHDFS.
 *
 * @module
 */

export { type HdfsConfig, hdfsConfig, type HdfsInput } from "./config.ts";
export { HdfsDataset, type HdfsOptions, openHdfs } from "./dataset.ts";
