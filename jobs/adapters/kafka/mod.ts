/**
 * The log on Kafka, using kafkajs.
 *
 * @module
 */

export {
  type KafkaConfig,
  kafkaConfig,
  type KafkaInput,
  type SaslConfig,
  type TlsConfig,
} from "./config.ts";
export { KafkaLog, type KafkaOptions, openKafka } from "./log.ts";
