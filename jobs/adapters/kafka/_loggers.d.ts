import type { logCreator, logLevel } from "kafkajs";

export function createLogger(options: { level: logLevel; logCreator: logCreator }): object;
