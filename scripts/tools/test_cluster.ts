/**
 * `scripts/test-cluster`.
 *
 * @module
 */

import { attempt, help, isThere } from "./run.ts";

const USAGE = `Usage: [IMAGES=official] scripts/test-cluster [dev|full]

Installs charts/reddit-pipeline on kubectl's current cluster (KUBECONFIG), in a namespace of its
own that must not exist yet, uses it as users do, and uninstalls it.

  dev   the laptop's preset, one of each: install, helm test, deleted pods, upgrade, rollback,
        reinstall on kept volumes. About 20 minutes on two cores
  full  3 brokers, 3 DataNodes, 3 Elasticsearch nodes, on three nodes or more: spread,
        NetworkPolicies, restricted pods. About 12 minutes

Without an argument: full if the cluster has three nodes or more, else dev.

The jobs' images and stand-ins for the servers' images are built (scripts/images) and loaded into the
cluster first. IMAGES=official uses the servers' official images, which the cluster pulls;
IMAGES=loaded uses the images that are already loaded.

The last line is 'N passed, N failed'.`;

function fail(why: string): never {
  console.error(`scripts/test-cluster: ${why}`);
  console.log("0 passed, 1 failed");
  Deno.exit(1);
}

help(USAGE);
Deno.chdir(new URL("../..", import.meta.url));
if (!await isThere("kubectl")) fail("kubectl is not on the PATH");
const get = (...what: string[]) =>
  attempt(["kubectl", "get", ...what, "--output", "name", "--request-timeout", "20s"], {
    quiet: true,
  });
const { code, text } = await get("nodes");
if (code !== 0) fail("the cluster does not answer");
const nodes = text.split("\n").filter((line) => line !== "").length;
const scenario = Deno.args[0] || (nodes >= 3 ? "full" : "dev");
if (scenario !== "dev" && scenario !== "full") {
  console.error(USAGE);
  Deno.exit(2);
}
if (scenario === "full" && nodes < 3) fail(`full needs three nodes, and the cluster has ${nodes}`);
const namespace = "reddit-pipeline";
if ((await get("namespace", namespace, "--ignore-not-found")).text !== "") {
  fail(`the namespace ${namespace} exists: what is in it would be deleted`);
}
const images = Deno.env.get("IMAGES") ?? "";
if (!["", "official", "loaded"].includes(images)) {
  fail(`IMAGES is '${images}': it must be official, loaded, or not set`);
}
if (images !== "loaded") {
  const servers = images === "official" ? [] : ["--servers"];
  const built = await attempt(["scripts/images", ...servers, "--load"]);
  if (built.code !== 0) fail("the images could not be built or loaded");
}
const test = await attempt(["scripts/test", `tests/cluster/${scenario}_cluster_test.ts`]);
Deno.exit(test.code);
