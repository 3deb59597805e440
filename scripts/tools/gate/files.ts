const SKIPPED = new Set([".git", ".cache", "coverage", "data", "dist", "node_modules"]);

/** Files below the folders (or the files themselves), sorted, relative to the current folder. */
export async function listFiles(
  paths: readonly string[],
  suffix: string,
): Promise<string[]> {
  const found: string[] = [];
  const visit = async (path: string): Promise<void> => {
    for await (const entry of Deno.readDir(path)) {
      const child = path === "." ? entry.name : `${path}/${entry.name}`;
      if (entry.isDirectory && !SKIPPED.has(entry.name)) await visit(child);
      else if (entry.isFile && entry.name.endsWith(suffix)) found.push(child);
    }
  };
  for (const path of paths.map(normalize)) {
    if ((await Deno.stat(path)).isDirectory) await visit(path);
    else found.push(path);
  }
  return [...new Set(found)].sort();
}

function normalize(path: string): string {
  const relative = path.startsWith(`${Deno.cwd()}/`) ? path.slice(Deno.cwd().length + 1) : path;
  return relative.replace(/^(\.\/)+/, "").replace(/\/+$/, "") || ".";
}

/** Whether a test needs the machine to itself, since it starts processes or measures time. */
export function runsAlone(file: string): boolean {
  return file.startsWith("tests/e2e/") || file.endsWith("_perf_test.ts");
}

/** Whether a test needs real servers. */
export function needsServers(file: string): boolean {
  return file.endsWith("_servers_test.ts");
}

/** Whether a test that needs servers uses the shared ones; otherwise it starts its own. */
export async function sharesServers(file: string): Promise<boolean> {
  return (await Deno.readTextFile(file)).includes("sharedServers()");
}

/**
 * Whether a test needs a Kubernetes cluster, which the caller must provide: `scripts/test-cluster`.
 */
export function needsCluster(file: string): boolean {
  return file.endsWith("_cluster_test.ts");
}

/** The entry points of the jobs, from the `exports` of their manifests. */
export async function publicModules(): Promise<string[]> {
  const manifests = (await listFiles(["jobs"], "deno.json"))
    .filter((path) => path.split("/").length === 3);
  const modules = await Promise.all(manifests.map(async (path) => {
    const { exports } = JSON.parse(await Deno.readTextFile(path));
    const targets: string[] = typeof exports === "string" ? [exports] : Object.values(exports);
    return targets.map((target) => path.replace("deno.json", target.replace(/^\.\//, "")));
  }));
  return modules.flat();
}
