/**
 * One namespace of the cluster that kubectl talks to.
 *
 * @module
 */

import { command } from "@pipeline/tools/servers";

/** An object of Kubernetes, as the API has it. */
// deno-lint-ignore no-explicit-any
export type Resource = any;

/** Runs kubectl in one namespace. */
export class Kube {
  /** @param namespace need not exist yet. */
  constructor(readonly namespace: string) {}

  /** What kubectl prints. */
  run(...args: string[]): Promise<string> {
    return command("kubectl", ["--namespace", this.namespace, ...args]);
  }

  /** What kubectl prints when it is given objects. */
  async runWith(objects: unknown, ...args: string[]): Promise<string> {
    const file = await Deno.makeTempFile({ suffix: ".json" });
    try {
      await Deno.writeTextFile(file, JSON.stringify(objects));
      return await this.run(...args, "--filename", file);
    } finally {
      await Deno.remove(file);
    }
  }

  /** The objects of a kind that a selector matches, in the order of their names. */
  async list(kind: string, selector = ""): Promise<Resource[]> {
    const text = await this.run("get", kind, "--selector", selector, "--output", "json");
    return JSON.parse(text).items;
  }

  /** One object. Rejects where it does not exist. */
  async get(kind: string, name: string): Promise<Resource> {
    return JSON.parse(await this.run("get", kind, name, "--output", "json"));
  }

  /** Asks a port of a Service over HTTP, through the API server. */
  async ask(service: string, port: string, path: string): Promise<Resource> {
    const proxy = `/api/v1/namespaces/${this.namespace}/services/${service}:${port}/proxy${path}`;
    return JSON.parse(await command("kubectl", ["get", "--raw", proxy], { timeout: 20_000 }));
  }
}

/** The nodes of the cluster. */
export async function nodes(): Promise<Resource[]> {
  return JSON.parse(await command("kubectl", ["get", "nodes", "--output", "json"])).items;
}

/** Makes a namespace in which only pods of the restricted standard may run. */
export async function makeNamespace(name: string): Promise<void> {
  await command("kubectl", ["create", "namespace", name]);
  const modes = ["enforce", "warn"].map((mode) => `pod-security.kubernetes.io/${mode}=restricted`);
  await command("kubectl", ["label", "namespace", name, ...modes]);
}

/** Whether a pod, Deployment or other object has a condition. */
export function isTrue(resource: Resource, condition: string): boolean {
  const conditions: Resource[] = resource.status?.conditions ?? [];
  return conditions.some(({ type, status }) => type === condition && status === "True");
}

/**
 * Resolves with what `check` gives as soon as that is something.
 *
 * @param what is missing until then, for the error.
 * @param seconds that it may take.
 */
export async function until<T>(
  what: string,
  seconds: number,
  check: () => Promise<T | undefined | false>,
): Promise<T> {
  const deadline = performance.now() + seconds * 1_000;
  let failure: unknown;
  for (;;) {
    try {
      const found = await check();
      if (found !== undefined && found !== false) return found;
      failure = undefined;
    } catch (error) {
      failure = error;
    }
    if (performance.now() > deadline) {
      throw new Error(`After ${seconds} s: ${what}`, { cause: failure });
    }
    await new Promise((resolve) => setTimeout(resolve, 2_000));
  }
}
