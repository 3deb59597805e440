import {
  CHART,
  containers,
  type Manifest,
  NAMESPACE,
  podTemplate,
  renderChart,
} from "@pipeline/tools/charts";
import { assert, assertEquals, assertThrows } from "@std/assert";

/** Files whose commands are for a release as README installs it. */
const FOLDER = `${CHART}/charts/prometheus/files/runbooks`;

/** The lines of a page that are commands, and its code within a line, with their variables' values. */
function commandsOf(text: string): string[] {
  const lines = text.split("\n");
  const blocks = lines.filter((line) => line.startsWith("    ")).map((line) => line.trim());
  const inline = [...text.matchAll(/`([^`\n]*(?:\$|kubectl|NS=)[^`\n]*)`/g)].map(([, code]) =>
    code!
  );
  const variables = new Map<string, string>();
  const expand = (line: string) =>
    line.replaceAll(
      /\$\{?(\w+)(?::-(\w+))?\}?/g,
      (all, name, otherwise) => variables.get(name) ?? otherwise ?? all,
    );
  return [...blocks, ...inline].map((line) => {
    for (const [, name, value] of line.matchAll(/(?:^|\s)([A-Z]+)=(\S+)/g)) {
      variables.set(name!, value!);
    }
    const counted = /\bfor (\w) in (\d)/.exec(line);
    if (counted !== null) variables.set(counted[1]!, counted[2]!);
    return expand(line);
  });
}

/** What a release is made of, as commands name it. */
class Release {
  readonly #objects = new Map<string, Manifest>();

  constructor(manifests: readonly Manifest[]) {
    for (const one of manifests) {
      const { kind, metadata: { name }, spec } = one;
      this.#add(kind, name, one);
      // The hash says what it does.
      if (kind === "Job") this.#add(kind, name.replace(/\w{10}$/, "..."), one);
      if (kind !== "StatefulSet") continue;
      for (const i of [...Array(spec.replicas).keys(), "N"]) {
        this.#add("Pod", `${name}-${i}`, one);
        for (const { metadata } of spec.volumeClaimTemplates) {
          this.#add("PersistentVolumeClaim", `${metadata.name}-${name}-${i}`, one);
        }
      }
    }
  }

  #add(kind: string, name: string, one: Manifest): void {
    this.#objects.set(`${kind}/${name}`, one);
  }

  /** What is wrong with a command. */
  *problems(command: string): Generator<string> {
    for (const [, namespace] of command.matchAll(/(?:-n |\/namespaces\/)([^\s/]+)/g)) {
      if (namespace !== NAMESPACE) yield `${namespace} is not the namespace`;
    }
    const made = /create job (\S+)/.exec(command)?.[1];
    for (const [name] of command.matchAll(/(?<![\w.-])(?:data-)?reddit-[\w.-]*\w/g)) {
      if (name === NAMESPACE || name === made || this.#made.has(name)) continue;
      const [before] = command.split(name, 1) as [string];
      const kind = KINDS.find(([form]) => form.test(before))?.[1];
      const found = [...this.#objects.keys()].filter((key) => key.endsWith(`/${name}`));
      if (found.length === 0) yield `there is no ${name}`;
      else if (kind !== undefined && !found.includes(`${kind}/${name}`)) {
        yield `there is no ${kind} ${name}`;
      }
      const after = command.slice(before.length + name.length);
      yield* this.#parts(name, after);
    }
    if (made !== undefined) this.#made.add(made);
    for (const [, component] of command.matchAll(/kubernetes\.io\/component=([\w-]+)/g)) {
      const there = [...this.#objects.values()]
        .some(({ metadata }) => metadata.labels["app.kubernetes.io/component"] === component);
      if (!there) yield `no component is ${component}`;
    }
  }

  readonly #made = new Set<string>();

  /** The port or container that is named after an object. */
  *#parts(name: string, after: string): Generator<string> {
    const container = /^ -c (\S+)/.exec(after)?.[1];
    const pod = this.#objects.get(`Pod/${name}`);
    const all = pod === undefined ? [] : containers(podTemplate(pod)!);
    if (container !== undefined && !all.some((one) => one.name === container)) {
      yield `${name} has no container ${container}`;
    }
    const port = /^:(\w+)\/proxy/.exec(after)?.[1];
    if (port === undefined) return;
    const service = this.#objects.get(`Service/${name}`);
    const ports = service?.spec.ports ?? all.flatMap((one) => one.ports ?? []);
    const known = ports.flatMap((one: Manifest) => [one.name, `${one.port ?? one.containerPort}`]);
    if (!known.includes(port)) yield `${name} has no port ${port}`;
  }
}

/** How kubectl is told a kind, before a name. */
const KINDS: readonly [RegExp, string][] = [
  [/\b(svc\/|\/services\/)$/, "Service"],
  [/\bdeploy(ment)?[/ ]$/, "Deployment"],
  [/\bcronjob[/ ]$/, "CronJob"],
  [/\bpvc $/, "PersistentVolumeClaim"],
  [/\b(pod[/ ]|\/pods\/|exec |logs )$/, "Pod"],
];

const pages = (await Array.fromAsync(Deno.readDir(FOLDER))).map(({ name }) => name).sort();
const release = new Release(await renderChart());

for (const page of pages) {
  Deno.test(`commands of ${page} name what README's release has`, async () => {
    const commands = commandsOf(await Deno.readTextFile(`${FOLDER}/${page}`));
    const problems = commands.flatMap((one) =>
      [...release.problems(one)].map((problem) => `${one}: ${problem}`)
    );
    assertEquals(problems, []);
    assert(page === "README.md" || commands.some((one) => one.includes(`NS=${NAMESPACE}`)), page);
  });
}

Deno.test("a command with a wrong name is found", () => {
  for (
    const wrong of [
      "kubectl -n reddit get pods",
      "kubectl -n reddit-pipeline logs reddit-kafka-3",
      "kubectl -n reddit-pipeline exec reddit-kafka-0 -c broker -- ls",
      "kubectl -n reddit-pipeline logs deployment/reddit-kafka",
      "kubectl -n reddit-pipeline get pvc data-reddit-serving-0",
      "kubectl get --raw /api/v1/namespaces/reddit-pipeline/services/reddit-serving:https/proxy/v1",
      "kubectl get pods -l app.kubernetes.io/component=broker",
    ]
  ) assertThrows(() => assertEquals([...release.problems(wrong)], []), Error, undefined, wrong);
});
