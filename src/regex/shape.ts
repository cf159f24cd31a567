/** What can be said of a part of an expression without running it. */
import type { ByteSet, RegexNode } from "./tree.ts";

/** Any repeat. */
export type Repeat = Extract<RegexNode, { kind: "repeat" }>;

/** A repeat of single bytes. */
export type SetRepeat = Repeat & { readonly body: Extract<RegexNode, { kind: "set" }> };

/** Whether the node repeats single bytes. */
export function isSetRepeat(node: RegexNode | undefined): node is SetRepeat {
  return node?.kind === "repeat" && node.body.kind === "set";
}

/** Bytes that a match of the nodes, one after the other, can begin with, and whether it can be empty. */
export function startOf(nodes: readonly RegexNode[]): { readonly first: ByteSet; readonly isNullable: boolean } {
  let first = 0n;
  for (const node of nodes) {
    const start = nodeStart(node);
    first |= start.first;
    if (!start.isNullable) return { first, isNullable: false };
  }
  return { first, isNullable: true };
}

const starts = new WeakMap<RegexNode, { readonly first: ByteSet; readonly isNullable: boolean }>();

function nodeStart(node: RegexNode) {
  let start = starts.get(node);
  if (start === undefined) {
    start = startOfNode(node);
    starts.set(node, start);
  }
  return start;
}

function startOfNode(node: RegexNode): { first: ByteSet; isNullable: boolean } {
  switch (node.kind) {
    case "set":
      return { first: node.set, isNullable: false };
    case "assertion":
      return { first: 0n, isNullable: true };
    case "sequence":
      return startOf(node.items);
    case "choice": {
      const branches = node.branches.map(nodeStart);
      return {
        first: branches.reduce((set, { first }) => set | first, 0n),
        isNullable: branches.some(({ isNullable }) => isNullable),
      };
    }
    case "repeat": {
      const { first, isNullable } = nodeStart(node.body);
      return { first: node.max === 0 ? 0n : first, isNullable: isNullable || node.min === 0 };
    }
  }
}

/** The longest match, in bytes; may be infinite. */
export function longest(node: RegexNode): number {
  switch (node.kind) {
    case "set":
      return 1;
    case "assertion":
      return 0;
    case "sequence":
      return node.items.reduce((sum, item) => sum + longest(item), 0);
    case "choice":
      return Math.max(...node.branches.map(longest));
    case "repeat": {
      const body = longest(node.body);
      return body === 0 || node.max === 0 ? 0 : body * node.max;
    }
  }
}

/** Every byte that a match can hold. */
export function bytesOf(node: RegexNode): ByteSet {
  switch (node.kind) {
    case "set":
      return node.set;
    case "assertion":
      return 0n;
    case "sequence":
      return node.items.reduce((set, item) => set | bytesOf(item), 0n);
    case "choice":
      return node.branches.reduce((set, branch) => set | bytesOf(branch), 0n);
    case "repeat":
      return bytesOf(node.body);
  }
}

/** A node has one set for each byte of its matches, all of the same length; null: it has not. */
export function setsOf(node: RegexNode): readonly ByteSet[] | null {
  switch (node.kind) {
    case "set":
      return [node.set];
    case "assertion":
      return [];
    case "sequence": {
      const items = node.items.map(setsOf);
      return items.some((sets) => sets === null) ? null : items.flatMap((sets) => sets ?? []);
    }
    case "choice": {
      const branches = node.branches.map(setsOf);
      const [one] = branches;
      if (one === null || one === undefined || branches.some((sets) => sets?.length !== one.length)) return null;
      return one.map((_, index) => branches.reduce((set, sets) => set | (sets?.[index] ?? 0n), 0n));
    }
    case "repeat": {
      const body = node.min === node.max ? setsOf(node.body) : null;
      return body === null ? null : Array.from({ length: node.min }, () => body).flat();
    }
  }
}

/** An upper estimate of the bytes of PCRE2's program, which writes counted groups out. */
export function pcreBytes(node: RegexNode): number {
  switch (node.kind) {
    case "set":
      return node.text.length === 1 || node.text.startsWith("\\") ? 2 : 33;
    case "assertion":
      return 1;
    case "sequence":
      return node.items.reduce((sum, item) => sum + pcreBytes(item), 0);
    case "choice":
      return 6 + node.branches.reduce((sum, branch) => sum + 3 + pcreBytes(branch), 0);
    case "repeat": {
      if (node.body.kind === "set") return pcreBytes(node.body) + 12;
      const copies = node.max === Number.POSITIVE_INFINITY ? node.min : node.max;
      return 12 + Math.max(1, copies) * (pcreBytes(node.body) + 15);
    }
  }
}

/** The sets of all bytes that the node is made of. */
export function setsIn(node: RegexNode): readonly ByteSet[] {
  switch (node.kind) {
    case "set":
      return [node.set];
    case "assertion":
      return [];
    case "sequence":
      return node.items.flatMap(setsIn);
    case "choice":
      return node.branches.flatMap(setsIn);
    case "repeat":
      return setsIn(node.body);
  }
}
