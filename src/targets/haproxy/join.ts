/**
 * Joins the fragments of a port's virtual hosts, in their order, in two steps: runs of virtual hosts, then runs to the whole.
 * A run begins where a virtual host's id (a hash) says so, thus a change, an added or a removed host leaves all runs but its
 * own as they were, and their joined text is reused: with 10 000 virtual hosts a change costs about 300 steps, not 10 000.
 */
import type { RuleIr, VirtualHostIr } from "../../ir/index.ts";
import type { Line, Use } from "./fragment.ts";
import { lowerRule } from "./rule.ts";
import { lowerVirtualHost } from "./virtualHost.ts";

/** Text by map name, uses by key. */
export interface Joined {
  readonly lines: ReadonlyMap<string, string>;
  readonly uses: ReadonlyMap<string, Use>;
}

interface Run extends Joined {
  readonly hosts: readonly VirtualHostIr[];
  /** Each once; told apart by id, because IR that went through JSON shares no objects. */
  readonly rules: readonly RuleIr[];
  readonly ruleLines: ReadonlyMap<string, string>;
}

/** One virtual host in 32 begins a run: near the square root of the largest number of hosts that is usual (1 000 to 10 000). */
const RUN_STARTS = 32;

const runs = new WeakMap<VirtualHostIr, Run>();

/** The fragments of all virtual hosts as one. A rule may serve several; its lines go in once, with the first. */
export function joinVirtualHosts(hosts: readonly VirtualHostIr[]): Joined {
  const lines = new Map<string, string[]>();
  const uses = new Map<string, Use>();
  const seen = new Set<string>();
  for (const run of runsOf(hosts)) {
    append(lines, run.lines);
    for (const [key, use] of run.uses) uses.set(key, use);
    if (run.rules.some(({ id }) => seen.has(id))) {
      for (const rule of run.rules) if (!seen.has(rule.id)) append(lines, lowerRule(rule).lines);
    } else {
      append(lines, run.ruleLines);
    }
    for (const { id } of run.rules) seen.add(id);
  }
  return { lines: joinTexts(lines), uses };
}

function runsOf(hosts: readonly VirtualHostIr[]): readonly Run[] {
  const found: Run[] = [];
  let start = 0;
  for (let end = 1; end <= hosts.length; end++) {
    if (end < hosts.length && !startsRun(hosts[end] as VirtualHostIr)) continue;
    found.push(runOf(hosts, start, end));
    start = end;
  }
  return found;
}

function startsRun({ id }: VirtualHostIr): boolean {
  return Number.parseInt(id.slice(-4), 16) % RUN_STARTS === 0;
}

function runOf(hosts: readonly VirtualHostIr[], start: number, end: number): Run {
  const first = hosts[start] as VirtualHostIr;
  const known = runs.get(first);
  if (known?.hosts.length === end - start && known.hosts.every((host, index) => host === hosts[start + index])) {
    return known;
  }
  const run = joinRun(hosts.slice(start, end));
  runs.set(first, run);
  return run;
}

function joinRun(hosts: readonly VirtualHostIr[]): Run {
  const lines = new Map<string, string[]>();
  const ruleLines = new Map<string, string[]>();
  const uses = new Map<string, Use>();
  const rules: RuleIr[] = [];
  const seen = new Set<string>();
  for (const host of hosts) {
    const fragment = lowerVirtualHost(host);
    append(lines, fragment.lines);
    for (const [key, use] of fragment.uses) uses.set(key, use);
    for (const rule of host.rules) {
      if (seen.has(rule.id)) continue;
      seen.add(rule.id);
      rules.push(rule);
      const own = lowerRule(rule);
      append(ruleLines, own.lines);
      for (const [key, use] of own.uses) uses.set(key, use);
    }
  }
  return { hosts, rules, lines: joinTexts(lines), ruleLines: joinTexts(ruleLines), uses };
}

function append(lines: Map<string, string[]>, added: Iterable<Line>): void {
  for (const [map, text] of added) {
    const texts = lines.get(map);
    if (texts === undefined) lines.set(map, [text]);
    else texts.push(text);
  }
}

function joinTexts(lines: ReadonlyMap<string, readonly string[]>): ReadonlyMap<string, string> {
  return new Map([...lines].map(([map, texts]) => [map, texts.join("")]));
}
