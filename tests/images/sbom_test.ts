import { assertEquals } from "@std/assert";
import { billOfMaterials } from "../../scripts/tools/images/sbom.ts";

const CONTENTS = {
  name: "reddit-pipeline/job",
  version: "1.2.3",
  lock: {
    version: "5",
    specifiers: { "jsr:@std/cli@^1.0.30": "1.0.30", "npm:@a/client@1.0.0": "1.0.0_peer@2.0.0" },
    jsr: { "@std/cli@1.0.30": { integrity: "c0ffee" } },
    npm: {
      "@a/client@1.0.0_peer@2.0.0": { integrity: "sha512-AAEC", dependencies: ["peer"] },
      "peer@2.0.0": { integrity: "sha512-/w==" },
    },
  },
  licenses: new Map([["peer@2.0.0", "MIT"]]),
  system: { "/lib/libc.so.6": "abcd" },
  standIns: false,
  deno: "2.6.10",
};

Deno.test("billOfMaterials() names packages by address, hash, license and dependencies", () => {
  const { components, dependencies } = JSON.parse(billOfMaterials(CONTENTS));
  assertEquals(components.map((c: { "bom-ref": string }) => c["bom-ref"]), [
    "pkg:github/denoland/deno@v2.6.10",
    "pkg:jsr/@std/cli@1.0.30",
    "pkg:npm/%40a/client@1.0.0",
    "pkg:npm/peer@2.0.0",
    "/lib/libc.so.6",
  ]);
  assertEquals(components[2].hashes, [{ alg: "SHA-512", content: "000102" }]);
  assertEquals(components[3].licenses, [{ expression: "MIT" }]);
  assertEquals(dependencies[0].dependsOn.includes("pkg:npm/%40a/client@1.0.0"), true);
  assertEquals(dependencies[0].dependsOn.includes("pkg:npm/peer@2.0.0"), false);
  assertEquals(dependencies[1], {
    ref: "pkg:npm/%40a/client@1.0.0",
    dependsOn: ["pkg:npm/peer@2.0.0"],
  });
});

Deno.test("billOfMaterials() does not pass stand-ins off as what they stand in for", () => {
  const { components } = JSON.parse(billOfMaterials({ ...CONTENTS, standIns: true }));
  assertEquals([components[1].purl, components[1].hashes], [undefined, undefined]);
});
