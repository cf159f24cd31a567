/** YAML and JSON documents with the place of every value. */
import {
  type Document,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  type ParsedNode,
  parseDocument,
} from "yaml";
import type { Diagnostic } from "../errors/diagnostic.ts";
import { pointerTokens } from "../util/pointer.ts";
import type { cliCodes } from "./codes.ts";
import { readAll, readText } from "./readText.ts";
import { aliasProblem, syntaxProblems, valueProblem, type YamlProblem } from "./yamlProblems.ts";

/** Aliases can blow a small document up; honest ones use a few. */
const MAX_ALIASES = 1000;

/** Where something stands. */
export interface Place {
  readonly file: string;
  /** Counted from 1, as the column is. */
  readonly line: number;
  readonly column: number;
  /** Into the file. */
  readonly pointer: string;
}

export interface LoadedDocument {
  /** File name as given; `-` is standard input. Of several files: how many. */
  readonly file: string;
  /** All that it was read from. */
  readonly files: readonly string[];
  readonly bytes: number;
  readonly value: unknown;
  /** Problems of syntax; `value` is null then. */
  readonly problems: readonly PlacedProblem[];
  /** The place of the key or list item that a pointer names, or of its nearest ancestor. */
  readonly placeOf: (pointer: string) => Place;
}

/** A diagnostic with its place in a file. */
export interface PlacedProblem extends Omit<Diagnostic, "related">, Place {
  /** Where the other one stands of two that do not go together. */
  readonly related?: Place;
}

/** Problems in the order of the files, and of what stands in each. */
export function inOrder({ files }: LoadedDocument, problems: readonly PlacedProblem[]): PlacedProblem[] {
  const places = new Map(files.map((file, index) => [file, index]));
  const order = ({ file }: Place): number => places.get(file) ?? 0;
  return [...problems].sort((a, b) => order(a) - order(b) || a.line - b.line || a.column - b.column);
}

/** Reads a file, or standard input for `-`. Throws when it cannot be read. */
export async function loadDocument(file: string): Promise<LoadedDocument> {
  return parseText(file, file === "-" ? await readAll(process.stdin, file) : await readText(file));
}

/** Parses text as one YAML 1.2 document (JSON is YAML). */
export function parseText(file: string, text: string): LoadedDocument {
  const lines = new LineCounter();
  const at = (offset: number, pointer = ""): Place => {
    const { line, col } = lines.linePos(offset);
    return { file, line: Math.max(1, line), column: Math.max(1, col), pointer };
  };
  const bytes = Buffer.byteLength(text);
  const problem = (code: keyof typeof cliCodes, message: string, offset: number): PlacedProblem => ({
    code,
    severity: "error",
    message: message.replace(/\s*\n\s*/g, " "),
    ...at(offset),
  });
  const broken = (problems: readonly PlacedProblem[]): LoadedDocument => ({
    file,
    files: [file],
    bytes,
    value: null,
    problems,
    placeOf: () => at(0),
  });
  const malformed = (...found: readonly YamlProblem[]): LoadedDocument =>
    broken(found.map(({ message, offset }) => problem("DOCUMENT-SYNTAX", message, offset)));
  let document: Document.Parsed<ParsedNode> | null = null;
  try {
    document = parse(text, lines);
    const problems = syntaxProblems(document, lines);
    if (problems.length > 0) return malformed(...problems);
    const alias = aliasProblem(document);
    if (alias !== null) return malformed(alias);
    const value: unknown = document.toJS({ maxAliasCount: MAX_ALIASES });
    if (value === null || value === undefined)
      return broken([problem("DOCUMENT-EMPTY", "the document is empty; to mean an empty configuration write {}", 0)]);
    const root = document.contents as Node | null;
    const placeOf = (pointer: string): Place => at(offsetOf(root, pointerTokens(pointer)), pointer);
    return { file, files: [file], bytes, value, problems: [], placeOf };
  } catch (error) {
    return malformed(valueProblem(document, error as Error));
  }
}

function parse(text: string, lineCounter: LineCounter): Document.Parsed<ParsedNode> {
  return parseDocument(text, {
    lineCounter,
    uniqueKeys: true,
    prettyErrors: false,
    version: "1.2",
    // What it would warn of on standard error is an error in the model, and told as such.
    logLevel: "error",
  });
}

function offsetOf(root: Node | null, tokens: readonly string[]): number {
  let node: Node | null | undefined = root;
  let offset = root?.range?.[0] ?? 0;
  for (const token of tokens) {
    if (isMap(node)) {
      const pair: Pair<unknown, unknown> | undefined = node.items.find(
        ({ key }) => isScalar(key) && String(key.value) === token,
      );
      if (pair === undefined) return offset;
      offset = (pair.key as Node).range?.[0] ?? offset;
      node = pair.value as Node | null;
    } else if (isSeq(node)) {
      node = node.items[Number(token)] as Node | undefined;
      if (node == null) return offset;
      offset = node.range?.[0] ?? offset;
    } else return offset;
  }
  return offset;
}
