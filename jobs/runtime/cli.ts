/**
 * Command lines from schemas: type, meaning and default of each flag come from its zod schema, and
 * so does the help.
 *
 * @module
 */

import { PipelineError } from "@pipeline/core";
import { parseArgs } from "@std/cli";
import type { z } from "zod";
import { allowed, explain } from "./explain.ts";
import { suggestion } from "./nearest.ts";
import { choices, defaultOf, fromText, kindOf, members, type Schema } from "./schema.ts";

/** A command of a program. */
export interface Command {
  /** What the command does, in one line. */
  readonly summary: string;
  /**
   * The flags, in camelCase; `maxRecords` is given as `--max-records`. Meanings come from
   * `.describe()`, which must be the last call on a member.
   */
  readonly flags: z.ZodObject;
}

/** A program with its commands by name. */
export interface Program<C extends Readonly<Record<string, Command>>> {
  /** Name of the executable, as shown in the help. */
  readonly name: string;
  /** One or two lines: what the program is for. */
  readonly summary: string;
  /** The commands by name. */
  readonly commands: C;
  /** The command to run if none is named; a program's only command needs no name. */
  readonly fallback?: keyof C & string;
}

/** A command with its checked flags, or the requested help. */
export type CommandLine<C extends Readonly<Record<string, Command>>> =
  | { readonly command: "help"; readonly text: string }
  | {
    [K in keyof C & string]: { readonly command: K; readonly flags: z.output<C[K]["flags"]> };
  }[keyof C & string];

/**
 * Reads a command line.
 *
 * @throws {PipelineError} `invalid`, with one line per problem.
 */
export function parseCommandLine<C extends Readonly<Record<string, Command>>>(
  program: Program<C>,
  args: readonly string[],
): CommandLine<C> {
  const [first, ...rest] = args;
  const named = first !== undefined && !first.startsWith("-");
  if (named && first === "help") return { command: "help", text: helpText(program) };
  const name = named ? first : program.fallback ?? onlyCommand(program);
  if (name === undefined || !Object.hasOwn(program.commands, name)) {
    if (!named && (first === undefined || isHelp(first))) {
      return { command: "help", text: helpText(program) };
    }
    throw invalid(unknownCommand(program, first!));
  }
  const tail = named ? rest : args;
  if (tail.some(isHelp)) return { command: "help", text: helpText(program, name) };
  const flags = parseFlags(program.commands[name]!.flags, tail);
  return { command: name, flags } as CommandLine<C>;
}

function onlyCommand<C extends Readonly<Record<string, Command>>>({ commands }: Program<C>) {
  const names = Object.keys(commands);
  return names.length === 1 ? names[0] : undefined;
}

/** The flag that sets a member: `maxRecords` is `--max-records`. */
export function flagName(member: string): string {
  return `--${member.replaceAll(/([a-z0-9])([A-Z])/g, "$1-$2").toLowerCase()}`;
}

function isHelp(arg: string): boolean {
  return arg === "--help" || arg === "-h";
}

function unknownCommand<C extends Readonly<Record<string, Command>>>(
  program: Program<C>,
  arg: string,
): string {
  const what = arg.startsWith("-") ? "option" : "command";
  return `${arg} is no ${what} of ${program.name}${suggestion(arg, Object.keys(program.commands))}`;
}

function parseFlags<S extends z.ZodObject>(schema: S, args: readonly string[]): z.output<S> {
  const byFlag = new Map(
    members(schema).map(([key, member]) => [flagName(key).slice(2), {
      key,
      member,
    }]),
  );
  const names = [...byFlag.keys()];
  const isBoolean = (name: string) => kindOf(byFlag.get(name)!.member) === "boolean";
  const problems: string[] = [];
  const parsed = parseArgs([...args], {
    boolean: names.filter(isBoolean),
    string: names.filter((name) => !isBoolean(name)),
    collect: names.filter((name) => kindOf(byFlag.get(name)!.member) === "array"),
    negatable: names.filter(isBoolean),
    unknown: (arg, key) => {
      const flag = arg.split("=", 1)[0]!;
      problems.push(
        key === undefined
          ? `${arg} is one argument too many`
          : `${flag} is not known${suggestion(flag, [...names.map((n) => `--${n}`), "--help"])}`,
      );
      return false;
    },
  }) as unknown as Record<string, unknown>;
  const input = new Map<string, unknown>();
  for (const [name, { key, member }] of byFlag) {
    const given = Object.hasOwn(parsed, name) ? parsed[name] : undefined;
    if (isBoolean(name)) {
      // The parser reports false for absent flags, where the schema's default applies.
      if (args.some((arg) => mentions(arg, name))) input.set(key, given);
    } else if (Array.isArray(given)) {
      if (given.length > 0) input.set(key, given.flatMap((value) => listOf(member, value)));
    } else if (given !== undefined) {
      input.set(key, fromText(member, String(given)));
    }
  }
  const values = Object.fromEntries(input);
  const result = schema.safeParse(values, { error: allowed });
  if (result.success && problems.length === 0) return result.data;
  if (!result.success) {
    problems.push(
      ...explain(result.error.issues, schema, values, (path) => flagName(String(path[0]))),
    );
  }
  throw invalid(problems.join("\n"));
}

function mentions(arg: string, name: string): boolean {
  return arg === `--${name}` || arg === `--no-${name}` || arg.startsWith(`--${name}=`);
}

function listOf(schema: Schema, value: unknown): unknown[] {
  const read = fromText(schema, String(value));
  return Array.isArray(read) ? read : [read];
}

function helpText<C extends Readonly<Record<string, Command>>>(
  program: Program<C>,
  name?: string,
): string {
  const names = Object.keys(program.commands);
  if (name === undefined && names.length > 1) {
    return [
      `Usage: ${program.name} COMMAND [flags]`,
      "",
      program.summary,
      "",
      ...table(names.map((n) => [
        n,
        program.commands[n]!.summary + (n === program.fallback ? " (where none is named)" : ""),
      ])),
      "",
      `${program.name} COMMAND --help describes a command's flags.`,
    ].join("\n");
  }
  const chosen = name ?? names[0]!;
  const command = program.commands[chosen]!;
  const usage = names.length > 1 ? `${program.name} ${chosen}` : program.name;
  const flags = members(command.flags).map((
    [key, schema],
  ) => [flagUsage(key, schema), meaning(schema)]);
  return [
    `Usage: ${usage} [flags]`,
    "",
    command.summary,
    "",
    ...table([...flags, ["--help", "Prints this."]]),
  ].join("\n");
}

function flagUsage(key: string, schema: Schema): string {
  const kind = kindOf(schema);
  if (kind === "boolean") return flagName(key);
  const allowed = choices(schema);
  const value = allowed?.join("|") ?? (kind === "array" ? "A,B" : key.toUpperCase());
  return `${flagName(key)} ${value}`;
}

function meaning(schema: Schema): string {
  const described = (schema as z.ZodType).description ?? "";
  const value = defaultOf(schema);
  if (value === undefined || value === false) return described;
  const shown = typeof value === "string" ? value : JSON.stringify(value);
  return `${described} (default: ${shown})`.trim();
}

function table(rows: readonly (readonly string[])[]): string[] {
  const width = Math.max(...rows.map(([left]) => left!.length));
  return rows.map(([left, right]) => `  ${left!.padEnd(width)}  ${right}`.trimEnd());
}

function invalid(message: string): PipelineError {
  return new PipelineError("invalid", message);
}
