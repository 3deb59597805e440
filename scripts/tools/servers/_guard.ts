/**
 * Ends the processes in a folder's `pid` files once standard input ends, which the starting process
 * holds open as long as it lives.
 *
 *     deno run _guard.ts FOLDER [remove]
 *
 * @module
 */

import { exists } from "./_cache.ts";
import { readPid, send } from "./process.ts";

const [folder, remove] = Deno.args as [string, string | undefined];
for await (const _ of Deno.stdin.readable);
// If the servers were ended in time, the folder may be deleted already.
if (!await exists(folder)) Deno.exit();
for (const { name, isDirectory } of Deno.readDirSync(folder)) {
  const id = isDirectory ? readPid(`${folder}/${name}`) : undefined;
  if (id !== undefined) send(id, "SIGKILL");
}
if (remove !== undefined) await Deno.remove(folder, { recursive: true });
