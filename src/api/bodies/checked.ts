/** JSON that is checked before it is built: in UTF-8, well-formed, within its bounds, no key twice. Runs in a worker, or at once. */
import { isUtf8 } from "node:buffer";
import { pointer } from "../../util/pointer.ts";
import { finish } from "../../util/steps.ts";
import { readRun } from "./build.ts";
import { type Fault, findFault, placeOf } from "./jsonFault.ts";
import { type Bounds, type LargeItem, type Outline, outline } from "./outline.ts";

/** A text that is JSON. */
export interface Sound extends Omit<Outline, "largeItem"> {
  readonly kind: "sound";
  /** The outline's frame, parsed. */
  readonly value: unknown;
  /** Pointer of the first item of a list that is larger than a resource may be. */
  readonly largeItem: string | null;
}

/** What is wrong, as a sentence for the sender. */
export interface Unsound {
  readonly kind: "unsound";
  readonly code: "API-BAD-REQUEST" | "API-TOO-LARGE";
  readonly detail: string;
}

/** Checks a text without byte-order mark. */
export function check(bytes: Buffer, bounds: Bounds): Sound | Unsound {
  if (!isUtf8(bytes)) {
    const text = bytes.toString("utf8");
    return unsound(text, { at: invalidAt(bytes, text), what: "a byte that is no UTF-8" });
  }
  const found = outline(bytes, bounds);
  if (typeof found === "string") return { kind: "unsound", code: "API-BAD-REQUEST", detail: found };
  try {
    const value: unknown = JSON.parse(found.frame);
    if (keysIn(value, found, bytes) === found.colons)
      return { ...found, kind: "sound", value, largeItem: pointerOf(found.largeItem, bytes) };
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  const text = bytes.toString("utf8");
  return unsound(text, finish(findFault(text)) ?? { at: 0, what: "a key stands twice" });
}

function unsound(text: string, { at, what }: Fault): Unsound {
  const { line, column } = finish(placeOf(text, at));
  return {
    kind: "unsound",
    code: "API-BAD-REQUEST",
    detail: `the body breaks at line ${line}, column ${column}: ${what}`,
  };
}

/** Where decoding put a U+FFFD that the bytes do not have. */
function invalidAt(bytes: Buffer, text: string): number {
  let offset = 0;
  let from = 0;
  for (;;) {
    const at = text.indexOf("\ufffd", from);
    offset += Buffer.byteLength(text.slice(from, at));
    if (at < 0 || bytes.toString("latin1", offset, offset + 3) !== "\xef\xbf\xbd") return Math.max(at, 0);
    offset += 3;
    from = at + 1;
  }
}

/** Different keys of all objects. JSON.parse keeps the last of equal keys: then there are more colons than keys. */
function keysIn(node: unknown, found: Outline, bytes: Buffer): number {
  if (found.runs.length === 0) return keysOf(node);
  const runs = { ...found, bytes };
  const below = (entry: unknown): number =>
    typeof entry === "number" ? keysOf(readRun(runs, entry)) : keysIn(entry, found, bytes);
  if (Array.isArray(node)) return node.reduce<number>((sum, entry) => sum + below(entry), 0);
  const keys = new Set<string>();
  let deeper = 0;
  for (const [key, entry] of Object.entries(node as object)) {
    deeper += below(entry);
    const own = typeof entry === "number" ? Object.keys(readRun(runs, entry)) : [key];
    for (const name of own) keys.add(name);
    // They were counted with what is below.
    if (typeof entry === "number") deeper -= own.length;
  }
  return keys.size + deeper;
}

/** Of a value that nests no deeper than the outline allows. */
function keysOf(value: unknown): number {
  if (value === null || typeof value !== "object") return 0;
  let keys = 0;
  if (Array.isArray(value)) {
    for (const child of value) if (typeof child === "object") keys += keysOf(child);
    return keys;
  }
  // Half the time of Object.values; what JSON.parse makes inherits no keys.
  for (const key in value) {
    keys++;
    const child = (value as Record<string, unknown>)[key];
    if (typeof child === "object") keys += keysOf(child);
  }
  return keys;
}

function pointerOf(item: LargeItem | null, bytes: Buffer): string | null {
  return item === null ? null : pointer(JSON.parse(bytes.toString("utf8", ...item.list)) as string, item.index);
}
