/** Creates the client's error for one of Kafka's error codes. */
export function createErrorFromCode(code: number): Error;
