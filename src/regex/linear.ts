/**
 * Expressions as PCRE2 (nginx, HAProxy) can match them in linear time and constant memory: RE2 always does, PCRE2 backtracks.
 * A group repeat keeps a mark per round on the JIT's stack of 32 KiB, and when that is full the proxies take the error for "no
 * match": a long path would pass a rule that should stop it. Two repeats that can share bytes take quadratic time (seconds for
 * 60 KiB). So every repeat whose end the next byte decides is written possessively, and `.*a.*b` with atomic groups. Where that
 * is not enough the whole expression is made anew from its automaton (`loops.ts`). What grows too large that way is refused.
 */
import { createRecent } from "../util/recent.ts";
import { automatonOf } from "./automaton.ts";
import { dialectProblem } from "./dialect.ts";
import { loopsOf } from "./loops.ts";
import type { Meter } from "./meter.ts";
import { NotOfDialectError, parseRegex } from "./parse.ts";
import { bytesOf, isSetRepeat, longest, pcreBytes, type Repeat, type SetRepeat, startOf } from "./shape.ts";
import { type ByteSet, type RegexNode, withoutGroups } from "./tree.ts";
import { spread, variants } from "./variants.ts";

/** `pattern` matches what the expression matches. With a `problem` (why it cannot be done) it is the expression as it came. */
export interface LinearRegex {
  readonly pattern: string;
  readonly problem: string | null;
}

/** Ways in which a place of the text may be tried. JIT gives up after 10 million steps; texts have up to 60 KiB. */
const MAX_WAYS = 128;
/** Bytes that are looked at again after an ambiguous repeat count as one way more. */
const BYTES_PER_WAY = 32;
/** PCRE2 refuses programs over 65 535 bytes; ours is an upper estimate. */
const MAX_PROGRAM_BYTES = 40_000;
/** A counted group is written out, and each copy keeps a mark on the stack until the last one: measured with nested groups. */
const MAX_COPIES = 100;
/** A parameter of nginx has 4 096 bytes, quoted. */
const MAX_PATTERN = 4000;
const TOO_LARGE = "its counted groups and alternatives make it too large";
/** A hundred thousand usual expressions, or the worst of a whole model: see `regexWork` in src/model/bounds.ts. */
const MAX_KNOWN_BYTES = 32 * 1024 * 1024;
/** Of an entry, beside its texts. */
const ENTRY_BYTES = 200;

interface Known {
  /** Why it is not of the common dialect, or null. */
  readonly problem: string | null;
  readonly linear: LinearRegex;
  readonly work: number;
}

const known = createRecent<Known>(MAX_KNOWN_BYTES);

/** The expression, of the common dialect, for PCRE2. Remembers what MAX_KNOWN_BYTES hold. */
export function linearRegex(text: string): LinearRegex {
  return analysed(text).linear;
}

/** What it takes to write the expression for PCRE2: about microseconds, the same on every machine. The work is done and kept. */
export function regexWork(text: string): number {
  return analysed(text).work;
}

/** Why the expression cannot be used at all, as one sentence, or null. */
export function regexProblem(text: string): string | null {
  return analysed(text).problem;
}

function analysed(text: string): Known {
  const found = known.get(text);
  if (found !== undefined) return found;
  const meter: Meter = { work: USUAL_WORK };
  const linear = translate(text, meter);
  const made = { problem: dialectProblem(text), linear, work: Math.ceil(meter.work) };
  known.set(text, made, ENTRY_BYTES + text.length + linear.pattern.length);
  return made;
}

/** Of an expression that can be written as it stands, in microseconds. */
const USUAL_WORK = 100;
/** Of each way to spell it, where it is spelt out. */
const WORK_PER_BRANCH = 15;

/** A pattern that matches the whole of what the expression matches. */
export function fullMatch(text: string): string {
  return `^(?:${linearRegex(text).pattern})$`;
}

class NotLinear extends Error {}

function translate(text: string, meter: Meter): LinearRegex {
  try {
    const tree = withoutGroups(parseRegex(text));
    const direct = writeAll([tree]);
    if (direct.problem === null) return direct;
    const branches = spread(tree);
    meter.work += (branches?.length ?? 0) * WORK_PER_BRANCH;
    const apart = branches === null ? direct : writeAll(branches);
    if (apart.problem === null) return apart;
    const states = automatonOf(tree, meter);
    const pattern = states === null ? null : loopsOf(states, MAX_PATTERN, meter);
    const isWritten = pattern !== null && quotedLength(pattern) <= MAX_PATTERN;
    return isWritten ? { pattern, problem: null } : { pattern: text, problem: direct.problem };
  } catch (error) {
    if (error instanceof NotOfDialectError) return { pattern: text, problem: "it is not of the common dialect" };
    throw error;
  }
}

/** Any of the expressions, each written part by part. */
function writeAll(trees: readonly RegexNode[]): LinearRegex {
  const count = trees.length;
  try {
    const texts = trees.map((tree) => {
      const cost = { ways: count, copies: count };
      const text = write(tree, { follow: 0n, rest: [], cost });
      if (pcreBytes(tree) * cost.copies > MAX_PROGRAM_BYTES) fail(TOO_LARGE);
      return text;
    });
    const pattern = count === 1 ? (texts[0] as string) : `(?:${texts.join("|")})`;
    if (quotedLength(pattern) > MAX_PATTERN) fail(TOO_LARGE);
    return { pattern, problem: null };
  } catch (error) {
    if (error instanceof NotLinear) return { pattern: "", problem: error.message };
    throw error;
  }
}

/** nginx doubles backslashes and double quotes. */
function quotedLength(pattern: string): number {
  return pattern.length + (pattern.match(/[\\"]/g)?.length ?? 0);
}

/** What the whole expression costs so far. */
interface Cost {
  /** In how many ways a place of the text may be tried. */
  ways: number;
  /** How often a part of the expression may stand in the pattern. */
  copies: number;
}

/** Where a node stands. */
interface Place {
  /** Bytes that can come right after it. */
  readonly follow: ByteSet;
  /** All that comes after it; null in a repeated group. */
  readonly rest: readonly RegexNode[] | null;
  readonly cost: Cost;
}

function write(node: RegexNode, place: Place): string {
  switch (node.kind) {
    case "set":
    case "assertion":
      return node.text;
    case "sequence":
      return writeSequence(node.items, place);
    case "choice":
      return writeChoice(node.branches, place);
    case "repeat":
      if (isSetRepeat(node)) return writeSetRepeat(node, place);
      return writeGroupRepeat(node, place);
  }
}

function isEndless(node: RegexNode | undefined): node is SetRepeat {
  return isSetRepeat(node) && node.max === Number.POSITIVE_INFINITY;
}

function writeSequence(all: readonly RegexNode[], place: Place): string {
  let text = "";
  let items = all;
  while (items.length > 0) {
    const [item, ...tail] = items as [RegexNode, ...RegexNode[]];
    const here = before(tail, place);
    const searched = isEndless(item) && here.rest !== null ? search(item, tail, here) : null;
    text += searched === null ? write(item, here) : searched.text;
    items = searched === null ? tail : searched.left;
  }
  return text;
}

/** The place before `tail`, when `place` is the one after it. */
function before(tail: readonly RegexNode[], { follow, rest, cost }: Place): Place {
  const { first, isNullable } = startOf(tail);
  return { follow: isNullable ? first | follow : first, rest: rest === null ? null : [...tail, ...rest], cost };
}

/**
 * `C* W D*` with W of a fixed length. Where D takes all that C and W take, no place of W is better than the first one; where
 * D* ends the expression, none is better than the last. So W is searched once. Null: not of that kind, or not ambiguous.
 */
function search(item: SetRepeat, tail: readonly RegexNode[], place: Place) {
  if ((item.body.set & place.follow) === 0n) return null;
  const at = tail.findIndex((node) => longest(node) === Number.POSITIVE_INFINITY);
  const end = tail[at];
  if (!isEndless(end)) return null;
  const word = [...tail.slice(0, at), ...(end.min > 0 ? [{ ...end, max: end.min }] : [])];
  const skipped = word.reduce((set, node) => set | bytesOf(node), item.body.set);
  const takesFirst = (skipped & ~end.body.set) === 0n;
  if (!takesFirst && place.rest?.length !== at + 1) return null;
  const words = variants(word);
  if (words === null) return null;
  copy(place, words.length);
  const run = item.body.text + quantifier(item) + (takesFirst ? "?" : "");
  const texts = words.map(
    (nodes) => `(?>${run}${writeSequence(nodes, { follow: end.body.set, rest: [], cost: place.cost })})`,
  );
  const text = texts.length === 1 ? (texts[0] as string) : `(?:${texts.join("|")})`;
  return { text, left: [{ ...end, min: 0 }, ...tail.slice(at + 1)] };
}

function writeChoice(branches: readonly RegexNode[], place: Place): string {
  const sets = branches.map((branch) => before([branch], place).follow);
  const overlap = Math.max(...sets.map((set) => sets.filter((other) => (set & other) !== 0n).length));
  if (overlap > 1) {
    if (place.rest === null) fail(`alternatives in a repeated group begin alike: ${sample(branches)}`);
    spend(place, overlap);
  }
  return `(?:${branches.map((branch) => write(branch, place)).join("|")})`;
}

function writeSetRepeat(node: SetRepeat, place: Place): string {
  const { body, min, max } = node;
  const text = body.text + quantifier(node);
  if (min === max) return text;
  // The next byte tells whether the repeat goes on, so giving back is never of use.
  if ((body.set & place.follow) === 0n) return `${text}+`;
  if (place.rest === null) fail(`\`${text}\` in a repeated group can also take what may come after it`);
  if (max !== Number.POSITIVE_INFINITY) spend(place, max - min + 1);
  else spend(place, waysAfter(place.rest) ?? fail(`\`${text}\` can also take what comes after it, another repeat too`));
  return text;
}

/** How often a byte is looked at again when an ambiguous repeat gives back; null: without bound. */
function waysAfter(rest: readonly RegexNode[]): number | null {
  const length = rest.reduce((sum, node) => sum + longest(node), 0);
  return length === Number.POSITIVE_INFINITY ? null : Math.max(1, Math.ceil(length / BYTES_PER_WAY));
}

function writeGroupRepeat(node: Repeat, place: Place): string {
  const { body, min, max } = node;
  if (max === 0) return "";
  if (min === 1 && max === 1) return write(body, place);
  const { first, isNullable } = startOf([body]);
  const isAmbiguous = min !== max && (isNullable || (first & place.follow) !== 0n);
  if (max === 1) {
    if (isAmbiguous && place.rest === null)
      fail(`an optional group in a repeated one begins like what may come after it`);
    if (isAmbiguous) spend(place, 2);
    return `(?:${write(body, place)})?`;
  }
  if (isNullable) fail(`a repeated group may be empty: ${sample([body])}`);
  if (isAmbiguous) fail(`a repeated group begins like what comes after it: ${sample([body])}`);
  const copies = max === Number.POSITIVE_INFINITY ? min : max;
  if (copies > MAX_COPIES) fail(`a group is repeated ${copies} times, at most ${MAX_COPIES} are possible`);
  const text = write(body, { follow: first | place.follow, rest: null, cost: place.cost });
  return `(?:${text})${quantifier(node)}+`;
}

function quantifier({ min, max }: Repeat): string {
  if (max === Number.POSITIVE_INFINITY) return min === 0 ? "*" : min === 1 ? "+" : `{${min},}`;
  if (min === 0 && max === 1) return "?";
  return min === max ? `{${min}}` : `{${min},${max}}`;
}

function spend({ cost }: Place, ways: number): void {
  cost.ways *= ways;
  if (cost.ways > MAX_WAYS) fail("it can match in too many ways");
}

function copy(place: Place, times: number): void {
  place.cost.copies *= times;
  spend(place, times);
}

function fail(what: string): never {
  throw new NotLinear(what);
}

const SAMPLE_BYTES = 40;

/** Of a group, to find it by. */
function sample(nodes: readonly RegexNode[]): string {
  const text = nodes.map(plain).join("|");
  return `\`(${text.length > SAMPLE_BYTES ? `${text.slice(0, SAMPLE_BYTES)}…` : text})\``;
}

function plain(node: RegexNode): string {
  switch (node.kind) {
    case "set":
    case "assertion":
      return node.text;
    case "sequence":
      return node.items.map(plain).join("");
    case "choice":
      return `(${node.branches.map(plain).join("|")})`;
    case "repeat":
      return (isSetRepeat(node) ? plain(node.body) : `(${plain(node.body)})`) + quantifier(node);
  }
}
