/**
 * `scripts/helm-release`.
 *
 * @module
 */

import { attempt, help, isThere, run, type RunOptions } from "./run.ts";

const USAGE =
  `Usage: [NAMESPACE=reddit-pipeline] [RELEASE=reddit] [VALUES="FILE ..."] scripts/helm-release COMMAND

Operates one release of charts/reddit-pipeline on kubectl's current cluster.

  deploy               install the release, or upgrade it
  status               show the release's status and its pods
  test                 test the release (helm test)
  generate-historical  generate history, load it, and build a generation from it; steps that are
                       already done are not repeated
  run-consumer         start ingest, and show its log
  run-producer         start the generator's live traffic, and show its log
  run-streaming        start speed, and show its log
  run-batch            build a generation now, and wait for it
  test-scalability     scale to more pods of the jobs and more records a second, and back
  test-fault-tolerance delete one pod of each kind, one after the other, and verify everything
  logs                 follow the logs of the jobs
  clean                uninstall the release, and delete volumes whose whenDeleted is Delete

  VALUES  values files, separated by spaces, e.g. charts/reddit-pipeline/values-dev.yaml`;

const ROOT = new URL("../../", import.meta.url).pathname;
const namespace = Deno.env.get("NAMESPACE") || "reddit-pipeline";
const release = Deno.env.get("RELEASE") || "reddit";
const label = `app.kubernetes.io/instance=${release}`;

function kube(args: readonly string[], options?: RunOptions): Promise<string> {
  return run(["kubectl", "--namespace", namespace, ...args], options);
}

function helm(args: readonly string[], options?: RunOptions): Promise<string> {
  return run([`${ROOT}scripts/helm`, "--namespace", namespace, ...args], options);
}

function fail(why: string): never {
  console.error(`scripts/helm-release: ${why}`);
  Deno.exit(1);
}

/** Scales a Deployment up again if it was scaled to 0, waits for it, and shows its log. */
async function runDeployment(component: string): Promise<void> {
  const name = `${release}-${component}`;
  const replicas = ["get", "deployment", name, "--output", "jsonpath={.spec.replicas}"];
  if (await kube(replicas, { quiet: true }) === "0") {
    await kube(["scale", "deployment", name, "--replicas", Deno.env.get("REPLICAS") || "1"]);
  }
  await kube(["rollout", "status", "deployment", name, "--timeout", "10m"]);
  await kube(["logs", `deployment/${name}`, "--tail", "20"]);
}

/** Runs the history Job again, also if it has finished: recreates it from the release's manifest. */
async function runHistory(): Promise<void> {
  const manifests = (await helm(["get", "manifest", release], { quiet: true })).split(/^---$/m);
  const input = manifests.filter((text) => /^# Source: .*\/history-job\.yaml$/m.test(text)).join(
    "---",
  );
  if (input === "") fail("the release has no history: generator.historical.enabled is false");
  await kube(["replace", "--force", "--filename", "-"], { input });
  const selector = `${label},app.kubernetes.io/component=history`;
  await waitForJob(
    await kube(["get", "job", "--selector", selector, "--output", "name"], { quiet: true }),
  );
}

async function runBatch(): Promise<void> {
  const now = new Date().toISOString().replaceAll(/\D/g, "").slice(0, 14);
  const job = `${release}-batch-${now}`;
  await kube(["create", "job", job, "--from", `cronjob/${release}-batch`]);
  await waitForJob(`job/${job}`);
}

/** Returns when the Job completes, and exits with an error when it fails. */
async function waitForJob(job: string): Promise<void> {
  console.log(`Waiting for ${job}`);
  const state = ["get", job, "--output", 'jsonpath={.status.conditions[?(@.status=="True")].type}'];
  const logs = (lines: string) => kube(["logs", job, "--all-containers", "--tail", lines]);
  while (true) {
    const is = await kube(state, { quiet: true });
    if (is.includes("Failed")) {
      await logs("40");
      fail(`${job} has failed`);
    }
    if (is.includes("Complete")) return void await logs("5");
    await new Promise((resolve) => setTimeout(resolve, 2_000));
  }
}

async function runTest(name: string): Promise<void> {
  Deno.chdir(ROOT);
  Deno.env.set("NAMESPACE", namespace);
  Deno.env.set("RELEASE", release);
  const { code } = await attempt(["scripts/test", `tests/cluster/${name}_cluster_test.ts`]);
  Deno.exit(code);
}

const KINDS = "statefulset,deployment,cronjob,job,pod";
const JOBS = `${label},app.kubernetes.io/part-of=reddit-pipeline`;

const COMMANDS: Readonly<Record<string, () => Promise<unknown>>> = {
  "deploy": () => {
    const files = (Deno.env.get("VALUES") ?? "").split(/\s+/).filter((file) => file !== "");
    return helm([
      ...["upgrade", "--install", release, `${ROOT}charts/reddit-pipeline`, "--create-namespace"],
      // Resets to the values whatever was scaled or suspended by hand.
      ...["--force-conflicts", ...files.flatMap((file) => ["--values", file])],
    ]);
  },
  "status": async () => {
    await helm(["status", release]);
    await kube(["get", KINDS, "--selector", label]);
  },
  "test": () => helm(["test", release, "--logs"]),
  "generate-historical": runHistory,
  "run-consumer": () => runDeployment("ingest"),
  "run-producer": () => runDeployment("generator"),
  "run-streaming": () => runDeployment("speed"),
  "run-batch": runBatch,
  "test-scalability": () => runTest("scalability"),
  "test-fault-tolerance": () => runTest("fault_tolerance"),
  "logs": () =>
    kube([
      ...["logs", "--selector", JOBS, "--all-containers", "--prefix", "--tail", "20", "--follow"],
      ...["--max-log-requests", "50"],
    ]),
  "clean": () => helm(["uninstall", release, "--wait"]),
};

help(USAGE);
if (!await isThere("kubectl")) fail("kubectl is not on the PATH");
const command = COMMANDS[Deno.args[0] ?? ""];
if (command === undefined) {
  console.error(USAGE);
  Deno.exit(2);
}
await command();
