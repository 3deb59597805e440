import type { ISocketFactory } from "kafkajs";

export default function socketFactory(): ISocketFactory;
