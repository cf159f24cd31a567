/** The repository's files as the tidy test sees them: text, lines, imports and exports (by a real parser). */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseAst } from "rolldown/parseAst";
import { type AstNode, isNode, walk } from "./ast.ts";
import { moduleMemories } from "./memories.ts";
import { proxyNames } from "./proxyNames.ts";

/** The repository. */
export const root = fileURLToPath(new URL("../../..", import.meta.url));

/** A place in a file, and what is there. */
export interface Place {
  /** 1-based. */
  readonly line: number;
  readonly text: string;
}

/** A parsed source file. */
export interface Source {
  /** From the repository's root, with `/`. */
  readonly path: string;
  readonly text: string;
  /** Number of lines. */
  readonly size: number;
  /** What it imports, re-exports, imports dynamically or starts as a worker; relative ones resolved to a path from the root. */
  readonly imports: readonly Place[];
  /** Declarations with `export` that nothing documents. */
  readonly undocumented: readonly Place[];
  /** Every `any` type. */
  readonly anys: readonly Place[];
  /** Where it knows a proxy by name. */
  readonly proxyNames: readonly Place[];
  /** Declarations that remember something from one call to the next, by name. */
  readonly memories: readonly Place[];
}

/** Every file that `.gitignore` leaves, ascending. Without git: a machine that only runs the tests may not have it. */
export function listFiles(): string[] {
  const lines = readFileSync(join(root, ".gitignore"), "utf8").split("\n");
  const patterns = [".git/", ...lines].filter((line) => line !== "").map((line) => line.replace(/\/$/, ""));
  const isIgnored = (path: string): boolean =>
    patterns.some((pattern) => {
      if (pattern.startsWith("*")) return path.endsWith(pattern.slice(1));
      return path === pattern.replace(/^\//, "") || path.endsWith(`/${pattern}`);
    });
  const below = (folder: string): string[] =>
    readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
      const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
      if (isIgnored(path)) return [];
      return entry.isDirectory() ? below(path) : [path];
    });
  return below("").sort();
}

/** Reads and parses one file. `path` from the root. */
export function readSource(path: string): Source {
  return parseSource(path, readFileSync(join(root, path), "utf8"));
}

/** As `readSource`, with the text given. */
export function parseSource(path: string, text: string): Source {
  const options = { lang: path.endsWith(".ts") ? "ts" : "js", sourceType: "module" } as const;
  const program = parseAst(text, options, path) as unknown as AstNode;
  const lineAt = lineFinder(text);
  const imports: Place[] = [];
  const anys: Place[] = [];
  walk(program, (node) => {
    const specifier = importedBy(node);
    if (specifier !== undefined) imports.push({ line: lineAt(node.start), text: resolveImport(path, specifier) });
    if (node.type === "TSAnyKeyword") anys.push({ line: lineAt(node.start), text: "any" });
  });
  // Workers and child processes are started by name.
  for (const match of text.matchAll(/["'`/](\w+(?:Worker|Child))(?:\.ts)?["'`$]/g))
    imports.push({ line: lineAt(match.index), text: resolveImport(path, `./${match[1]}.ts`) });
  const undocumented = undocumentedExports(text, program.body as AstNode[]).map((node) => ({
    line: lineAt(node.start),
    text: text.slice(node.start, node.end).split("\n", 1)[0] as string,
  }));
  const size = text.trimEnd().split("\n").length;
  const named = proxyNames(program).map(({ start, end }) => ({ line: lineAt(start), text: text.slice(start, end) }));
  const memories = moduleMemories(program).map(({ node, name }) => ({ line: lineAt(node.start), text: name }));
  return { path, text, size, imports, undocumented, anys, proxyNames: named, memories };
}

const IMPORTING = new Set([
  "ImportDeclaration",
  "ExportNamedDeclaration",
  "ExportAllDeclaration",
  "ImportExpression",
  "TSImportType",
]);

/** The module that a node names, if it names one. */
function importedBy(node: AstNode): string | undefined {
  if (!IMPORTING.has(node.type)) return undefined;
  const source = node.source as { value?: unknown } | null | undefined;
  return typeof source?.value === "string" ? source.value : undefined;
}

function resolveImport(from: string, specifier: string): string {
  return specifier.startsWith(".") ? join(dirname(from), specifier) : specifier;
}

/**
 * Exports without a doc comment. One comment may speak for a block of exports without blank lines, and a file's head comment
 * for its only export. Re-exports are documented where the thing is declared.
 */
function undocumentedExports(text: string, body: readonly AstNode[]): AstNode[] {
  const exported = body.filter((node) => node.type === "ExportNamedDeclaration" && isNode(node.declaration));
  if (exported.length === 1 && text.startsWith("/**")) return [];
  let last: AstNode | undefined;
  return exported.filter((node) => {
    const inBlock = last !== undefined && text.slice(last.end, node.start) === "\n";
    if (!inBlock && !isDocumented(text, node)) return true;
    last = node;
    return false;
  });
}

/** Whether a doc comment stands right before (lint remarks may stand between); for an interface, beside its fields is enough. */
function isDocumented(text: string, { start, end, declaration }: AstNode): boolean {
  const isShape = /^TS(Interface|TypeAlias)Declaration$/.test((declaration as AstNode).type);
  if (isShape && text.slice(start, end).includes("/**")) return true;
  const before = text
    .slice(0, start)
    .replace(/(?:\s*\/\/[^\n]*\n)+$/, "")
    .trimEnd();
  return before.endsWith("*/") && before.slice(before.lastIndexOf("/*")).startsWith("/**");
}

function lineFinder(text: string): (offset: number) => number {
  const starts = [0];
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) starts.push(at + 1);
  return (offset) => starts.findLastIndex((start) => start <= offset) + 1;
}
