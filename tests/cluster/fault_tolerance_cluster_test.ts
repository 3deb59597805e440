// A release that runs loses one pod of each kind after the other: `make test-fault-tolerance`.
import { assert } from "@std/assert";
import { deletePods, recoveryTable } from "./_faults.ts";
import { COMPONENTS, fromEnvironment } from "./_release.ts";
import { scenario } from "./_scenario.ts";

const release = fromEnvironment();
const step = scenario("fault tolerance", release);

step("records flow before", async () => {
  await release.up();
  await release.flows(120);
});

step("one pod of each kind goes, and records flow again", async () => {
  const recoveries = await deletePods(release);
  console.log(recoveryTable(recoveries));
  assert(recoveries.length > 0, `None of ${COMPONENTS.join(", ")} has a pod`);
});

step("answers are exact", async () => {
  await release.verify();
});
