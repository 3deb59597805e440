/**
 * Loads images into kubectl's current cluster, without a registry.
 *
 * @module
 */

import { PipelineError } from "@pipeline/core";
import { command } from "../servers/mod.ts";

/** Sockets of containerd, by distribution. */
const SOCKETS = ["/run/k3s/containerd/containerd.sock", "/run/containerd/containerd.sock"];

/** The environment that determines how to load images into a cluster. */
export interface Surroundings {
  /** The environment. */
  readonly env: (name: string) => string | undefined;
  /** Name of kubectl's current context; absent if there is none. */
  readonly context: string | undefined;
  /** Whether the path exists. */
  readonly exists: (path: string) => boolean;
}

/** A way to load archives, as command lines. */
export interface Loader {
  /** Name for messages. */
  readonly name: string;
  /** The commands that load the archives. */
  commands(archives: readonly string[]): string[][];
}

/**
 * Finds the way to load archives.
 *
 * @throws {PipelineError} `invalid` if none is known, with a remedy.
 */
export function findLoader({ env, context = "", exists }: Surroundings): Loader {
  const own = env("IMAGE_LOADER");
  if (own !== undefined && own !== "") {
    return { name: own, commands: (archives) => [[own, ...archives]] };
  }
  const cluster = /^(kind|k3d)-(.+)$/.exec(context);
  if (cluster?.[1] === "kind") {
    const load = ["kind", "load", "image-archive", "--name", cluster[2]!];
    return { name: context, commands: (archives) => archives.map((file) => [...load, file]) };
  }
  if (cluster?.[1] === "k3d") {
    const load = ["k3d", "image", "import", "--cluster", cluster[2]!];
    return { name: context, commands: (archives) => [[...load, ...archives]] };
  }
  if (context === "minikube") {
    return {
      name: context,
      commands: (archives) => archives.map((file) => ["minikube", "image", "load", file]),
    };
  }
  if (context === "docker-desktop") {
    return {
      name: context,
      commands: (archives) => archives.map((file) => ["docker", "load", "--input", file]),
    };
  }
  const given = env("CONTAINERD_ADDRESS");
  const socket = given !== undefined && given !== "" ? given : SOCKETS.find(exists);
  if (socket !== undefined) {
    const load = ["ctr", "--address", socket, "--namespace", "k8s.io", "images", "import"];
    return {
      name: `containerd of this machine (${socket})`,
      commands: (archives) => archives.map((file) => [...load, file]),
    };
  }
  throw new PipelineError(
    "invalid",
    `No way is known to load images into the cluster ${
      context || "(none is configured)"
    }: it is none of kind, ` +
      "k3d, minikube or Docker Desktop, and no containerd listens here. Set IMAGE_LOADER to a command that takes " +
      "archives and loads each into every node",
  );
}

/** Loads archives. Returns the way that was used. */
export async function load(archives: readonly string[]): Promise<string> {
  const loader = findLoader({
    env: (name) => Deno.env.get(name),
    context: await currentContext(),
    exists: (path) => {
      try {
        return Deno.statSync(path) !== undefined;
      } catch {
        return false;
      }
    },
  });
  for (const [name, ...args] of loader.commands(archives)) await command(name!, args);
  return loader.name;
}

async function currentContext(): Promise<string | undefined> {
  try {
    return (await command("kubectl", ["config", "current-context"])).trim();
  } catch (error) {
    if (error instanceof PipelineError) return undefined;
    throw error;
  }
}
