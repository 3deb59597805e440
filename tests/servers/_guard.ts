/**
 * Ends what a folder's `pid` files name once standard input ends, which whoever started this holds open as long as
 * it lives.
 *
 *     deno run _guard.ts FOLDER [remove]
 *
 * @module
 */

import { readPid, send } from "./_process.ts";

const [folder, remove] = Deno.args as [string, string | undefined];
for await (const _ of Deno.stdin.readable);
for (const { name, isDirectory } of Deno.readDirSync(folder)) {
  const id = isDirectory ? readPid(`${folder}/${name}`) : undefined;
  if (id !== undefined) send(id, "SIGKILL");
}
if (remove !== undefined) await Deno.remove(folder, { recursive: true });
