/**
 * Options of all connections to Kafka, from the configuration.
 *
 * @module
 */

import { PipelineError } from "@pipeline/core";
import type { Logger } from "@pipeline/runtime";
import type { ISocketFactory } from "kafkajs";
import { type ClientOptions, logLevel, type SASLOptions } from "./_kafkajs.ts";
import type { KafkaConfig, SaslConfig, TlsConfig } from "./config.ts";

/** Options of a client besides its configuration. */
export interface ClientParts {
  /** Logs the client's messages. */
  readonly logger?: Logger | undefined;
  /** Opens connections; the client's own by default. */
  readonly socketFactory?: ISocketFactory | undefined;
}

/**
 * Options of the client. Files with secrets are read here, once.
 *
 * @throws {PipelineError} `invalid` if a file cannot be read.
 */
export function clientOptions(config: KafkaConfig, parts: ClientParts = {}): ClientOptions {
  const { clientId, connectionTimeout, requestTimeout, tls, sasl } = config;
  const { logger, socketFactory } = parts;
  return {
    clientId,
    brokers: [...config.brokers],
    connectionTimeout,
    authenticationTimeout: connectionTimeout,
    requestTimeout,
    enforceRequestTimeout: true,
    // Only for finding a broker that answers; longer retries are decided elsewhere.
    retry: { initialRetryTime: 100, maxRetryTime: 500, retries: 3 },
    logLevel: logger === undefined ? logLevel.NOTHING : logLevel.WARN,
    // Everything that the client complains about is retried, or reported as an error.
    logCreator: () => ({ log: { message, ...fields }, namespace }) =>
      logger?.debug(`Kafka client: ${message}`, { namespace, error: fields.error }),
    ...(socketFactory === undefined ? {} : { socketFactory }),
    ...(tls === undefined ? {} : { ssl: tlsOptions(tls) }),
    ...(sasl === undefined ? {} : { sasl: saslOptions(sasl) }),
  };
}

function tlsOptions({ caFile, certFile, keyFile, serverName }: TlsConfig) {
  return {
    rejectUnauthorized: true,
    ...(caFile === undefined ? {} : { ca: [readFile("tls.caFile", caFile)] }),
    ...(certFile === undefined ? {} : { cert: readFile("tls.certFile", certFile) }),
    ...(keyFile === undefined ? {} : { key: readFile("tls.keyFile", keyFile) }),
    ...(serverName === undefined ? {} : { servername: serverName }),
  };
}

function saslOptions({ mechanism, username, passwordFile }: SaslConfig): SASLOptions {
  const password = readFile("sasl.passwordFile", passwordFile).replace(/\r?\n$/, "");
  return { mechanism, username, password };
}

function readFile(name: string, path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch (cause) {
    throw new PipelineError("invalid", `kafka.${name} is "${path}": it cannot be read`, { cause });
  }
}
