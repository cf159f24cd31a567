/** Regular expressions of the common dialect (`dialect.ts` says which those are) as trees over bytes. */

/** A set of bytes: bit n for byte n. */
export type ByteSet = bigint;

/** An expression as it was written. */
export type WrittenRegex = Atom | Sequence<WrittenRegex> | Choice<WrittenRegex> | Repeat<WrittenRegex> | Group;

/** What an expression matches: without groups, a sequence or choice stands for each. */
export type RegexNode = Atom | Sequence<RegexNode> | Choice<RegexNode> | Repeat<RegexNode>;

/** `text` is the source. */
type Atom =
  | { readonly kind: "set"; readonly set: ByteSet; readonly text: string }
  | { readonly kind: "assertion"; readonly text: string };

interface Group {
  readonly kind: "group";
  readonly body: WrittenRegex;
}

interface Sequence<Node> {
  readonly kind: "sequence";
  readonly items: readonly Node[];
}

interface Choice<Node> {
  readonly kind: "choice";
  readonly branches: readonly Node[];
}

/** Lazy or greedy is one: only whether the whole text matches is asked. `max` may be infinite. */
interface Repeat<Node> {
  readonly kind: "repeat";
  readonly body: Node;
  readonly min: number;
  readonly max: number;
}

/** No path and no field value holds these: what sets say of them does not count. */
const NEVER_THERE = (1n << 0x00n) | (1n << 0x0an) | (1n << 0x0dn);
/** Every byte that a path or a field value can hold. */
export const ANY_BYTE: ByteSet = ((1n << 256n) - 1n) & ~NEVER_THERE;

/** Bytes of ASCII. */
const BYTES: readonly ByteSet[] = Array.from({ length: 128 }, (_, code) => 1n << BigInt(code));

/** What `\d` stands for. */
export const DIGIT: ByteSet = rangeSet("0", "9");
/** What `\w` stands for. */
export const WORD: ByteSet = DIGIT | rangeSet("A", "Z") | rangeSet("a", "z") | byteSet("_");
const SPACE = rangeSet("\t", "\r") | byteSet(" ");

/** What stands behind a `\` for a class. */
export const CLASS_ESCAPES: ReadonlyMap<string, ByteSet> = new Map([
  ["d", DIGIT],
  ["D", ~DIGIT],
  ["w", WORD],
  ["W", ~WORD],
  ["s", SPACE],
  ["S", ~SPACE],
]);

/** One character of ASCII. */
export function byteSet(char: string): ByteSet {
  return BYTES[char.charCodeAt(0)] as ByteSet;
}

/** Both ends included. */
export function rangeSet(low: string, high: string): ByteSet {
  const [first, last] = [low.charCodeAt(0), high.charCodeAt(0)];
  return ((1n << BigInt(last - first + 1)) - 1n) << BigInt(first);
}

/** The same without groups. A group of a sequence in a sequence becomes part of it. */
export function withoutGroups(node: WrittenRegex): RegexNode {
  switch (node.kind) {
    case "set":
    case "assertion":
      return node;
    case "group":
      return withoutGroups(node.body);
    case "choice":
      return { kind: "choice", branches: node.branches.map(withoutGroups) };
    case "repeat":
      return { ...node, body: withoutGroups(node.body) };
    case "sequence": {
      const items = node.items.map(withoutGroups).flatMap((item) => (item.kind === "sequence" ? item.items : [item]));
      return items.length === 1 ? (items[0] as RegexNode) : { kind: "sequence", items };
    }
  }
}
