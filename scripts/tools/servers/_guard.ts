/**
 * Ends what a folder's `pid` files name once standard input ends, which whoever started this holds open as long as
 * it lives.
 *
 *     deno run _guard.ts FOLDER [remove]
 *
 * @module
 */

import { exists } from "./_cache.ts";
import { readPid, send } from "./process.ts";

const [folder, remove] = Deno.args as [string, string | undefined];
for await (const _ of Deno.stdin.readable);
// Whoever ended the servers in time may have deleted all of it.
if (!await exists(folder)) Deno.exit();
for (const { name, isDirectory } of Deno.readDirSync(folder)) {
  const id = isDirectory ? readPid(`${folder}/${name}`) : undefined;
  if (id !== undefined) send(id, "SIGKILL");
}
if (remove !== undefined) await Deno.remove(folder, { recursive: true });
