/**
 * A container without an engine: an image's files as a read-only root, a `/tmp` of its own, the image's user
 * and environment, and nothing else of the machine but its network.
 *
 * @module
 */

import process from "node:process";
import { unpackImage } from "../../scripts/tools/images/image.ts";

/** What a program did. */
export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** How a container is made. */
export interface ContainerOptions {
  /** Number of the user. */
  readonly user: number;
  /** Folder that is its `/tmp`; one of its own where not given. */
  readonly tmp?: string;
}

/** How a program starts. */
export interface RunOptions {
  /** Added to the environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Tells it to end. */
  readonly signal?: AbortSignal;
}

/** Milliseconds that a program may take. */
const TIMEOUT = 120_000;

/** Whoever is not the superuser is that one in a namespace, where no other user is. */
const IS_ROOT = Deno.uid() === 0;

const ENTER = `set -e
root=$1 user=$2 tmp=$3 config=$4
shift 4
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount --bind "$tmp" "$root/tmp"
[ ! -d "$root/etc/reddit-pipeline" ] || mount --bind "$config" "$root/etc/reddit-pipeline"
mount -o remount,ro,bind "$root"
exec chroot $user "$root" "$@"`;

/** An image's files, unpacked; removed in the end. */
export class Container {
  readonly #folder: string;
  readonly #user: number;
  readonly #tmp: string;
  #env: Readonly<Record<string, string>> = {};

  private constructor(folder: string, { user, tmp = `${folder}/tmp` }: ContainerOptions) {
    this.#folder = folder;
    this.#user = user;
    this.#tmp = tmp;
  }

  /** Unpacks an image. */
  static async of(archive: string, options: ContainerOptions): Promise<Container> {
    const folder = await Deno.makeTempDir({ prefix: "container-" });
    const container = new Container(folder, options);
    for (const name of ["root", "tmp", "config"]) await Deno.mkdir(`${folder}/${name}`);
    await Deno.chmod(folder, 0o755);
    await Deno.chmod(`${folder}/tmp`, 0o1777);
    container.#env = await unpackImage(archive, container.root);
    return container;
  }

  /** The root file system. */
  get root(): string {
    return `${this.#folder}/root`;
  }

  /** Writes the configuration file, and says where the program finds it. */
  async configure(config: unknown): Promise<string> {
    await Deno.writeTextFile(`${this.#folder}/config/config.json`, JSON.stringify(config));
    return "/etc/reddit-pipeline/config.json";
  }

  /** Runs a program to its end. */
  async run(command: readonly string[], options: RunOptions = {}): Promise<Ended> {
    const { env = {}, signal } = options;
    const child = new Deno.Command("unshare", {
      args: [
        ...IS_ROOT ? [] : ["--map-root-user"],
        ...["--mount", "--pid", "--fork", "--kill-child", "/bin/sh", "-c", ENTER, "sh"],
        ...[this.root, IS_ROOT ? `--userspec=${this.#user}:${this.#user}` : ""],
        ...[this.#tmp, `${this.#folder}/config`, ...command],
      ],
      clearEnv: true,
      // The shell outside of the image needs a PATH too.
      env: { ...this.#env, ...env, PATH: "/usr/sbin:/usr/bin:/sbin:/bin" },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
      detached: true,
    }).spawn();
    // The whole group: unshare itself passes no signal on.
    const end = (name: Deno.Signal) => process.kill(-child.pid, name);
    const onAbort = () => end("SIGTERM");
    signal?.addEventListener("abort", onAbort);
    const timer = setTimeout(() => end("SIGKILL"), TIMEOUT);
    try {
      const { code, stdout, stderr } = await child.output();
      const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
      return { code, stdout: text(stdout), stderr: text(stderr) };
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.#folder, { recursive: true });
  }
}
