/**
 * What each preset renders to, as it is kept to be compared with.
 *
 * @module
 */

import { renderText } from "./_render.ts";

/** Folder of what is kept. */
export const GOLDEN = "tests/charts/golden";

/** Presets by the name under which what they render to is kept. */
export const PRESETS: Readonly<Record<string, readonly string[]>> = {
  "default": [],
  "dev": ["values-dev.yaml"],
  "prod": ["values-prod.yaml"],
  "bring-your-own": ["ci/bring-your-own-values.yaml"],
  "test-cluster": ["values-dev.yaml", "ci/test-cluster-values.yaml"],
};

/** The text of a dashboard in its ConfigMap, after the line that names it. */
const DASHBOARD = /^( {2}(?!config)[a-z-]+\.json: \|\n)(?: {4}.*\n)+/gm;

/**
 * What a preset renders to, without white space that says nothing and without the dashboards' texts, which have
 * a test of their own.
 *
 * @throws {Error} with what Helm says, where it refuses.
 */
export async function renderGolden(preset: string): Promise<string> {
  const { success, stdout, stderr } = await renderText({ presets: PRESETS[preset]! });
  if (!success) throw new Error(stderr);
  return stdout.replaceAll(/[ \t]+$/gm, "").replaceAll(/^\n/gm, "")
    .replaceAll(DASHBOARD, "$1    {}\n");
}
