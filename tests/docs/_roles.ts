/**
 * Who runs what pages tell people to type. A block that is not here fails `commands_test.ts`.
 *
 * @module
 */

import type { Block } from "./_commands.ts";

/** What becomes of a block of code. */
export type Role =
  /** A test runs it as it is. */
  | { readonly run: string }
  /** It is no command: a drawing, a format, a formula. */
  | "figure"
  /** Its commands are for a cluster, or take too long: each is held against what its program knows. */
  | "read";

interface Rule {
  readonly page: RegExp;
  /** How the block begins; every block of the page where not given. */
  readonly begins?: string;
  readonly role: Role;
}

const README = /^README\.md$/;
const DEMO = { run: "tests/e2e/readme_test.ts" };

const RULES: readonly Rule[] = [
  { page: README, begins: "merge(", role: "figure" },
  { page: README, begins: "generator ──>", role: "figure" },
  // `make test` is what runs this.
  { page: README, begins: "make demo         #", role: "read" },
  { page: README, begins: "make demo DURATION=30s", role: DEMO },
  { page: README, begins: "curl ", role: DEMO },
  { page: README, begins: "make verify", role: DEMO },
  {
    page: README,
    begins: "make demo BACKEND=servers",
    role: { run: "tests/docs/jobs_servers_test.ts" },
  },
  { page: README, begins: "scripts/servers up", role: { run: "tests/docs/jobs_servers_test.ts" } },
  { page: README, begins: "make images LOAD=1", role: "read" },
  { page: README, begins: "helm ", role: "read" },
  { page: README, begins: "make install", role: "read" },
  { page: README, begins: "make test-cluster", role: "read" },
  { page: README, begins: "kubectl ", role: "read" },
  { page: /^CONTRIBUTING\.md$/, role: "read" },
  { page: /^tests\/sim\/README\.md$/, role: "read" },
  { page: /^docs\/architecture\.md$/, role: "figure" },
  { page: /^docs\/(benchmarks|faults|images|metrics)\.md$/, role: "read" },
  // What they name is held by tests/charts/runbooks_test.ts.
  { page: /\/files\/runbooks\//, role: "read" },
  { page: /^charts\/reddit-pipeline\/README\.md$/, role: "read" },
];

/** The role of a block, where it has one. */
export function roleOf({ page, lines }: Block): Role | undefined {
  return RULES.find((rule) => rule.page.test(page) && lines[0]!.startsWith(rule.begins ?? ""))
    ?.role;
}
