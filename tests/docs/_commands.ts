/**
 * What pages tell people to type: their blocks of code, and commands within a line.
 *
 * @module
 */

/** A block of code of a page. */
export interface Block {
  /** Of the page, relative to the root. */
  readonly page: string;
  /** Its lines as they are, without the indentation that all share. */
  readonly lines: readonly string[];
}

/** The blocks of a page in Markdown: fenced ones, and ones that are indented by four or more. */
export function blocksOf(page: string, text: string): Block[] {
  const blocks: string[][] = [];
  let block: string[] | undefined;
  let fence: string | undefined;
  let blank = true;
  for (const line of text.split("\n")) {
    const mark = /^\s*(```+|~~~+)/.exec(line)?.[1];
    if (fence !== undefined) {
      if (mark !== undefined && mark.startsWith(fence)) fence = block = undefined;
      else block!.push(line);
    } else if (mark !== undefined) {
      fence = mark;
      blocks.push(block = []);
    } else if (/^( {4,}|\t)\S/.test(line) && (blank || block !== undefined)) {
      if (block === undefined) blocks.push(block = []);
      block.push(line);
    } else if (line.trim() !== "") {
      block = undefined;
    }
    blank = line.trim() === "";
  }
  return blocks.map((lines) => {
    const depth = Math.min(...lines.map((line) => line.length - line.trimStart().length));
    return { page, lines: lines.map((line) => line.slice(depth)) };
  });
}

/** The commands of a block, each as one line: comments go, and lines that go on are joined. */
export function commandsOf({ lines }: Pick<Block, "lines">): string[] {
  const commands: string[] = [];
  let begun = "";
  for (const line of lines) {
    const bare = line.replace(/("[^"]*"|'[^']*')|(^|\s)#.*$/g, (_, quoted) => quoted ?? "");
    const text = `${begun}${bare.trim()}`;
    begun = /[|\\]$/.test(text) ? `${text.replace(/\s*\\$/, "")} ` : "";
    if (begun === "" && text !== "") commands.push(text);
  }
  return commands;
}

/** Commands within a line: code that begins with one of these programs, and has something after it. */
export function inlineCommands(text: string, programs: RegExp): string[] {
  return Array.from(text.matchAll(/`([^`\n]+)`/g), ([, code]) => code!)
    .filter((code) => programs.test(code));
}

/** The words of a simple command; quotes are gone. */
export function words(command: string): string[] {
  return Array.from(
    command.matchAll(/(?:[^\s"']|"[^"]*"|'[^']*')+/g),
    ([word]) => word.replaceAll(/"([^"]*)"|'([^']*)'/g, "$1$2"),
  );
}
