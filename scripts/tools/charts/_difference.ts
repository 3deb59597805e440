/**
 * The difference between objects, each change with the names of its parents: whatever is unchanged
 * beside and above it does not appear, and may change without it.
 *
 * @module
 */

import { diffArrays } from "diff";
import type { ObjectText } from "./_object_text.ts";

/** The lines to remove and to add, as a diff without line numbers. */
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
  /** Its parents, from the outermost in. */
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

/** A line, or an item that begins at its first member. */
interface Entry {
  readonly indent: number;
  /** The name of its content; of an item, the text that identifies it. */
  readonly name?: string | undefined;
  readonly isItem: boolean;
}

/** The names of a line's parents, and the item of a list unless the line identifies it. */
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

/** The next line above with less indentation; an item may begin at its list's own indentation. */
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
