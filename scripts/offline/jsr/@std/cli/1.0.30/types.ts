// The shape of a result, computed from the options. A dotted name is one key here and nested in the
// result, so dotted names are typed `unknown` only; nothing in this project uses them.

/** A default's key makes the flag present, with the default's type beside the flag's own. */
type WithDefault<Key, Type, Default> = Key extends keyof Default ? NonNullable<Type> | Default[Key]
  : Type;

type Aliased<Name extends string, Alias> = Name extends keyof Alias ?
    | Name
    | (Alias[Name] extends readonly (infer Other extends string)[] ? Other
      : Alias[Name] extends string ? Alias[Name]
      : never)
  : Name;

type StringFlag<Name, Collect, Negatable> =
  | (Name extends Collect ? string[] : string | undefined)
  | (Name extends Negatable ? false : never);

type BooleanFlag<Name, Collect> = Name extends Collect ? boolean[] : boolean;

/** What `parseArgs` finds for the flags that the options declare. */
export type Flags<
  Boolean extends string,
  String extends string,
  Collect extends string,
  Negatable extends string,
  Default,
  Alias,
> =
  & {
    [Name in String as Aliased<Name, Alias>]: WithDefault<
      Name,
      StringFlag<Name, Collect, Negatable>,
      Default
    >;
  }
  & {
    [Name in Boolean as Aliased<Name, Alias>]: WithDefault<
      Name,
      BooleanFlag<Name, Collect>,
      Default
    >;
  }
  & {
    [Name in Exclude<Collect, String | Boolean> as Aliased<Name, Alias>]: WithDefault<
      Name,
      unknown[],
      Default
    >;
  }
  & { [Name in Exclude<keyof Default, String | Boolean | Collect | "_">]: unknown };

/** The result of `parseArgs`: the flags, and in `_` what belongs to none. */
export type Args<
  // deno-lint-ignore no-explicit-any
  Values extends Record<string, unknown> = Record<string, any>,
  DoubleDash extends boolean | undefined = undefined,
> =
  & Values
  & { _: (string | number)[] }
  & (DoubleDash extends true ? { "--": string[] } : unknown);

/** The options of `parseArgs`. */
export interface ParseOptions<
  Boolean extends string = string,
  String extends string = string,
  Collect extends string = string,
  Negatable extends string = string,
  Default extends Record<string, unknown> = Record<string, unknown>,
  Alias extends Record<string, string | readonly string[]> = Record<
    string,
    string | readonly string[]
  >,
  DoubleDash extends boolean | undefined = boolean | undefined,
> {
  /** Whether what follows `--` is put under `--` instead of `_`. */
  "--"?: DoubleDash;
  /** Other names of a flag. */
  alias?: Alias;
  /** Flags without a value; `true` for every flag without an equal sign. */
  boolean?: boolean | Boolean | readonly Boolean[];
  /** Flags that may be repeated, as arrays. */
  collect?: Collect | readonly Collect[];
  /** Values of flags that are not given. */
  default?: Default;
  /** Flags that `--no-x` sets to false. */
  negatable?: Negatable | readonly Negatable[];
  /** Whether everything after the first argument that is no flag goes to `_`. */
  stopEarly?: boolean;
  /** Flags whose value stays a string. */
  string?: String | readonly String[];
  /** Called for each flag that is not declared; `false` leaves it out. */
  unknown?: (arg: string, key?: string, value?: unknown) => unknown;
}
