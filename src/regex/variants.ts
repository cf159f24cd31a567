/** Expressions with alternatives, as several without. */
import { longest, type Repeat, setsOf } from "./shape.ts";
import type { RegexNode } from "./tree.ts";

/** Alternatives are written out one by one: more of them make a pattern that is too large anyway. */
const MAX_VARIANTS = 16;

/** `(X)?Y` as `XY` and `Y`, and so every choice that holds an endless repeat; null: there is none, or it would be too many. */
export function spread(tree: RegexNode): readonly RegexNode[] | null {
  let sequences: readonly (readonly RegexNode[])[] = [[]];
  for (const item of itemsOf(tree)) {
    const options = longest(item) === Number.POSITIVE_INFINITY ? (branchesOf(item) ?? [item]) : [item];
    sequences = options.flatMap((option) => sequences.map((items) => [...items, ...itemsOf(option)]));
    if (sequences.length > MAX_VARIANTS) return null;
  }
  return sequences.length === 1 ? null : sequences.map((items) => ({ kind: "sequence", items }));
}

function branchesOf(node: RegexNode): readonly RegexNode[] | null {
  if (node.kind === "choice") return node.branches;
  return node.kind === "repeat" && node.min === 0 && node.max === 1
    ? [node.body, { kind: "sequence", items: [] }]
    : null;
}

function itemsOf(node: RegexNode): readonly RegexNode[] {
  return node.kind === "sequence" ? node.items : [node];
}

/** The words that the nodes stand for, each of one length; null: too many, or not of fixed lengths. */
export function variants(nodes: readonly RegexNode[]): readonly (readonly RegexNode[])[] | null {
  let words: readonly (readonly RegexNode[])[] = [[]];
  for (const node of nodes) {
    const options = optionsOf(node);
    if (options === null || words.length * options.length > MAX_VARIANTS) return null;
    words = words.flatMap((word) => options.map((option) => [...word, ...option]));
  }
  return words;
}

function optionsOf(node: RegexNode): readonly (readonly RegexNode[])[] | null {
  if (setsOf(node) !== null) return [[node]];
  if (node.kind === "sequence") return variants(node.items);
  if (node.kind === "choice") {
    const options = node.branches.map((branch) => variants([branch]));
    return options.some((words) => words === null) ? null : options.flatMap((words) => words ?? []);
  }
  if (node.kind !== "repeat" || node.max - node.min >= MAX_VARIANTS) return null;
  if (node.max !== 1) return setsOf(node.body) === null ? null : counts(node).map((count) => [exactly(node, count)]);
  const body = variants([node.body]);
  return body === null ? null : [...body, []];
}

function counts({ min, max }: Repeat): readonly number[] {
  return Array.from({ length: max - min + 1 }, (_, index) => min + index);
}

function exactly(node: Repeat, count: number): RegexNode {
  return { ...node, min: count, max: count };
}
