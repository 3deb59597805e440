/**
 * The committed rendering of each preset: the default in full, of the others the difference.
 *
 * @module
 */

import { difference } from "./_difference.ts";
import { type ObjectText, objectTexts } from "./_object_text.ts";
import { renderChart } from "./render.ts";

/** Folder of the committed renderings. */
export const GOLDEN = "tests/charts/golden";

/** Presets, by the name of their committed rendering. */
export const PRESETS: Readonly<Record<string, readonly string[]>> = {
  "default": [],
  "dev": ["values-dev.yaml"],
  "prod": ["values-prod.yaml"],
  "bring-your-own": ["ci/bring-your-own-values.yaml"],
  "test-cluster": ["values-dev.yaml", "ci/test-cluster-values.yaml"],
};

/** Path of a preset's committed rendering. */
export function goldenPath(preset: string): string {
  return `${GOLDEN}/${preset}.${preset === "default" ? "yaml" : "diff"}`;
}

/**
 * The rendering of a preset to commit.
 *
 * @throws {Error} with Helm's message if it refuses.
 */
export async function renderGolden(preset: string): Promise<string> {
  const texts = await textsOf("default");
  if (preset !== "default") return difference(texts, await textsOf(preset));
  return texts.map(({ lines }) => `---\n${lines.join("\n")}\n`).join("");
}

async function textsOf(preset: string): Promise<ObjectText[]> {
  return await objectTexts(await renderChart({ presets: PRESETS[preset]! }));
}
