/** Whole-text matching in linear time, as RE2 does it: all ways at once, byte by byte. */
import { type ByteSet, parseRegex, type RegexNode } from "./tree.ts";

/** How much work is still allowed, in states entered; about 50 million a second. Taken from by each match. */
export interface MatchBudget {
  left: number;
}

/** The budget is used up: nobody knows whether the text matches. */
export class MatchTooLongError extends Error {}

type State =
  | { readonly kind: "set"; readonly holds: Uint8Array; readonly next: number }
  | { readonly kind: "assertion"; readonly text: string; readonly next: number }
  | { readonly kind: "split"; next: number; other: number }
  | { readonly kind: "end" };

interface Program {
  readonly states: readonly State[];
  readonly start: number;
}

const MAX_KNOWN = 4096;
/** Counted repeats are written out; larger programs are not kept. */
const MAX_KEPT_STATES = 256;
const known = new Map<string, Program>();

/** Whether the whole text (as UTF-8) matches the expression, which is of the common dialect. Throws MatchTooLongError. */
export function matchesWhole(regex: string, text: string, budget: MatchBudget): boolean {
  if (!regex.includes("|") && !text.startsWith(literalStart(regex))) return false;
  const program = known.get(regex) ?? compile(regex, budget);
  if (program.states.length <= MAX_KEPT_STATES && !known.has(regex)) {
    if (known.size >= MAX_KNOWN) known.clear();
    known.set(regex, program);
  }
  return run(program, Buffer.from(text), budget);
}

/** What every match begins with, where there is one alternative. Spares most of a host's many expressions the work. */
function literalStart(regex: string): string {
  return /^[\w/-]*(?![*?{])/.exec(regex)?.[0] ?? "";
}

function spend(budget: MatchBudget, states: number): void {
  budget.left -= states;
  if (budget.left < 0) throw new MatchTooLongError("the regular expressions take too long on a text of this length");
}

/** A compiled state takes about as long as this many that are entered. */
const COMPILED_STATE = 4;

/** Thompson's construction, from the end to the start. */
function compile(regex: string, budget: MatchBudget): Program {
  const states: State[] = [{ kind: "end" }];
  const add = (state: State): number => {
    spend(budget, COMPILED_STATE);
    return states.push(state) - 1;
  };
  const build = (node: RegexNode, next: number): number => {
    switch (node.kind) {
      case "set":
        return add({ kind: "set", holds: tableOf(node.set), next });
      case "assertion":
        return add({ kind: "assertion", text: node.text, next });
      case "sequence":
        return node.items.reduceRight((after, item) => build(item, after), next);
      case "choice":
        return node.branches
          .map((branch) => build(branch, next))
          .reduce((other, branch) => add({ kind: "split", next: branch, other }));
      case "repeat":
        return repeat(node, next);
    }
  };
  const repeat = ({ body, min, max }: Extract<RegexNode, { kind: "repeat" }>, next: number): number => {
    let start = next;
    if (max === Number.POSITIVE_INFINITY) {
      const loop = { kind: "split" as const, next, other: next };
      start = add(loop);
      loop.other = build(body, start);
    } else {
      for (let copy = min; copy < max; copy++) start = add({ kind: "split", next, other: build(body, start) });
    }
    for (let copy = 0; copy < min; copy++) start = build(body, start);
    return start;
  };
  const start = build(parseRegex(regex), 0);
  return { states, start };
}

/** By set: few different ones are in use. */
const tables = new Map<ByteSet, Uint8Array>();

function tableOf(set: ByteSet): Uint8Array {
  const made = tables.get(set);
  if (made !== undefined) return made;
  const holds = new Uint8Array(256);
  const bits = set.toString(2);
  for (let byte = 0; byte < bits.length; byte++) holds[byte] = bits[bits.length - 1 - byte] === "1" ? 1 : 0;
  if (tables.size >= MAX_KNOWN) tables.clear();
  tables.set(set, holds);
  return holds;
}

function run({ states, start }: Program, text: Uint8Array, budget: MatchBudget): boolean {
  const seen = new Int32Array(states.length).fill(-1);
  let current: number[] = [];
  const enter = (first: number, at: number, waiting: number[]): boolean => {
    const open = [first];
    for (let index = open.pop(); index !== undefined; index = open.pop()) {
      if (seen[index] === at) continue;
      seen[index] = at;
      spend(budget, 1);
      const state = states[index] as State;
      if (state.kind === "set") waiting.push(index);
      else if (state.kind === "split") open.push(state.next, state.other);
      else if (state.kind === "assertion") {
        if (isTrue(state.text, text, at)) open.push(state.next);
      } else if (at === text.length) return true;
    }
    return false;
  };
  let isMatch = enter(start, 0, current);
  for (let at = 0; at < text.length && current.length > 0; at++) {
    const next: number[] = [];
    const byte = text[at] as number;
    for (const index of current) {
      const state = states[index] as Extract<State, { kind: "set" }>;
      if (state.holds[byte] === 1 && enter(state.next, at + 1, next)) isMatch = true;
    }
    current = next;
  }
  return isMatch;
}

function isTrue(assertion: string, text: Uint8Array, at: number): boolean {
  if (assertion === "^") return at === 0;
  if (assertion === "$") return at === text.length;
  return (isWord(text[at - 1]) !== isWord(text[at])) === (assertion === "\\b");
}

function isWord(byte: number | undefined): boolean {
  return byte !== undefined && /\w/.test(String.fromCharCode(byte));
}
