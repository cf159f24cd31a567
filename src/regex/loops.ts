/**
 * An automaton as a pattern without choice. One state is taken as the head of a loop: a round is a text that leads from it back
 * to it for the first time, and after all rounds that can be had comes the way on, which never returns to it. As the automaton is
 * deterministic there is one such cut of a text, so every loop is possessive: PCRE2 keeps no marks. What it looks at twice is one
 * round that fails, once for each loop around it.
 */
import type { State } from "./automaton.ts";
import type { Meter } from "./meter.ts";
import { setText } from "./setText.ts";

/** Each level reads a text twice at most: 64 times 60 KiB take 10 ms. */
const MAX_LEVELS = 6;
/** States that are looked at: 20 ms. Usual expressions need some thousand. */
const MAX_WORK = 300_000;
const MICROSECONDS_PER_STATE = 0.12;

interface Arrow {
  readonly to: number;
  /** What to read; empty for the way to the end. */
  readonly text: string;
}

interface Graph {
  readonly arrows: readonly (readonly Arrow[])[];
  /** Bytes that may still be written. */
  room: number;
  /** States that may still be looked at. */
  work: number;
}

class TooLargeError extends Error {}

/** A pattern that matches whole texts like the automaton; null: it would be longer than `maxLength`, or be nested too deep. */
export function loopsOf(states: readonly State[], maxLength: number, meter: Meter): string | null {
  const end = states.length;
  const arrows = states.map((state) => [
    ...state.arrows.map(({ to, set }) => ({ to, text: setText(set) })),
    ...(state.accepts ? [{ to: end, text: "" }] : []),
  ]);
  if (end === 0) return null;
  const graph = { arrows: [...arrows, []], room: maxLength, work: MAX_WORK };
  try {
    const text = visit(graph, { from: 0, to: end, closed: new Set(), level: 0 });
    return text.length > maxLength ? null : text;
  } catch (error) {
    if (error instanceof TooLargeError) return null;
    throw error;
  } finally {
    meter.work += (MAX_WORK - graph.work) * MICROSECONDS_PER_STATE;
  }
}

/** Texts that lead from a state to another one for the first time. */
interface Way {
  readonly from: number;
  readonly to: number;
  /** States that they must not pass. */
  readonly closed: ReadonlySet<number>;
  /** Loops around. */
  readonly level: number;
}

/** All rounds that lead back to `from`, then the way on. */
function visit(graph: Graph, way: Way): string {
  const { from, to, closed } = way;
  return (
    rounds(graph, { ...way, closed: new Set([...closed, to]) }) +
    group(onward(graph, { ...way, closed: new Set([...closed, from]) }))
  );
}

function rounds(graph: Graph, { from, closed, level }: Way): string {
  const way = { from, to: from, closed, level: level + 1 };
  if (!leads(graph, way)) return "";
  const own = ownText(graph, from);
  const ways = onward(graph, way);
  if (ways.length === 1 && ways[0] === own) return `${own}*+`;
  if (level >= MAX_LEVELS) throw new TooLargeError();
  return `(?:${ways.map((text) => (text === own ? `${text}++` : text)).join("|")})*+`;
}

/** What leads from the state to itself at once. */
function ownText(graph: Graph, state: number): string | undefined {
  return graph.arrows[state]?.find(({ to }) => to === state)?.text;
}

/** The ways, of which the next byte takes one. They are cut at the states that all of them pass. */
function onward(graph: Graph, way: Way): readonly string[] {
  const stops = passes(graph, way);
  const closed = new Set(way.closed);
  let text = "";
  let from = way.from;
  for (const stop of stops) {
    closed.add(way.to);
    const more = rounds(graph, { ...way, from: stop, closed });
    text += joined(group(branches(graph, { ...way, from, to: stop, closed })), more);
    closed.add(stop);
    from = stop;
  }
  const last = branches(graph, { ...way, from, closed });
  return text === "" ? last : [text + group(last)];
}

function branches(graph: Graph, way: Way): readonly string[] {
  const { from, to, closed } = way;
  const found: string[] = [];
  for (const arrow of graph.arrows[from] ?? []) {
    const isLast = arrow.to === to;
    const next = { ...way, from: arrow.to };
    if (!isLast && (closed.has(arrow.to) || !leads(graph, next))) continue;
    graph.room -= arrow.text.length;
    if (graph.room < 0) throw new TooLargeError();
    found.push(isLast ? arrow.text : joined(arrow.text, visit(graph, next)));
  }
  return found;
}

/** `a` and `a*+` are `a++`. */
function joined(text: string, more: string): string {
  return more.startsWith(`${text}*+`) ? `${text}++${more.slice(text.length + 2)}` : text + more;
}

function group(ways: readonly string[]): string {
  const texts = ways.filter((text) => text !== "");
  const isOptional = texts.length < ways.length;
  if (texts.length === 0) return "";
  if (texts.length === 1 && !isOptional) return texts[0] as string;
  return `(?:${texts.join("|")})${isOptional ? "?+" : ""}`;
}

function leads(graph: Graph, { from, to, closed }: Way): boolean {
  return reachable(graph, [from], (state) => closed.has(state) && state !== to).has(to);
}

/** States that one step or more from `starts` lead to, through none that `isClosed`. */
function reachable(graph: Graph, starts: readonly number[], isClosed: (state: number) => boolean): ReadonlySet<number> {
  const found = new Set<number>();
  const left = [...starts];
  for (let state = left.pop(); state !== undefined; state = left.pop()) {
    if (--graph.work < 0) throw new TooLargeError();
    for (const { to } of graph.arrows[state] ?? []) {
      if (found.has(to) || isClosed(to)) continue;
      found.add(to);
      left.push(to);
    }
  }
  return found;
}

/** The states between that every way passes, in their order. */
function passes(graph: Graph, { from, to, closed }: Way): readonly number[] {
  const isClosed = (state: number) => closed.has(state) && state !== to;
  const some = shortest(graph, { from, to, isClosed });
  return some.filter((state) => !reachable(graph, [from], (other) => isClosed(other) || other === state).has(to));
}

/** The states between of a shortest way. */
function shortest(
  graph: Graph,
  { from, to, isClosed }: { from: number; to: number; isClosed: (state: number) => boolean },
) {
  const previous = new Map<number, number>();
  const left = [from];
  for (let index = 0; index < left.length && !previous.has(to); index++) {
    const state = left[index] as number;
    for (const arrow of graph.arrows[state] ?? []) {
      if (previous.has(arrow.to) || isClosed(arrow.to)) continue;
      previous.set(arrow.to, state);
      left.push(arrow.to);
    }
  }
  const way: number[] = [];
  for (let state = previous.get(to) as number; state !== from; state = previous.get(state) as number)
    way.unshift(state);
  return way;
}
