/**
 * Holds a command against what its program knows, without doing what it does.
 *
 * @module
 */

import { words } from "./_commands.ts";

/** Shell built-ins, and programs that every system has. */
const OF_THE_SYSTEM =
  /^(curl|kill|git|tail|head|grep|sed|sort|uniq|for|do|done|docker|env|cat|df)$/;

/** What is wrong with a command, where something is; these functions its page has defined. */
export async function problemOf(
  command: string,
  defined: Set<string> = new Set(),
): Promise<string | undefined> {
  // Ellipses and names to be filled in stand for what a person puts there.
  const text = command.replace(/ \.\.\. /, " RELEASE CHART ").replace(/ &$/, "");
  const syntax = await run(["bash", "-n", "-c", text]);
  if (syntax.code !== 0) return syntax.text;
  const [, name, body] = /^(\w+)\(\) \{ (.*); \}$/.exec(text) ?? [];
  if (name !== undefined) defined.add(name);
  for (const part of (body ?? text).split(/ \| |; (?:do )?/)) {
    const [program, ...args] = words(part)
      .filter((word, i, all) => !(isAssignment(word) && all.slice(0, i).every(isAssignment)));
    if (program === undefined || defined.has(program) || OF_THE_SYSTEM.test(program)) continue;
    const problem = await check(program, args);
    if (problem !== undefined) return problem;
  }
}

function isAssignment(word: string): boolean {
  return /^[A-Z_]+=/.test(word);
}

async function check(program: string, args: readonly string[]): Promise<string | undefined> {
  switch (program) {
    case "make":
      return await failure(["make", "--dry-run", "--no-print-directory", ...args]);
    case "helm":
      return await checkHelm(args);
    case "kubectl":
      return await checkKubectl(args);
    case "deno":
    case "scripts/deno":
      return await checkDeno(args);
    case "scripts/test":
      return await checkPaths(args);
  }
  if (!program.startsWith("scripts/")) return `the program ${program} is not known`;
  const known = await failure([program, "--help"]);
  if (known !== undefined) return known;
  if (program === "scripts/helm" || program === "scripts/kubectl") return undefined;
  const named = args.filter((arg) => !arg.startsWith("-"));
  // A script's commands come before its flags; what follows a flag is its value.
  const commands = args.slice(0, args.findIndex((arg) => arg.startsWith("-")) >>> 0);
  const most = program === "scripts/job" ? 2 : 1;
  return await flagsIn([program, ...commands.slice(0, most), "--help"], args) ??
    await commandsIn([program, "--help"], named.slice(0, 1)) ??
    (program === "scripts/job"
      ? await commandsIn([program, named[0]!, "--help"], named.slice(1, 2))
      : undefined);
}

/** Tests and folders of them. */
async function checkPaths(args: readonly string[]): Promise<string | undefined> {
  const end = args.indexOf("--");
  for (const path of end < 0 ? args : args.slice(0, end)) {
    if (await Deno.stat(path).catch(() => undefined) === undefined) return `there is no ${path}`;
  }
}

async function checkDeno([verb, name, ...rest]: readonly string[]): Promise<string | undefined> {
  if (verb !== "task") return undefined;
  const { tasks } = JSON.parse(await Deno.readTextFile("deno.json"));
  if (!Object.hasOwn(tasks, name!)) return `there is no task ${name}`;
  return await flagsIn(["scripts/deno", "task", "--quiet", name!, "--help"], rest);
}

async function checkHelm(args: readonly string[]): Promise<string | undefined> {
  const [verb] = args;
  // What installs is rendered, values and all.
  if (/^(install|upgrade)$/.test(verb!) && args.includes("charts/reddit-pipeline")) {
    const known = await flagsIn(["scripts/helm", verb!, "--help"], args);
    const rendered = args.slice(1).filter((arg) => !/^--(create-namespace|install)$/.test(arg));
    return known ?? await failure(["scripts/helm", "template", ...rendered]);
  }
  const known = await commandsIn(["scripts/helm", "--help"], [verb!]);
  return known ?? await flagsIn(["scripts/helm", verb!, "--help"], args);
}

/** Where there is no kubectl, only names are held, by tests/charts/runbooks_test.ts. */
async function checkKubectl(args: readonly string[]): Promise<string | undefined> {
  if ((await run(["kubectl", "options"])).code !== 0) return undefined;
  const common = (await run(["kubectl", "options"])).text;
  // Options may come before the verb: -n NAMESPACE.
  const verb = args.find((arg, i) => !arg.startsWith("-") && args[i - 1] !== "-n");
  const create = verb === "create" && args.includes("job") ? ["job"] : [];
  const end = args.indexOf("--");
  const { code, text } = await run(["kubectl", verb!, ...create, "--help"]);
  if (code !== 0) return `kubectl has no command ${verb}`;
  return unknownFlag(end < 0 ? args : args.slice(0, end), `${text}\n${common}`);
}

/** A flag that a program's help does not show. */
async function flagsIn(help: string[], args: readonly string[]): Promise<string | undefined> {
  if (!args.some((arg) => arg.startsWith("-"))) return undefined;
  return unknownFlag(args, (await run(help)).text);
}

function unknownFlag(args: readonly string[], help: string): string | undefined {
  for (const arg of args.filter((arg) => /^-/.test(arg) && arg !== "-")) {
    const flag = arg.split("=", 1)[0]!;
    // -XPUT and -A8 are a flag with its value.
    const forms = flag.startsWith("--") ? [flag] : [flag, flag.slice(0, 2)];
    const shown = (form: string) =>
      new RegExp(`(^|[\\s,\\[|])${form}([\\s,=\\]|]|$)`, "m").test(help);
    if (!forms.some(shown)) return `${flag} is not known`;
  }
}

/** A command that a program's help does not show. */
async function commandsIn(help: string[], names: readonly string[]): Promise<string | undefined> {
  if (names.length === 0) return undefined;
  const { text } = await run(help);
  for (const name of names) {
    if (!new RegExp(`(^|[\\s|(\\[,])${RegExp.escape(name)}([\\s|,)\\]]|$)`, "m").test(text)) {
      return `${name} is not known`;
    }
  }
}

async function failure(command: string[]): Promise<string | undefined> {
  const { code, text } = await run(command);
  return code === 0 ? undefined : text.trim().split("\n").slice(-3).join(" ");
}

/** Answers are kept: pages ask for the same help many times. */
const answers = new Map<string, Promise<{ readonly code: number; readonly text: string }>>();

function run(command: string[]): Promise<{ readonly code: number; readonly text: string }> {
  const key = JSON.stringify(command);
  const answer = answers.get(key) ?? execute(command);
  answers.set(key, answer);
  return answer;
}

async function execute([program, ...args]: string[]) {
  try {
    const { code, stdout, stderr } = await new Deno.Command(program!, {
      args,
      env: { MAKEFLAGS: "", MAKELEVEL: "", NO_COLOR: "1" },
      stdin: "null",
    }).output();
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    return { code, text: text(stdout) + text(stderr) };
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return { code: 127, text: `${program} is not there` };
  }
}
