/**
 * The outline of a JSON text: where its lists and objects can be cut, so that the value is built bit by bit; and its bounds,
 * before anything is built. One pass over the bytes, which trusts nothing.
 *
 * What is short enough stands in a *run*: neighbouring items or members, with the commas between them. The *frame* is the text
 * with each run replaced by its number: it is JSON exactly when the long lists and objects are well-formed around their runs.
 */
import { MAX_JSON_DEPTH, MAX_JSON_KEYS, MAX_SCALAR_BYTES } from "../limits.ts";

/** A text that keeps the bounds. That it is JSON is not known yet. */
export interface Outline {
  readonly frame: string;
  /** `[from, to)` of each run, in bytes. */
  readonly runs: Uint32Array;
  /** Whether a run has members of an object. */
  readonly inObject: readonly boolean[];
  /** Colons outside strings: one for each key. */
  readonly colons: number;
  /** Lists and objects; values beside them are at most as many as commas. */
  readonly containers: number;
  readonly commas: number;
  /** The first resource, as item of a list of the outermost object, that is larger than one may be. */
  readonly largeItem: LargeItem | null;
}

/** Where it stands: the bytes of its list's key, with their quotes, and its place in the list. */
export interface LargeItem {
  readonly list: readonly [number, number];
  readonly index: number;
}

/** What a text is looked at with. */
export interface Bounds {
  /** Of one item of a list of the outermost object. */
  readonly itemBytes: number;
  readonly itemValues: number;
  /** Above this a list or object is cut. */
  readonly runBytes: number;
}

/** A list or object that is not closed yet. */
interface Open {
  readonly at: number;
  readonly isObject: boolean;
  /** Containers and commas before it. */
  readonly valuesBefore: number;
  commas: number;
  /** Where the present run begins; -1: behind something long, until the next comma. */
  runFrom: number;
  lastComma: number;
  /** The last string at this level: in front of a member's value that is its key. */
  key: readonly [number, number];
}

interface Run {
  readonly from: number;
  readonly to: number;
  readonly inObject: boolean;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const COMMA = 0x2c;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/** How deep an item of a configuration stands: in a list of the outermost object. */
const ITEM_DEPTH = 3;

/** The outline, or the bound that the text breaks, as a sentence about the body. */
export function outline(bytes: Buffer, { itemBytes, itemValues, runBytes }: Bounds): Outline | string {
  const runs: Run[] = [];
  const open: Open[] = [];
  const count = { colons: 0, containers: 0, commas: 0 };
  let largeItem: LargeItem | null = null;
  let broken: string | null = null;

  const cut = ({ runFrom, isObject }: Open, to: number): void => {
    if (runFrom < 0 || to <= runFrom || isBlank(bytes, runFrom, to)) return;
    if (to - runFrom > MAX_SCALAR_BYTES) broken = `a value of the body has more than ${MAX_SCALAR_BYTES} bytes`;
    runs.push({ from: runFrom, to, inObject: isObject });
  };
  const begin = (at: number, isObject: boolean): void => {
    const valuesBefore = count.containers++ + count.commas;
    open.push({ at, isObject, valuesBefore, commas: 0, runFrom: at + 1, lastComma: -1, key: [0, 0] });
    if (open.length > MAX_JSON_DEPTH) broken = `the body nests deeper than ${MAX_JSON_DEPTH} levels`;
  };
  const next = (level: Open | undefined, at: number): void => {
    count.commas++;
    if (level === undefined) return;
    if (++level.commas >= MAX_JSON_KEYS && level.isObject)
      broken = `an object of the body has more than ${MAX_JSON_KEYS} keys`;
    if (level.runFrom < 0) level.runFrom = at + 1;
    else if (at - level.runFrom > runBytes) {
      cut(level, at);
      level.runFrom = at + 1;
    }
    level.lastComma = at;
  };
  const end = (level: Open, at: number): void => {
    const above = open.at(-1);
    const values = count.containers + count.commas - level.valuesBefore;
    if (at - level.at > itemBytes || values > itemValues) {
      const [root] = open;
      if (open.length === ITEM_DEPTH - 1 && root?.isObject && above?.isObject === false)
        largeItem ??= { list: root.key, index: above.commas };
    }
    if (at - level.at <= runBytes) return;
    cut(level, at);
    if (above === undefined) return;
    cut(above, above.lastComma);
    above.runFrom = -1;
  };

  for (let at = 0; at < bytes.length && broken === null; at++) {
    const byte = bytes[at];
    if (byte === QUOTE) {
      const from = at;
      at = closingQuote(bytes, at);
      const level = open.at(-1);
      if (level?.isObject) level.key = [from, at + 1];
    } else if (byte === COMMA) next(open.at(-1), at);
    else if (byte === COLON) count.colons++;
    else if (byte === OPEN_LIST || byte === OPEN_OBJECT) begin(at, byte === OPEN_OBJECT);
    else if (byte === CLOSE_LIST || byte === CLOSE_OBJECT) {
      const level = open.pop();
      if (level !== undefined) end(level, at);
    }
  }
  if (broken !== null) return broken;
  const frame = framed(bytes, runs);
  // Keys of long lists and objects stand in it, and white space.
  if (frame.frame.length > MAX_SCALAR_BYTES) return `a value of the body has more than ${MAX_SCALAR_BYTES} bytes`;
  return { ...count, ...frame, largeItem };
}

/** Where the string that begins here ends. */
function closingQuote(bytes: Buffer, from: number): number {
  for (let at = from + 1; at < bytes.length; at++) {
    const byte = bytes[at];
    if (byte === QUOTE) return at;
    if (byte === BACKSLASH) at++;
  }
  return bytes.length;
}

function isBlank(bytes: Buffer, from: number, to: number): boolean {
  for (let at = from; at < to; at++) {
    const byte = bytes[at] as number;
    if (byte > 0x20) return false;
  }
  return true;
}

/** Of JSON. */
function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

/** The text around the runs, without the blanks around it all, which are numbered in its order. */
function framed(bytes: Buffer, found: readonly Run[]): Pick<Outline, "frame" | "runs" | "inObject"> {
  const sorted = found.toSorted((a, b) => a.from - b.from);
  const parts: string[] = [];
  let [at, end] = [0, bytes.length];
  while (isSpace(bytes[at])) at++;
  while (end > at && isSpace(bytes[end - 1])) end--;
  for (const [index, { from, to, inObject }] of sorted.entries()) {
    parts.push(bytes.toString("utf8", at, from), inObject ? `"\\u0000${index}":${index}` : String(index));
    at = to;
  }
  parts.push(bytes.toString("utf8", at, end));
  return {
    frame: parts.join(""),
    runs: Uint32Array.from(sorted.flatMap(({ from, to }) => [from, to])),
    inObject: sorted.map(({ inObject }) => inObject),
  };
}
