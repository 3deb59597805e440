import { assertEquals, assertThrows } from "@std/assert";
import {
  type Lock,
  lockedId,
  nameOf,
  pruneLock,
  versionOf,
} from "../../scripts/tools/images/lock.ts";

const pack = (...dependencies: string[]) => ({
  integrity: "sha512-AA==",
  ...dependencies.length === 0 ? {} : { dependencies },
});

const LOCK: Lock = {
  version: "5",
  specifiers: {
    "jsr:@std/cli@^1.0.30": "1.0.30",
    "npm:@a/client@1.0.0": "1.0.0_peer@2.0.0",
    "npm:peer@2.0.0": "2.0.0",
    "npm:other@3.0.0": "3.0.0",
  },
  jsr: { "@std/cli@1.0.30": { integrity: "00" } },
  npm: {
    "@a/client@1.0.0_peer@2.0.0": pack("peer", "tool@1.0.0"),
    "other@3.0.0": pack("tool@2.0.0"),
    "peer@2.0.0": pack("loop"),
    "loop@1.0.0": pack("peer"),
    "tool@1.0.0": pack(),
    "tool@2.0.0": pack(),
  },
  workspace: { members: {} },
};

Deno.test("pruneLock() keeps what is asked for and all that it depends on", () => {
  const { specifiers, npm, jsr, workspace } = pruneLock(LOCK, [
    "npm:@a/client@1.0.0",
    "jsr:@std/cli@^1.0.30",
  ]);
  assertEquals(Object.keys(npm!), [
    ...["@a/client@1.0.0_peer@2.0.0", "loop@1.0.0", "peer@2.0.0", "tool@1.0.0"],
  ]);
  assertEquals(jsr, LOCK.jsr);
  assertEquals(Object.keys(specifiers), ["jsr:@std/cli@^1.0.30", "npm:@a/client@1.0.0"]);
  assertEquals(workspace, { dependencies: Object.keys(specifiers) });
});

Deno.test("pruneLock() refuses what is not locked", () => {
  assertThrows(() => pruneLock(LOCK, ["npm:new@1.0.0"]), TypeError, "does not have npm:new@1.0.0");
  const broken: Lock = { ...LOCK, npm: { ...LOCK.npm, "peer@2.0.0": pack("gone") } };
  assertThrows(() => pruneLock(broken, ["npm:peer@2.0.0"]), TypeError, "no one package for");
});

Deno.test("lockedId() finds a dependency by its name, or with its version where there are several", () => {
  assertEquals(lockedId(LOCK, "peer"), "peer@2.0.0");
  assertEquals(lockedId(LOCK, "tool@2.0.0"), "tool@2.0.0");
  assertEquals(lockedId(LOCK, "@a/client"), "@a/client@1.0.0_peer@2.0.0");
  assertThrows(() => lockedId(LOCK, "tool"), TypeError, "no one package");
});

Deno.test("nameOf() and versionOf() take a key apart", () => {
  const id = "@a/client@1.0.0_peer@2.0.0";
  assertEquals([nameOf(id), versionOf(id)], ["@a/client", "1.0.0"]);
  assertEquals([nameOf("zod@4.6.7"), versionOf("zod@4.6.7")], ["zod", "4.6.7"]);
});
