/** The client's error of one of Kafka's numbers. */
export function createErrorFromCode(code: number): Error;
