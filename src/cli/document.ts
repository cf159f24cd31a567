/** YAML and JSON documents with the place of every value. */
import { readFile } from "node:fs/promises";
import { isMap, isScalar, isSeq, LineCounter, type Node, type Pair, parseDocument } from "yaml";
import type { Diagnostic } from "../errors/diagnostic.ts";
import { pointerTokens } from "../util/pointer.ts";

/** As large as the API takes a configuration. */
const MAX_DOCUMENT_BYTES = 32 * 1024 * 1024;
/** Aliases can blow a small document up; honest ones use a few. */
const MAX_ALIASES = 1000;

/** Where something stands; counted from 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

export interface LoadedDocument {
  /** File name as given; `-` is standard input. */
  readonly file: string;
  readonly value: unknown;
  /** Problems of syntax; `value` is null then. */
  readonly problems: readonly PlacedProblem[];
  /** The place of the value that a pointer names, or of its nearest ancestor. */
  readonly placeOf: (pointer: string) => Place;
}

/** A diagnostic with its place in a file. */
export interface PlacedProblem extends Diagnostic {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** Reads a file, or standard input for `-`. Throws when it cannot be read. */
export async function loadDocument(file: string): Promise<LoadedDocument> {
  const text = file === "-" ? await readStandardInput() : await readFile(file, "utf8");
  if (Buffer.byteLength(text) > MAX_DOCUMENT_BYTES)
    throw new Error(`${file} is larger than ${MAX_DOCUMENT_BYTES} bytes`);
  return parseText(file, text);
}

async function readStandardInput(): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}

/** Parses text as one YAML 1.2 document (JSON is YAML). */
export function parseText(file: string, text: string): LoadedDocument {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true, prettyErrors: false, version: "1.2" });
  const at = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  const problems = document.errors.map(
    (error): PlacedProblem => ({
      code: "DOCUMENT-SYNTAX",
      severity: "error",
      message: error.message,
      pointer: "",
      file,
      ...at(error.pos[0]),
    }),
  );
  const placeOf = (pointer: string): Place => at(offsetOf(document.contents as Node | null, pointerTokens(pointer)));
  if (problems.length > 0) return { file, value: null, problems, placeOf };
  try {
    return { file, value: document.toJS({ maxAliasCount: MAX_ALIASES }), problems, placeOf };
  } catch (error) {
    const message = (error as Error).message;
    return {
      file,
      value: null,
      problems: [{ code: "DOCUMENT-SYNTAX", severity: "error", message, pointer: "", file, line: 1, column: 1 }],
      placeOf,
    };
  }
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
