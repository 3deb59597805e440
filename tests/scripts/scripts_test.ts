/** What scripts call and refuse, with a kubectl that only notes what it is asked. */

import { assert, assertEquals, assertMatch } from "@std/assert";

const KUBECTL = `#!/bin/sh
echo "$*" >>"\${0%/*}/calls"
case "$*" in
  "get nodes"*) echo "$NODES" ;;
  "get namespace"*) echo "$TAKEN" ;;
  *replicas}) printf 0 ;;
  *conditions*) echo "$STATE" ;;
esac
`;

interface Called {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  /** What kubectl was asked, without the namespace. */
  readonly calls: string[];
}

async function call(
  script: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Called> {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/kubectl`, KUBECTL, { mode: 0o755 });
    // `DATA` of clean-data: a folder that a demo has made, one that none has, and a link.
    for (const name of ["made", "other"]) await Deno.mkdir(`${folder}/${name}`);
    await Deno.writeTextFile(`${folder}/made/.reddit-pipeline`, "");
    await Deno.symlink("made", `${folder}/link`);
    const { code, stdout, stderr } = await new Deno.Command(`${Deno.cwd()}/scripts/${script}`, {
      args: [...args],
      cwd: folder,
      env: { PATH: `${folder}:${Deno.env.get("PATH")}`, NODES: "node/a", TAKEN: "", ...env },
      stdin: "null",
    }).output();
    const calls = await Deno.readTextFile(`${folder}/calls`).catch(() => "");
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    return {
      code,
      out: text(stdout),
      err: text(stderr),
      calls: calls.replaceAll("--namespace reddit-pipeline ", "").trimEnd().split("\n"),
    };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("scripts/helm-release starts a Deployment that was scaled to nothing", async () => {
  const { code, calls } = await call("helm-release", ["run-consumer"]);
  assertEquals([code, ...calls], [
    0,
    "get deployment reddit-ingest --output jsonpath={.spec.replicas}",
    "scale deployment reddit-ingest --replicas 1",
    "rollout status deployment reddit-ingest --timeout 10m",
    "logs deployment/reddit-ingest --tail 20",
  ]);
});

Deno.test("scripts/helm-release ends as the Job does that it waits for", async () => {
  for (const [STATE, lines, expected] of [["Complete", 5, 0], ["Failed", 40, 1]] as const) {
    const { code, calls, err } = await call("helm-release", ["run-batch"], { STATE, RELEASE: "r" });
    assertEquals([code, err.endsWith("has failed\n")], [expected, expected === 1]);
    assertMatch(calls[0]!, /^create job r-batch-\d{14} --from cronjob\/r-batch$/);
    assertMatch(calls[2]!, new RegExp(`^logs job/r-batch-\\d+ --all-containers --tail ${lines}$`));
  }
});

Deno.test("scripts/helm-release refuses what it does not know, with its usage", async () => {
  const { code, out, err } = await call("helm-release", ["deplo"]);
  assertEquals([code, out], [2, ""]);
  assertMatch(err, /^Usage: .*scripts\/helm-release COMMAND\n/);
});

const REFUSED: [args: string[], env: Record<string, string>, why: string][] = [
  [["full"], {}, "full needs three nodes, and the cluster has 1"],
  [[], { TAKEN: "x" }, "the namespace reddit-pipeline exists: what is in it would be deleted"],
  [[], { IMAGES: "some" }, "IMAGES is 'some': it must be official, loaded, or not set"],
];

for (const [args, env, why] of REFUSED) {
  Deno.test(`scripts/test-cluster counts a failure where ${why}`, async () => {
    const { code, out, err } = await call("test-cluster", args, env);
    assertEquals([code, out], [1, "0 passed, 1 failed\n"]);
    assertEquals(err, `scripts/test-cluster: ${why}\n`);
  });
}

Deno.test("scripts/clean-data deletes what a demo has made, and nothing else", async () => {
  const made = await call("clean-data", [], { DATA: "made" });
  assertEquals([made.code, made.out], [0, "Deleted made\n"]);
  const none = await call("clean-data", [], { DATA: "none" });
  assertEquals([none.code, none.out], [0, "Nothing to delete: there is no none\n"]);
  for (const DATA of ["other", "link", "link/", "."]) {
    const { code, out, err } = await call("clean-data", [], { DATA });
    assertEquals([code, out], [2, ""]);
    assert(err.includes(`refusing to delete ${DATA}, which no demo has made`), err);
  }
});
