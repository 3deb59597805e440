import type { Args, Flags, ParseOptions } from "./types.ts";

export type { Args, ParseOptions } from "./types.ts";

type Nested = Record<string, unknown>;

/**
 * Parses command-line arguments: `--name value`, `--name=value`, `--name`, `-abc`, `--no-name`.
 * Values that look like numbers become numbers unless the flag is declared a string.
 */
export function parseArgs<
  const Boolean extends string = never,
  const String extends string = never,
  const Collect extends string = never,
  const Negatable extends string = never,
  // deno-lint-ignore ban-types
  Default extends Record<string, unknown> = {},
  // deno-lint-ignore ban-types
  const Alias extends Record<string, string | readonly string[]> = {},
  DoubleDash extends boolean | undefined = undefined,
>(
  args: readonly string[],
  options: ParseOptions<Boolean, String, Collect, Negatable, Default, Alias, DoubleDash> = {},
): Args<
  // deno-lint-ignore no-explicit-any
  [Boolean | String | Collect] extends [never] ? Record<string, any>
    : Record<string, unknown> & Flags<Boolean, String, Collect, Negatable, Default, Alias>,
  DoubleDash
> {
  // deno-lint-ignore no-explicit-any
  return new Parser(options as ParseOptions).parse(args) as any;
}

class Parser {
  readonly #aliases = new Map<string, Set<string>>();
  readonly #booleans: Set<string>;
  readonly #strings: Set<string>;
  readonly #collect: Set<string>;
  readonly #negatable: Set<string>;
  readonly #allBooleans: boolean;
  readonly #options: ParseOptions;
  readonly #result: Nested & { _: (string | number)[] } = { _: [] };

  constructor(options: ParseOptions) {
    this.#options = options;
    for (const [name, others] of Object.entries(options.alias ?? {})) {
      const group = [name, ...[others].flat()];
      for (const member of group) {
        this.#aliases.set(member, new Set(group.filter((other) => other !== member)));
      }
    }
    this.#allBooleans = options.boolean === true;
    this.#booleans = this.#declared(
      typeof options.boolean === "boolean" ? undefined : options.boolean,
    );
    this.#strings = this.#declared(options.string);
    this.#collect = this.#declared(options.collect);
    this.#negatable = this.#declared(options.negatable);
  }

  parse(args: readonly string[]): Nested {
    const end = args.indexOf("--");
    const flags = end < 0 ? args : args.slice(0, end);
    const rest = end < 0 ? [] : args.slice(end + 1);
    for (let i = 0; i < flags.length; i++) {
      const arg = flags[i]!;
      if (arg === "-" || !arg.startsWith("-")) {
        if (this.#options.unknown?.(arg) === false) continue;
        this.#positional(arg);
        if (this.#options.stopEarly) {
          for (const later of flags.slice(i + 1)) this.#positional(later, true);
          break;
        }
      } else if (arg.startsWith("--")) {
        i += this.#long(arg, flags[i + 1]);
      } else {
        i += this.#short(arg, flags[i + 1]);
      }
    }
    this.#addDefaults();
    if (this.#options["--"]) this.#result["--"] = [...rest];
    else for (const arg of rest) this.#positional(arg, true);
    return this.#result;
  }

  // Both answer how many of the following arguments they took: 0 or 1.
  #long(arg: string, next: string | undefined): number {
    const [, key, value] = arg.match(/^--([^=]+)(?:=(.*))?$/s)!;
    const negated = key!.startsWith("no-") ? key!.slice(3) : undefined;
    if (value === undefined && negated !== undefined && this.#negatable.has(negated)) {
      this.#set(negated, false, arg, false);
      return 0;
    }
    if (value !== undefined) {
      this.#set(key!, this.#booleans.has(key!) ? value !== "false" : value, arg);
      return 0;
    }
    return this.#withNext(key!, arg, next, !this.#allBooleans && !next?.startsWith("-"));
  }

  #short(arg: string, next: string | undefined): number {
    const letters = arg.slice(1);
    for (let i = 0; i < letters.length; i++) {
      const key = letters[i]!;
      const after = letters.slice(i + 1);
      if (after === "") return this.#withNext(key, arg, next, !/^--?[^-]/.test(next ?? ""));
      if (after.startsWith("=") || /^[A-Za-z]$/.test(key) && isNumber(after)) {
        this.#set(key, after.replace(/^=/, ""), arg);
        return 0;
      }
      if (/^\W/.test(after)) {
        this.#set(key, after, arg);
        return 0;
      }
      this.#set(key, this.#strings.has(key) ? "" : true, arg);
    }
    return 0;
  }

  #withNext(key: string, arg: string, next: string | undefined, takes: boolean): number {
    if (next && takes && !this.#booleans.has(key)) {
      this.#set(key, next, arg);
      return 1;
    }
    if (next === "true" || next === "false") {
      this.#set(key, next === "true", arg);
      return 1;
    }
    this.#set(key, this.#strings.has(key) ? "" : true, arg);
    return 0;
  }

  #set(key: string, value: unknown, arg: string, collect = true): void {
    if (!this.#known(key) && this.#options.unknown?.(arg, key, value) === false) return;
    const typed = !this.#strings.has(key) && isNumber(value) ? Number(value) : value;
    for (const name of this.#names(key)) {
      const list = collect && this.#collect.has(name);
      const before = list ? getNested(this.#result, name) : undefined;
      setNested(this.#result, name, list ? [...(before as unknown[] ?? []), typed] : typed);
    }
  }

  #positional(arg: string, raw = false): void {
    this.#result._.push(raw || this.#strings.has("_") || !isNumber(arg) ? arg : Number(arg));
  }

  #addDefaults(): void {
    const missing = (name: string) => getNested(this.#result, name) === undefined;
    for (const [key, value] of Object.entries(this.#options.default ?? {})) {
      for (const name of this.#names(key).filter(missing)) setNested(this.#result, name, value);
    }
    for (const name of [...this.#collect].filter(missing)) setNested(this.#result, name, []);
    for (const name of [...this.#booleans].filter(missing)) setNested(this.#result, name, false);
  }

  #declared(names: string | readonly string[] | undefined): Set<string> {
    const list = names === undefined ? [] : [names].flat();
    return new Set(list.flatMap((name) => this.#names(name)));
  }

  #names(key: string): string[] {
    return [key, ...this.#aliases.get(key) ?? []];
  }

  #known(key: string): boolean {
    return this.#allBooleans || this.#booleans.has(key) || this.#strings.has(key) ||
      this.#aliases.has(key);
  }
}

function isNumber(value: unknown): boolean {
  return typeof value === "number" ||
    typeof value === "string" && /\S/.test(value) && Number.isFinite(Number(value));
}

function getNested(object: Nested, name: string): unknown {
  return name.split(".").reduce<unknown>((at, key) => (at as Nested | undefined)?.[key], object);
}

function setNested(object: Nested, name: string, value: unknown): void {
  const keys = name.split(".");
  const last = keys.pop()!;
  for (const key of keys) object = (object[key] ??= {}) as Nested;
  object[last] = value;
}
