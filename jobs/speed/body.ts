/**
 * The body of a request, up to a size and for a time.
 *
 * @module
 */

/** What is allowed of a body. */
export interface BodyBounds {
  /** Most bytes. */
  readonly bytes: number;
  /** Longest time in milliseconds until all of it has arrived. */
  readonly within: number;
}

/**
 * Reads a body; returns the status of a refusal if it is too large or too late, and then reads no
 * more of it.
 */
export async function readBody(
  request: Request,
  { bytes, within }: BodyBounds,
): Promise<Uint8Array | 408 | 413> {
  if (Number(request.headers.get("content-length") ?? 0) > bytes) {
    await request.body?.cancel();
    return 413;
  }
  const reader = request.body?.getReader();
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    // A read that waits ends with this.
    reader?.cancel().catch(() => {});
  }, within);
  try {
    const chunks: Uint8Array[] = [];
    let length = 0;
    for (let read = await reader?.read(); read?.done === false; read = await reader?.read()) {
      length += read.value.length;
      if (length > bytes) {
        await reader?.cancel();
        return 413;
      }
      chunks.push(read.value);
    }
    return late ? 408 : concatenated(chunks, length);
  } finally {
    clearTimeout(timer);
  }
}

function concatenated(chunks: readonly Uint8Array[], length: number): Uint8Array {
  const body = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    body.set(chunk, at);
    at += chunk.length;
  }
  return body;
}
