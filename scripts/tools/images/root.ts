/**
 * The common part of all root file systems: the shared libraries of a program, a user, and no way
 * to log in.
 *
 * @module
 */

import { rootCertificates } from "node:tls";
import { command } from "../servers/mod.ts";

/** A user of an image. */
export interface User {
  readonly name: string;
  readonly id: number;
}

/** Libraries that older C libraries load by name to resolve hosts. */
const RESOLVERS = ["libnss_files.so.2", "libnss_dns.so.2", "libresolv.so.2"];

/** File of trusted certificates, for programs that use the system's. */
export const CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt";

/** Creates the folders and files that all root file systems have. */
export async function makeRoot(root: string, users: readonly User[]): Promise<void> {
  for (const folder of ["bin", "lib", "lib64", "sbin"]) {
    await Deno.mkdir(`${root}/usr/${folder}`, { recursive: true });
    await Deno.symlink(`usr/${folder}`, `${root}/${folder}`);
  }
  for (const folder of ["dev", "etc/ssl/certs", "proc", "sys", "tmp"]) {
    await Deno.mkdir(`${root}/${folder}`, { recursive: true });
  }
  await Deno.chmod(`${root}/tmp`, 0o1777);
  const lines = (line: (user: User) => string) => users.map((user) => `${line(user)}\n`).join("");
  await Deno.writeTextFile(
    `${root}/etc/passwd`,
    lines(({ name, id }) => `${name}:x:${id}:${id}::/tmp:/bin/false`),
  );
  await Deno.writeTextFile(`${root}/etc/group`, lines(({ name, id }) => `${name}:x:${id}:`));
  await Deno.writeTextFile(`${root}/etc/nsswitch.conf`, "hosts: files dns\n");
  // Mozilla's certificates, as shipped with Deno, without any that were added to this machine.
  await Deno.writeTextFile(`${root}${CERTIFICATES}`, rootCertificates.join("\n") + "\n");
}

/**
 * Copies the shared libraries that programs or libraries need, to the paths where their loader
 * looks.
 */
export async function copyLibraries(root: string, binaries: readonly string[]): Promise<void> {
  for (const path of await libraries(binaries)) {
    // Libraries inside the root file system are already in place.
    if (!path.startsWith(`${root}/`)) await copyInto(root, path);
  }
}

/** Copies a program or a library of this machine to the same path, following links. */
export async function copyInto(root: string, path: string): Promise<void> {
  const target = `${root}${path}`;
  await Deno.mkdir(target.slice(0, target.lastIndexOf("/")), { recursive: true });
  await Deno.copyFile(path, target);
  await Deno.chmod(target, 0o755);
}

/** Paths of the shared libraries that programs or libraries need, including their loader. */
export async function libraries(binaries: readonly string[]): Promise<string[]> {
  const text = await command("ldd", [...binaries]);
  const needed = Array.from(text.matchAll(/(?:=>|^)\s+(\/\S+) \(0x/gm), ([, path]) => path!);
  const libc = needed.find((path) => /\/libc\.so\.\d+$/.test(path));
  if (libc !== undefined) {
    for (const name of RESOLVERS) {
      const path = libc.replace(/[^/]+$/, name);
      if (await Deno.stat(path).catch(() => undefined)) needed.push(path);
    }
  }
  return [...new Set(needed)].sort();
}
