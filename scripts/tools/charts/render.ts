/**
 * Renders the charts to objects, using Helm.
 *
 * @module
 */

import { parseAllDocuments } from "yaml";

/** Folder of the umbrella chart. */
export const CHART = "charts/reddit-pipeline";

/** Release and namespace of the rendering. */
export const RELEASE = "reddit";
/** See {@linkcode RELEASE}. */
export const NAMESPACE = "reddit-pipeline";

/** An object of Kubernetes. Its members depend on the charts. */
// deno-lint-ignore no-explicit-any
export type Manifest = any;

/** Options of a rendering. */
export interface RenderOptions {
  /** Files of values, relative to the chart. */
  readonly presets?: readonly string[];
  /** Values over them. */
  readonly values?: unknown;
  /** Templates, relative to the chart; all by default. */
  readonly showOnly?: readonly string[];
  /** The release's name. */
  readonly release?: string;
  /** The namespace's name. */
  readonly namespace?: string;
  /** Skip the schemas, which take half of the time. */
  readonly unchecked?: boolean;
}

/** Helm's output, and whether it succeeded. */
export interface HelmOutput {
  readonly success: boolean;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs Helm. */
export async function helm(args: readonly string[], input = ""): Promise<HelmOutput> {
  const process = new Deno.Command("scripts/helm", {
    args: [...args],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = process.stdin.getWriter();
  // Helm stops reading if it refuses early.
  await writer.write(new TextEncoder().encode(input)).catch(() => {});
  await writer.close().catch(() => {});
  const { success, stdout, stderr } = await process.output();
  const decoder = new TextDecoder();
  return { success, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

/** Cached renderings: many tests use the same presets. */
const rendered = new Map<string, Promise<HelmOutput>>();

/** The text that the charts render to, or Helm's error. */
export async function renderText(options: RenderOptions = {}): Promise<HelmOutput> {
  const key = JSON.stringify(options);
  if (!rendered.has(key)) rendered.set(key, template(options));
  return await rendered.get(key)!;
}

async function template(options: RenderOptions): Promise<HelmOutput> {
  const { presets = [], values, showOnly = [], unchecked = false } = options;
  const { release = RELEASE, namespace = NAMESPACE } = options;
  return await helm([
    ...["template", release, CHART, "--namespace", namespace],
    ...presets.flatMap((preset) => ["--values", `${CHART}/${preset}`]),
    ...(values === undefined ? [] : ["--values", "-"]),
    ...showOnly.flatMap((template) => ["--show-only", template]),
    ...(unchecked ? ["--skip-schema-validation"] : []),
  ], values === undefined ? "" : JSON.stringify(values));
}

/**
 * The objects that the charts render to.
 *
 * @throws {Error} with Helm's message if it refuses.
 */
export async function renderChart(options: RenderOptions = {}): Promise<Manifest[]> {
  const { success, stdout, stderr } = await renderText(options);
  if (!success) throw new Error(stderr);
  return parseAllDocuments(stdout, { merge: true }).flatMap((document) => {
    const [problem] = document.errors;
    if (problem !== undefined) throw problem;
    const manifest: Manifest = document.toJS();
    return manifest === null ? [] : [manifest];
  });
}

/** The lines in which Helm refuses the values. */
export async function refusal(options: RenderOptions): Promise<string[]> {
  const { success, stderr } = await renderText(options);
  if (success) throw new Error("Helm refuses nothing");
  return stderr.split("\n").filter((line) => /^(ERROR: |- at )/.test(line));
}

/** The one object of a kind and name. */
export function find(manifests: readonly Manifest[], kind: string, name: string): Manifest {
  const found = manifests.filter((one) => one.kind === kind && one.metadata.name === name);
  if (found.length === 1) return found[0];
  throw new Error(`There are ${found.length} of ${kind} ${name}`);
}

/** `kind/name` of each object, sorted. */
export function names(manifests: readonly Manifest[]): string[] {
  return manifests.map(({ kind, metadata }) => `${kind}/${metadata.name}`).sort();
}

/** A workload's pod template with its metadata, if it has one. */
export function podTemplate({ kind, metadata, spec }: Manifest): Manifest | undefined {
  if (kind === "Pod") return { metadata, spec };
  if (kind === "CronJob") return spec.jobTemplate.spec.template;
  return ["Deployment", "StatefulSet", "Job"].includes(kind) ? spec.template : undefined;
}

/** All containers of a pod. */
export function containers(template: Manifest): Manifest[] {
  return [...template.spec.initContainers ?? [], ...template.spec.containers];
}
