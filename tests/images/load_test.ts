import { PipelineError } from "@pipeline/core";
import { assertEquals, assertThrows } from "@std/assert";
import { findLoader } from "../../scripts/tools/images/load.ts";

const way = (
  context: string | undefined,
  { env = {}, sockets = [] }: { env?: Record<string, string>; sockets?: string[] } = {},
) => findLoader({ context, env: (name) => env[name], exists: (path) => sockets.includes(path) });

const CONTAINERD = ["ctr", "--address", "/run/containerd/containerd.sock", "--namespace", "k8s.io"];

Deno.test("findLoader() goes by the kind of cluster", () => {
  assertEquals(way("kind-dev").commands(["a.tar", "b.tar"]), [
    ["kind", "load", "image-archive", "--name", "dev", "a.tar"],
    ["kind", "load", "image-archive", "--name", "dev", "b.tar"],
  ]);
  assertEquals(way("k3d-dev").commands(["a.tar", "b.tar"]), [
    ["k3d", "image", "import", "--cluster", "dev", "a.tar", "b.tar"],
  ]);
  assertEquals(way("minikube").commands(["a.tar"]), [["minikube", "image", "load", "a.tar"]]);
  assertEquals(way("docker-desktop").commands(["a.tar"]), [
    ["docker", "load", "--input", "a.tar"],
  ]);
});

Deno.test("findLoader() takes the containerd of this machine: the one that is named, or the first there is", () => {
  const [socket] = [CONTAINERD[2]!];
  assertEquals(way("default", { sockets: [socket] }).commands(["a.tar"]), [
    [...CONTAINERD, "images", "import", "a.tar"],
  ]);
  const k3s = "/run/k3s/containerd/containerd.sock";
  assertEquals(way("default", { sockets: [socket, k3s] }).commands(["a.tar"])[0]![2], k3s);
  const env = { CONTAINERD_ADDRESS: "/somewhere/c.sock" };
  assertEquals(way(undefined, { env }).commands(["a.tar"])[0]![2], "/somewhere/c.sock");
});

Deno.test("findLoader() puts IMAGE_LOADER above everything", () => {
  const env = { IMAGE_LOADER: "./load", CONTAINERD_ADDRESS: "/c.sock" };
  assertEquals(way("kind-dev", { env }).commands(["a.tar", "b.tar"]), [
    ["./load", "a.tar", "b.tar"],
  ]);
});

Deno.test("findLoader() names a remedy if it finds no loader", () => {
  assertThrows(() => way("far-away"), PipelineError, "into the cluster far-away");
  assertThrows(() => way(undefined), PipelineError, "Set IMAGE_LOADER");
});
