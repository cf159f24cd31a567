/**
 * The smallest deterministic automaton of an expression: after each byte of a text there is one state, whatever the expression
 * leaves open. States are found by derivation: what may follow a byte is the list of parts that are left of the expression.
 */
import type { Meter } from "./meter.ts";
import { setsIn } from "./shape.ts";
import { ANY_BYTE, type ByteSet, type RegexNode, WORD } from "./tree.ts";

/** A state. */
export interface State {
  /** Whether the text may end here. */
  readonly accepts: boolean;
  /** Where which bytes lead: sets that share no byte. From every state an accepting one can be reached. */
  readonly arrows: readonly { readonly to: number; readonly set: ByteSet }[];
}

/** A pattern of MAX_PATTERN bytes has no room for more. */
const MAX_STATES = 200;
/** Kinds of bytes. Common expressions have below 30. */
const MAX_CLASSES = 64;
/** Parts that are looked at: 20 ms. */
const MAX_WORK = 100_000;
const MICROSECONDS_PER_PART = 0.4;

/** What is left of an expression: nodes, one after the other. */
type Rest = readonly RegexNode[];

/** What stands before or after a place of the text. */
type Side = "edge" | "word" | "other";

/** A byte that is read. */
interface Step {
  readonly before: Side;
  readonly after: Side;
  /** The class that it is of: lies in each set of the expression, or outside. */
  readonly set: ByteSet;
  readonly budget: { left: number };
}

class TooLargeError extends Error {}

interface ByteClass {
  readonly set: ByteSet;
  readonly side: Side;
}

/** The states, the first of which is where a text begins; null: too many. Nothing at all: no text matches. */
export function automatonOf(tree: RegexNode, meter: Meter): readonly State[] | null {
  const budget = { left: MAX_WORK };
  try {
    const classes = classesOf([WORD, ...setsIn(tree)]);
    return smallest(explore(tree, classes, budget), classes);
  } catch (error) {
    if (error instanceof TooLargeError) return null;
    throw error;
  } finally {
    meter.work += (MAX_WORK - budget.left) * MICROSECONDS_PER_PART;
  }
}

/** The coarsest parts of all bytes that each set holds as a whole or not at all. */
function classesOf(sets: readonly ByteSet[]): readonly ByteClass[] {
  let parts = [ANY_BYTE];
  for (const set of new Set(sets)) {
    parts = parts.flatMap((part) => [part & set, part & ~set]).filter((part) => part !== 0n);
    if (parts.length > MAX_CLASSES) throw new TooLargeError();
  }
  return parts.map((set) => ({ set, side: (set & WORD) === 0n ? "other" : "word" }));
}

/** A state before states are merged: `next` has one state for each class, -1 for none. */
interface Row {
  readonly accepts: boolean;
  readonly next: readonly number[];
}

/** Every state that a text can lead to, by breadth. */
function explore(tree: RegexNode, classes: readonly ByteClass[], budget: Step["budget"]): readonly Row[] {
  const keyOf = keys();
  const known = new Map<string, number>();
  const states: { readonly rests: readonly Rest[]; readonly before: Side }[] = [];
  const numberOf = (rests: readonly Rest[], before: Side) => {
    const unique = new Map(rests.map((rest) => [keyOf(rest), rest]));
    const key = `${before} ${[...unique.keys()].sort().join(" ")}`;
    const found = known.get(key);
    if (found !== undefined) return found;
    if (states.length === MAX_STATES) throw new TooLargeError();
    known.set(key, states.length);
    return states.push({ rests: [...unique.values()], before }) - 1;
  };
  numberOf([[tree]], "edge");
  const rows: Row[] = [];
  for (const { rests, before } of states) {
    const next = classes.map(({ set, side }) => {
      const after = rests.flatMap((rest) => derive(rest, { before, after: side, set, budget }));
      return after.length === 0 ? -1 : numberOf(after, side);
    });
    const end: Step = { before, after: "edge", set: 0n, budget };
    rows.push({ accepts: rests.some((rest) => canBeEmpty(rest, end)), next });
  }
  return rows;
}

/** Names rests so that equal ones have equal names. */
function keys(): (rest: Rest) => string {
  const numbers = new Map<RegexNode, number>();
  const keyOf = (node: RegexNode): string => {
    // Derivation makes new nodes of repeats only.
    if (node.kind === "repeat") return `${keyOf(node.body)}{${node.min},${node.max}}`;
    if (!numbers.has(node)) numbers.set(node, numbers.size);
    return String(numbers.get(node));
  };
  return (rest) => rest.map(keyOf).join();
}

/** What may be left of the nodes after the byte. */
function derive(nodes: Rest, step: Step): readonly Rest[] {
  const found: Rest[] = [];
  for (const [index, node] of nodes.entries()) {
    for (const rest of deriveNode(node, step)) {
      const whole = [...rest, ...nodes.slice(index + 1)];
      step.budget.left -= 1 + whole.length;
      if (step.budget.left < 0) throw new TooLargeError();
      found.push(whole);
    }
    if (!isNullable(node, step)) break;
  }
  return found;
}

function deriveNode(node: RegexNode, step: Step): readonly Rest[] {
  step.budget.left--;
  switch (node.kind) {
    case "set":
      return (node.set & step.set) === 0n ? [] : [[]];
    case "assertion":
      return [];
    case "sequence":
      return derive(node.items, step);
    case "choice":
      return node.branches.flatMap((branch) => deriveNode(branch, step));
    case "repeat": {
      if (node.max === 0) return [];
      // All rounds that have to be can be empty ones before this one.
      const min = isNullable(node.body, step) ? 0 : Math.max(0, node.min - 1);
      const left: Rest = node.max === 1 ? [] : [{ ...node, min, max: node.max - 1 }];
      return deriveNode(node.body, step).map((rest) => [...rest, ...left]);
    }
  }
}

function canBeEmpty(nodes: Rest, step: Step): boolean {
  return nodes.every((node) => isNullable(node, step));
}

/** Whether the node matches nothing, between what is before and the byte. */
function isNullable(node: RegexNode, step: Step): boolean {
  step.budget.left--;
  switch (node.kind) {
    case "set":
      return false;
    case "assertion":
      return holds(node.text, step);
    case "sequence":
      return canBeEmpty(node.items, step);
    case "choice":
      return node.branches.some((branch) => isNullable(branch, step));
    case "repeat":
      return node.min === 0 || isNullable(node.body, step);
  }
}

function holds(assertion: string, { before, after }: Step): boolean {
  if (assertion === "^") return before === "edge";
  if (assertion === "$") return after === "edge";
  return ((before === "word") !== (after === "word")) === (assertion === "\\b");
}

/** States from which the same texts match are one; those from which none does are none. */
function smallest(rows: readonly Row[], classes: readonly ByteClass[]): readonly State[] {
  const live = liveRows(rows);
  let groups = rows.map(({ accepts }, index) => (live.has(index) ? Number(accepts) : -1));
  for (let count = 0; ; ) {
    const numbers = new Map<string, number>();
    const key = ({ next }: Row, index: number) => `${groups[index]}:${next.map((to) => groups[to] ?? -1).join()}`;
    groups = rows.map((row, index) => {
      if (!live.has(index)) return -1;
      const name = key(row, index);
      if (!numbers.has(name)) numbers.set(name, numbers.size);
      return numbers.get(name) as number;
    });
    if (numbers.size === count) break;
    count = numbers.size;
  }
  const first = new Map<number, Row>();
  for (const [index, row] of rows.entries()) {
    const group = groups[index] as number;
    if (group >= 0 && !first.has(group)) first.set(group, row);
  }
  if (!live.has(0)) return [];
  return [...first.values()].map(({ accepts, next }) => {
    const sets = new Map<number, ByteSet>();
    for (const [index, { set }] of classes.entries()) {
      const to = groups[next[index] as number] ?? -1;
      if (to >= 0) sets.set(to, (sets.get(to) ?? 0n) | set);
    }
    return { accepts, arrows: [...sets].map(([to, set]) => ({ to, set })) };
  });
}

/** The rows from which an accepting one can be reached. */
function liveRows(rows: readonly Row[]): ReadonlySet<number> {
  const live = new Set<number>();
  for (let size = -1; size < live.size; ) {
    size = live.size;
    for (const [index, { accepts, next }] of rows.entries()) {
      if (accepts || next.some((to) => live.has(to))) live.add(index);
    }
  }
  return live;
}
