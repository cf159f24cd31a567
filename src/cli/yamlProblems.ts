/** What is wrong with a YAML document as such, in words that speak of the document and not of its parser. */
import { type Document, isAlias, isScalar, type LineCounter, type ParsedNode, visit } from "yaml";

/** Where it went wrong, and why. */
export interface YamlProblem {
  readonly message: string;
  /** Into the text. */
  readonly offset: number;
}

/** The first ones are the cause, the rest follows from them. */
const MAX_SYNTAX_PROBLEMS = 20;
const TOO_DEEP = "lists or maps are nested too deeply";

type Parsed = Document.Parsed<ParsedNode>;

/** What the parser found; empty: the text is one well-formed document. */
export function syntaxProblems(document: Parsed, lines: LineCounter): readonly YamlProblem[] {
  const { errors } = document;
  const deep = errors.find(({ message }) => isTooDeep(message));
  if (deep !== undefined) return [{ message: TOO_DEEP, offset: deep.pos[0] }];
  const told = errors.slice(0, MAX_SYNTAX_PROBLEMS);
  const again = told.some(({ code }) => code === "DUPLICATE_KEY") ? repeatedKeys(document, lines) : new Map();
  return told.map(({ code, message, pos: [offset] }) => {
    if (code === "MULTIPLE_DOCS") return { message: "a second document begins here; a model is one document", offset };
    return { message: again.get(offset) ?? message, offset };
  });
}

/** Where keys stand that their map has already, and what to say there. */
function repeatedKeys(document: Parsed, lines: LineCounter): ReadonlyMap<number, string> {
  const found = new Map<number, string>();
  visit(document, {
    Map(_key, { items }) {
      const first = new Map<unknown, number>();
      for (const { key } of items) {
        if (!isScalar(key)) continue;
        const offset = key.range?.[0] ?? 0;
        const before = first.get(key.value);
        if (before === undefined) first.set(key.value, offset);
        else {
          const { line } = lines.linePos(before);
          found.set(offset, `the key ${JSON.stringify(key.value)} is here again; it stands in line ${line} already`);
        }
      }
    },
  });
  return found;
}

/** An alias that names nothing before it, or what it stands in itself: such a document has no end. Null: there is none. */
export function aliasProblem(document: Parsed): YamlProblem | null {
  const anchors = new Map<string, unknown>();
  let found: YamlProblem | null = null;
  visit(document, {
    Node(_key, node, path) {
      if (!isAlias(node)) {
        if (node.anchor !== undefined) anchors.set(node.anchor, node);
        return undefined;
      }
      const named = anchors.get(node.source);
      if (named !== undefined && !(path as readonly unknown[]).includes(named)) return undefined;
      const what = named === undefined ? "names no anchor before it" : "stands inside of what it names";
      found = { message: `the alias *${node.source} ${what}`, offset: node.range?.[0] ?? 0 };
      return visit.BREAK;
    },
  });
  return found;
}

/** What parsing (no document then), or making a value, threw: it is too deep, or its aliases multiply (told at the first one). */
export function valueProblem(document: Parsed | null, error: Error): YamlProblem {
  if (document === null || isTooDeep(error.message)) return { message: TOO_DEEP, offset: 0 };
  let offset = 0;
  visit(document, {
    Alias(_key, { range }) {
      offset = range?.[0] ?? 0;
      return visit.BREAK;
    },
  });
  return { message: "its aliases repeat more than a model needs: write out what they name", offset };
}

function isTooDeep(message: string): boolean {
  return /call stack|stack overflow/i.test(message);
}
