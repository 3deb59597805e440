/**
 * What tests do to Elasticsearch behind the adapter's back.
 *
 * @module
 */

/** Sends a request and returns the answer's JSON; throws where the server refuses. */
export async function ask(
  node: string,
  method: "GET" | "PUT" | "POST" | "DELETE",
  path: string,
  body?: unknown,
): Promise<unknown> {
  const response = await fetch(`${node}${path}`, {
    method,
    signal: AbortSignal.timeout(30_000),
    ...(body === undefined ? {} : {
      body: JSON.stringify(body),
      headers: { "content-type": "application/json" },
    }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
  return JSON.parse(text);
}

/** Removes all indices and templates whose names begin with a prefix, which must not be empty. */
export async function removeAll(node: string, prefix: string): Promise<void> {
  if (prefix === "") throw new TypeError("A prefix must be given");
  const indices = await ask(node, "GET", `/_cat/indices/${prefix}*?format=json&h=index`);
  const names = (indices as { readonly index: string }[]).map(({ index }) => index);
  if (names.length > 0) await ask(node, "DELETE", `/${names.join(",")}`);
  const found = await ask(node, "GET", `/_index_template/${prefix}*`).catch(() => ({}));
  const { index_templates = [] } = found as { index_templates?: { readonly name: string }[] };
  for (const { name } of index_templates) await ask(node, "DELETE", `/_index_template/${name}`);
}
