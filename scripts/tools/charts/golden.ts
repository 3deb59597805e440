/**
 * What each preset renders to, as it is kept to be compared with: the default whole, of the others what differs.
 *
 * @module
 */

import { difference } from "./_difference.ts";
import { type ObjectText, objectTexts } from "./_object_text.ts";
import { renderChart } from "./render.ts";

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

/** The file that is kept of a preset. */
export function goldenPath(preset: string): string {
  return `${GOLDEN}/${preset}.${preset === "default" ? "yaml" : "diff"}`;
}

/**
 * What is kept of a preset.
 *
 * @throws {Error} with what Helm says, where it refuses.
 */
export async function renderGolden(preset: string): Promise<string> {
  const texts = await textsOf("default");
  if (preset !== "default") return difference(texts, await textsOf(preset));
  return texts.map(({ lines }) => `---\n${lines.join("\n")}\n`).join("");
}

async function textsOf(preset: string): Promise<ObjectText[]> {
  return await objectTexts(await renderChart({ presets: PRESETS[preset]! }));
}
