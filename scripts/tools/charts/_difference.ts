/**
 * How objects differ from others, with each change below the names of what it is in: what stays the same beside it
 * and above it may change without it.
 *
 * @module
 */

import { diffArrays } from "diff";
import type { ObjectText } from "./_object_text.ts";

/** What to take from the objects before and what to put there, as a diff without numbers of lines. */
export function difference(before: readonly ObjectText[], after: readonly ObjectText[]): string {
  const [old, now] = [byKey(before), byKey(after)];
  const gone = before.filter(({ key }) => !now.has(key)).map(({ key }) => `-${key}`);
  const changed = after.flatMap(({ key, lines }) => {
    const was = old.get(key);
    if (was === undefined) return [`@@ ${key} @@`, ...lines.map((line) => `+${line}`)];
    return changes(was, lines).flatMap(({ path, marked }, i, all) =>
      all[i - 1]?.path === path ? marked : [`@@ ${[key, path].join(" ").trim()} @@`, ...marked]
    );
  });
  return [...gone, ...changed].map((line) => `${line}\n`).join("");
}

function byKey(texts: readonly ObjectText[]): Map<string, readonly string[]> {
  const map = new Map(texts.map(({ key, lines }) => [key, lines]));
  if (map.size === texts.length) return map;
  throw new Error(`There are two of one kind and name among ${[...map.keys()].join(", ")}`);
}

interface Change {
  /** What it is in, from the outside. */
  readonly path: string;
  /** Lines, each with its mark. */
  readonly marked: readonly string[];
}

function changes(before: readonly string[], after: readonly string[]): Change[] {
  const found: Change[] = [];
  let [old, now] = [0, 0];
  for (const { added, removed, value } of diffArrays([...before], [...after])) {
    if (removed) {
      found.push({ path: pathOf(before, old), marked: value.map((line) => `-${line}`) });
    } else if (added) {
      found.push({ path: pathOf(after, now), marked: value.map((line) => `+${line}`) });
    }
    if (!added) old += value.length;
    if (!removed) now += value.length;
  }
  return found;
}

/** A line, or that an item begins where its first member does. */
interface Entry {
  readonly indent: number;
  /** The name of what is in it; of an item, what tells it apart. */
  readonly name?: string | undefined;
  readonly isItem: boolean;
}

/** The names of what a line is in, and which item of a list it is where it does not say so itself. */
function pathOf(lines: readonly string[], at: number): string {
  const entries = lines.slice(0, at + 1).flatMap(entriesOf);
  const own = entries.length - entriesOf(lines[at]!).length;
  const { isItem, name } = entries[own]!;
  const names = isItem && name === undefined ? [labelOf(entries, own)] : [];
  for (let i = parentOf(entries, own); i >= 0; i = parentOf(entries, i)) {
    names.unshift(labelOf(entries, i));
  }
  return names.filter((name) => name !== "{").join(" > ").replaceAll(" > [", "[");
}

function entriesOf(line: string): Entry[] {
  const [, space, dash = "", rest] = /^( *)(- )?(.*)$/.exec(line)!;
  const indent = space!.length;
  const key = {
    indent: indent + dash.length,
    name: rest!.replace(/:( \|-?| [{[])?$/, "").replaceAll('"', ""),
    isItem: false,
  };
  if (dash === "") return [key];
  return [{ indent, name: /^\{?(name: [^,}]+)/.exec(rest!)?.[1], isItem: true }, key];
}

/** The next one above that is less indented; an item may also begin below the first letter of its list's name. */
function parentOf(entries: readonly Entry[], at: number): number {
  const { indent, isItem } = entries[at]!;
  return entries.slice(0, at).findLastIndex((above) =>
    above.indent < indent || (isItem && !above.isItem && above.indent === indent)
  );
}

function labelOf(entries: readonly Entry[], at: number): string {
  const { indent, name, isItem } = entries[at]!;
  if (!isItem) return name!;
  const before = entries.slice(parentOf(entries, at) + 1, at)
    .filter((one) => one.isItem && one.indent === indent);
  return `[${name ?? before.length}]`;
}
