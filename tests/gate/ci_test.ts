/** `.ci/run`, in a checkout whose tests are stand-ins. */

import { assertEquals, assertStringIncludes } from "@std/assert";

const CI = new URL("../../.ci/run", import.meta.url);

const MAKEFILE = `test:
	@echo "$(TESTS)"
test-cluster:
	@echo "cluster of $$NODES: 1 passed, 0 failed" && echo "1 passed, 0 failed"
`;

interface Checkout {
  /** What the tests write. */
  readonly tests?: string;
  /** Whether there is a cluster beside the checkout. */
  readonly cluster?: boolean;
  /** `CI_WITHOUT_CLUSTER`. */
  readonly without?: string;
}

async function ci({ tests = "3 passed, 0 failed", cluster = false, without = "" }: Checkout) {
  const folder = await Deno.makeTempDir();
  const script = (path: string, text: string) =>
    Deno.writeTextFile(`${folder}/${path}`, text, { mode: 0o755 });
  try {
    for (const path of ["checkout/.ci", "shared/cluster"]) {
      await Deno.mkdir(`${folder}/${path}`, { recursive: true });
    }
    await script("checkout/.ci/run", await Deno.readTextFile(CI));
    await script("checkout/Makefile", MAKEFILE);
    if (cluster) {
      await script("shared/cluster/up.sh", '#!/bin/sh\necho "$KUBOX_NODES" >"$0.nodes"\n');
      await script("shared/cluster/env.sh", 'export NODES=$(cat "$shared/cluster/up.sh.nodes")\n');
      await script("shared/cluster/down.sh", '#!/bin/sh\necho "took it away"\n');
    }
    const { code, stdout, stderr } = await new Deno.Command(`${folder}/checkout/.ci/run`, {
      env: { TESTS: tests, CI_WITHOUT_CLUSTER: without },
    }).output();
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    return { code, lines: text(stdout).trimEnd().split("\n"), err: text(stderr) };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test(".ci/run fails without a cluster, and reports it", async () => {
  for (const without of ["", "0"]) {
    const { code, lines, err } = await ci({ without });
    assertEquals([code, lines.at(-1)], [1, "3 passed, 1 failed"]);
    assertStringIncludes(err, "CI_WITHOUT_CLUSTER=1");
  }
});

Deno.test(".ci/run leaves clusters out if CI_WITHOUT_CLUSTER=1 is set", async () => {
  const { code, lines } = await ci({ without: "1" });
  assertEquals([code, lines.at(-1)], [0, "3 passed, 0 failed"]);
  const { code: wrong, err } = await ci({ without: "yes" });
  assertEquals(wrong, 2);
  assertStringIncludes(err, "'yes'");
});

Deno.test(".ci/run counts what has failed, and what counts nothing as failed", async () => {
  const counted = await ci({ tests: "7 passed, 2 failed", without: "1" });
  assertEquals([counted.code, counted.lines.at(-1)], [1, "7 passed, 2 failed"]);
  const silent = await ci({ tests: "all is well", without: "1" });
  assertEquals([silent.code, silent.lines.at(-1)], [1, "0 passed, 1 failed"]);
});

Deno.test({
  name: ".ci/run adds up what the tests on one node and on three count",
  ignore: Deno.uid() !== 0,
  fn: async () => {
    const { code, lines } = await ci({ cluster: true });
    assertEquals([code, lines.at(-1)], [0, "5 passed, 0 failed"]);
    for (const nodes of [1, 3]) assertStringIncludes(lines.join("\n"), `cluster of ${nodes}`);
    assertEquals(lines.filter((line) => line === "took it away").length, 2);
  },
});
