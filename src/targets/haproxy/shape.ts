/** Which form a listener's rules are written in: line by line, or in maps where there are many. */
import type { VirtualHostIr } from "../../ir/index.ts";
import { type Steps, shouldYield } from "../../util/steps.ts";
import type { TurnNamer } from "./sharedTurns.ts";
import { type HostSurvey, ruleOf } from "./survey.ts";

/**
 * More lines of rules that share a path than this, and they are looked up: those that a table can choose from (table.ts), and those
 * that ask what others ask (sharedTurns.ts). Such a line costs 0.7 thousand instructions, for requests to paths with a choice only;
 * a table of two fields 18 to 27 however many rules it has, a line for all paths 1 (HAProxy 2.6, callgrind; a plain request: 63).
 */
const MAX_CHOICE_LINES = 16;
/** As many paths at least share a line then: below, a map of its own is more to read and no less to do. */
const MIN_SHARING = 4;
/** More rules with a split than this, and their shares stand in tables: a line costs all requests that are not done before it 0.6. */
const MAX_SPLIT_LINES = 16;

/** What is looked up in tables and maps instead of being tried line by line. */
export interface ListenerShape {
  readonly choiceTables: boolean;
  /** Names of the turns that share a line. */
  readonly sharedTurns: ReadonlySet<string>;
  readonly splitTables: boolean;
}

/** How many lines a virtual host adds. */
export interface HostLines {
  readonly choices: number;
  /** How many paths have a turn of a name. */
  readonly turns: ReadonlyMap<string, number>;
  readonly splits: number;
}

/** Counts a host's lines. */
export function* countLines(
  { rules }: VirtualHostIr,
  { choices: groups, splits }: HostSurvey,
  nameOf: TurnNamer,
): Steps<HostLines> {
  let choices = 0;
  const turns = new Map<string, number>();
  let seen = 0;
  for (const group of groups) {
    if (shouldYield(seen++)) yield;
    if (group.path.kind === "regex") continue;
    choices += group.candidates.length;
    if (group.table !== null) continue;
    for (const [place, candidate] of group.candidates.entries()) {
      // A path of a few hosts may have thousands of candidates.
      if (shouldYield(seen++)) yield;
      const name = nameOf(place, ruleOf(rules, candidate), candidate.pathRegex);
      turns.set(name, (turns.get(name) ?? 0) + 1);
    }
  }
  return { choices, turns, splits };
}

/** The form for all hosts of a listener. */
export function shapeOf(hosts: readonly HostLines[]): ListenerShape {
  const sum = (part: "choices" | "splits"): number => hosts.reduce((total, lines) => total + lines[part], 0);
  const choiceTables = sum("choices") > MAX_CHOICE_LINES;
  return {
    choiceTables,
    sharedTurns: choiceTables ? sharedTurns(hosts) : NO_TURNS,
    splitTables: sum("splits") > MAX_SPLIT_LINES,
  };
}

const NO_TURNS: ReadonlySet<string> = new Set();

function sharedTurns(hosts: readonly HostLines[]): ReadonlySet<string> {
  const counts = new Map<string, number>();
  for (const { turns } of hosts) for (const [name, count] of turns) counts.set(name, (counts.get(name) ?? 0) + count);
  return new Set([...counts].filter(([, count]) => count >= MIN_SHARING).map(([name]) => name));
}

/** Whether two shapes are the same. */
export function isSameShape(a: ListenerShape, b: ListenerShape): boolean {
  if (a.choiceTables !== b.choiceTables || a.splitTables !== b.splitTables) return false;
  return a.sharedTurns.size === b.sharedTurns.size && [...a.sharedTurns].every((name) => b.sharedTurns.has(name));
}
