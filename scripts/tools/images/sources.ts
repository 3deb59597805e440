/**
 * The sources of a job's binary: the modules that its entry points import, and its packages.
 *
 * @module
 */

import { PipelineError } from "@pipeline/core";
import { command } from "../servers/mod.ts";
import type { JobName, JobSpec } from "./jobs.ts";
import { type Lock, pruneLock } from "./lock.ts";

/** The root of the repository. */
export const ROOT: string = new URL("../../..", import.meta.url).pathname.replace(/\/$/, "");

/** The pinned Deno. */
export const DENO: string = `${ROOT}/scripts/deno`;

/** The sources of a job's binary. */
export interface JobSources {
  /** As stated in its manifest. */
  readonly version: string;
  /** The manifest, which resolves bare specifiers. */
  readonly manifest: string;
  /** The packages. */
  readonly lock: Lock;
  /** Files by path, from the root of the repository. */
  readonly files: readonly string[];
  /** A folder with stand-ins for packages of JSR, if they are used. */
  readonly standIns?: string;
}

/** Determines the sources of a job. */
export async function jobSources(job: JobName, spec: JobSpec): Promise<JobSources> {
  const { include = [] } = spec;
  const entries = [`jobs/${job}/main.ts`, ...include.filter((path) => path.endsWith(".ts"))];
  const modules = (await Promise.all(entries.map(moduleGraph))).flat();
  const files = new Set(modules.flatMap(({ local }) => relative(local) ?? []));
  for (const path of include.filter((path) => !path.endsWith(".ts"))) {
    for await (const { name, isFile } of Deno.readDir(`${ROOT}/${path}`)) {
      if (isFile && !name.endsWith(".ts")) files.add(`${path}/${name}`);
    }
  }
  const declared = await declaredImports();
  const imports = new Map<string, string>();
  for (const { dependencies = [] } of modules) {
    for (const { specifier, code, type } of dependencies) {
      if (/^(\.|node:)/.test(specifier)) continue;
      const target = relative((code ?? type)?.specifier?.replace(/^file:\/\//, ""));
      if (target !== undefined && target.startsWith("jobs/")) {
        imports.set(specifier, `./${target}`);
      } else {
        const name = /^(@[^/]+\/[^/]+|[^/]+)/.exec(specifier)![1]!;
        imports.set(name, declared.get(name)!);
      }
    }
  }
  const packages = [...imports.values()].filter((target) => !target.startsWith("./"));
  const lock: Lock = JSON.parse(await Deno.readTextFile(`${ROOT}/deno.lock`));
  const { version } = JSON.parse(await Deno.readTextFile(`${ROOT}/jobs/${job}/deno.json`));
  const registry = Deno.env.get("JSR_URL") ?? "";
  return {
    version,
    manifest: JSON.stringify({ imports: Object.fromEntries([...imports].sort()) }, undefined, 2),
    lock: pruneLock(lock, packages),
    files: [...files].filter((path) => path.startsWith("jobs/")).sort(),
    ...registry.startsWith("file:") ? { standIns: decodeURI(new URL(registry).pathname) } : {},
  };
}

interface Module {
  /** Path of the file. */
  readonly local?: string;
  readonly dependencies?: readonly {
    readonly specifier: string;
    readonly code?: { readonly specifier?: string };
    readonly type?: { readonly specifier?: string };
  }[];
}

async function moduleGraph(entry: string): Promise<Module[]> {
  const text = await command(DENO, ["info", "--json", entry], { cwd: ROOT });
  const modules: (Module & { readonly error?: string; readonly specifier: string })[] =
    JSON.parse(text).modules;
  for (const { error, specifier } of modules) {
    if (error !== undefined) throw new PipelineError("invalid", `${specifier}: ${error}`);
  }
  return modules;
}

/** The path from the root of the repository, if it is inside. */
function relative(path: string | undefined): string | undefined {
  return path?.startsWith(`${ROOT}/`) ? path.slice(ROOT.length + 1) : undefined;
}

/** Packages by name, as declared by the manifests of the members and of the root. */
async function declaredImports(): Promise<Map<string, string>> {
  const { workspace, imports } = JSON.parse(await Deno.readTextFile(`${ROOT}/deno.json`));
  const declared = new Map<string, string>(Object.entries(imports));
  for (const member of workspace as string[]) {
    if (!member.startsWith("./jobs/")) continue;
    const { imports = {} } = JSON.parse(await Deno.readTextFile(`${ROOT}/${member}/deno.json`));
    for (const [name, target] of Object.entries<string>(imports)) {
      if ((declared.get(name) ?? target) !== target) {
        throw new PipelineError(
          "invalid",
          `${name} is declared both ${declared.get(name)} and ${target}`,
        );
      }
      declared.set(name, target);
    }
  }
  return declared;
}
