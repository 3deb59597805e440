import ts from "typescript";

/** What the rules of the repository look at in a TypeScript file. */
export interface Source {
  /** Path relative to the root. */
  path: string;
  imports: Import[];
  /** Globals and their members that the code touches, such as `console` or `Deno.env`. */
  touches: Use[];
  hasDefaultExport: boolean;
  /** Tests that are switched off or that switch off the others. */
  disabledTests: Use[];
}

/** One import or re-export, static or dynamic. */
export interface Import {
  specifier: string;
  line: number;
}

/** Something that the code uses, by name. */
export interface Use {
  name: string;
  line: number;
}

const WATCHED_OBJECTS = new Set(["Deno", "process", "Date", "Math", "performance", "crypto"]);
const WATCHED_GLOBALS = new Set([
  "console",
  "fetch",
  "setTimeout",
  "setInterval",
  "queueMicrotask",
  "performance",
]);

/** Parses a file; what the compiler's parser does not see as code is never reported. */
export function parseSource(path: string, text: string): Source {
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true, kindOf(path));
  const source: Source = {
    path,
    imports: [],
    touches: [],
    hasDefaultExport: false,
    disabledTests: [],
  };
  const lineOf = (node: ts.Node) => file.getLineAndCharacterOfPosition(node.getStart()).line + 1;
  const visit = (node: ts.Node): void => {
    const specifier = specifierOf(node);
    if (specifier !== undefined) source.imports.push({ specifier, line: lineOf(node) });
    if (isDefaultExport(node)) source.hasDefaultExport = true;
    for (const name of touchedBy(node)) source.touches.push({ name, line: lineOf(node) });
    const disabled = disabledTest(node);
    if (disabled) source.disabledTests.push({ name: disabled, line: lineOf(node) });
    // Types run nothing: `typeof fetch` or `Date` in a signature is no use of either.
    if (!ts.isTypeNode(node) || ts.isExpressionWithTypeArguments(node)) {
      ts.forEachChild(node, visit);
    } else if (specifierOf(node) === undefined) {
      ts.forEachChild(node, (child) => collectImportTypes(child));
    }
  };
  const collectImportTypes = (node: ts.Node): void => {
    const specifier = specifierOf(node);
    if (specifier !== undefined) source.imports.push({ specifier, line: lineOf(node) });
    ts.forEachChild(node, collectImportTypes);
  };
  visit(file);
  return source;
}

function kindOf(path: string): ts.ScriptKind {
  if (path.endsWith(".tsx")) return ts.ScriptKind.TSX;
  return path.endsWith(".js") ? ts.ScriptKind.JS : ts.ScriptKind.TS;
}

function specifierOf(node: ts.Node): string | undefined {
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) {
    return node.moduleSpecifier && textOf(node.moduleSpecifier);
  }
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
    return textOf(node.argument.literal);
  }
  if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
    return node.arguments[0] && textOf(node.arguments[0]);
  }
  if (isWorkerUrl(node)) return textOf(node.arguments![0]!);
  return undefined;
}

// `new URL("./x.ts", import.meta.url)` names a module as much as an import does.
function isWorkerUrl(node: ts.Node): node is ts.NewExpression {
  if (!ts.isNewExpression(node) || node.expression.getText() !== "URL") return false;
  const [target, base] = node.arguments ?? [];
  return target !== undefined && /\.(ts|js)$/.test(textOf(target) ?? "") &&
    base?.getText() === "import.meta.url";
}

function textOf(node: ts.Node): string | undefined {
  return ts.isStringLiteralLike(node) ? node.text : undefined;
}

function isDefaultExport(node: ts.Node): boolean {
  if (ts.isExportAssignment(node)) return true;
  if (ts.isExportSpecifier(node)) return node.name.text === "default";
  return ts.canHaveModifiers(node) &&
    (ts.getModifiers(node) ?? []).some(({ kind }) => kind === ts.SyntaxKind.DefaultKeyword);
}

function touchedBy(node: ts.Node): string[] {
  if (ts.isPropertyAccessExpression(node)) {
    const object = node.expression.getText().replace(/^globalThis\./, "");
    if (WATCHED_OBJECTS.has(object)) return [`${object}.${node.name.text}`];
    if (object === "globalThis" && WATCHED_GLOBALS.has(node.name.text)) return [node.name.text];
    return [];
  }
  if (ts.isElementAccessExpression(node)) {
    const object = node.expression.getText().replace(/^globalThis\./, "");
    const key = textOf(node.argumentExpression);
    return WATCHED_OBJECTS.has(object) ? [`${object}.${key ?? "*"}`] : [];
  }
  if (ts.isVariableDeclaration(node) && ts.isObjectBindingPattern(node.name)) {
    const object = node.initializer?.getText() ?? "";
    if (!WATCHED_OBJECTS.has(object)) return [];
    return node.name.elements.map((e) => `${object}.${(e.propertyName ?? e.name).getText()}`);
  }
  if (ts.isNewExpression(node) && node.expression.getText() === "Date") {
    return (node.arguments ?? []).length === 0 ? ["new Date()"] : [];
  }
  if (ts.isIdentifier(node) && WATCHED_GLOBALS.has(node.text) && isReference(node)) {
    return [node.text];
  }
  return [];
}

function isReference(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent)) return parent.expression === node;
  if (ts.isPropertyAssignment(parent)) return parent.initializer === node;
  if (ts.isShorthandPropertyAssignment(parent)) return true;
  if (ts.isBindingElement(parent) || ts.isParameter(parent) || ts.isVariableDeclaration(parent)) {
    return parent.initializer === node;
  }
  return !(ts.isImportSpecifier(parent) || ts.isExportSpecifier(parent) ||
    ts.isPropertySignature(parent) || ts.isPropertyDeclaration(parent) ||
    ts.isMethodSignature(parent) || ts.isMethodDeclaration(parent) ||
    ts.isFunctionDeclaration(parent) || ts.isGetAccessor(parent));
}

function disabledTest(node: ts.Node): string | undefined {
  if (!ts.isCallExpression(node)) return undefined;
  const callee = node.expression.getText();
  if (/^Deno\.(test|bench)\.(only|ignore)$/.test(callee)) return callee;
  if (!/^(Deno\.(test|bench)|\w+\.step)$/.test(callee)) return undefined;
  for (const argument of node.arguments.filter(ts.isObjectLiteralExpression)) {
    for (const property of argument.properties) {
      const name = property.name?.getText() ?? "";
      const value = ts.isPropertyAssignment(property) ? property.initializer.getText() : name;
      // A test may be left out under a condition: the gate lists it then.
      if (name === "only" && value !== "false" || name === "ignore" && value === "true") {
        return `${name} of ${callee}()`;
      }
    }
  }
  return undefined;
}
