/**
 * A virtual host's rules arranged by path, for proxies that look up instead of scan (shapes.md sections 3 and 4).
 *
 * What a constant path (an exact one, or a prefix with nothing below) can match is decided here, regular expressions included;
 * where that takes too long the candidate keeps its expression. Candidates end at the first rule that certainly matches.
 */
import type { CandidateIr, FleetIr, PathGroupIr, PathMatchIr, PortIr, RuleIr, VirtualHostIr } from "../../ir/index.ts";
import type { MatchBudget } from "../../regex/index.ts";
import type { Steps } from "../../util/steps.ts";
import type { CompilerMemory } from "../memory.ts";
import { tableOf } from "./table.ts";

/** The same fleet with `groups` filled in. Remembered for its ports and virtual hosts. */
export function* withPathGroupsSteps(fleet: FleetIr, memory: CompilerMemory): Steps<FleetIr> {
  const ports: PortIr[] = [];
  for (const port of fleet.ports)
    ports.push(yield* remember(memory.groupedPorts, port, (key) => groupPort(key, memory)));
  return Object.freeze({ ...fleet, ports });
}

function* groupPort(port: PortIr, memory: CompilerMemory): Steps<PortIr> {
  if (port.kind !== "http") return port;
  const virtualHosts: VirtualHostIr[] = [];
  for (const host of port.virtualHosts)
    virtualHosts.push(yield* remember(memory.groupedHosts, host, (key) => groupHost(key, memory)));
  return Object.freeze({ ...port, virtualHosts });
}

function* groupHost(host: VirtualHostIr, memory: CompilerMemory): Steps<VirtualHostIr> {
  return Object.freeze({ ...host, groups: yield* groupsOf(host.rules, memory) });
}

function* remember<T extends object>(cache: WeakMap<T, T>, key: T, make: (key: T) => Steps<T>): Steps<T> {
  let value = cache.get(key);
  if (value === undefined) {
    value = yield* make(key);
    cache.set(key, value);
    yield;
  }
  return value;
}

interface Bucket {
  readonly path: PathMatchIr;
  /** Indexes into the host's rules, in precedence order. */
  readonly rules: number[];
}

/** The rules of a host by pattern. */
interface Buckets {
  readonly all: readonly RuleIr[];
  readonly exact: ReadonlyMap<string, Bucket>;
  /** In precedence order. */
  readonly regex: ReadonlyMap<string, Bucket>;
  readonly prefix: ReadonlyMap<string, Bucket>;
  readonly memory: CompilerMemory;
  readonly budget: MatchBudget;
}

/** Between two yields: of groups that have nothing to choose there are thousands, and each takes less than a microsecond. */
const WORK_PER_STEP = 256;
const WORK_OF_CHOICE = 16;
/** To match expressions takes its own time: so much of a host's budget for it is one. */
const BUDGET_PER_WORK = 2_500;
/** A candidate that is listed and looked at for a table. */
const WORK_PER_CANDIDATE = 1;

function* groupsOf(rules: readonly RuleIr[], memory: CompilerMemory): Steps<PathGroupIr[]> {
  const buckets = bucketsOf(rules, memory);
  const all = [...buckets.exact.values(), ...buckets.regex.values(), ...buckets.prefix.values()];
  const groups: PathGroupIr[] = [];
  let work = 0;
  for (let index = 0; index < all.length; index++) {
    const { left } = buckets.budget;
    const group = groupOf(all[index] as Bucket, buckets);
    groups.push(group);
    const isPlain = group.candidates.length === 1 && buckets.regex.size === 0;
    work += isPlain ? 1 : WORK_OF_CHOICE + group.candidates.length * WORK_PER_CANDIDATE + buckets.regex.size;
    work += (left - buckets.budget.left) / BUDGET_PER_WORK;
    if (work < WORK_PER_STEP) continue;
    work = 0;
    yield;
  }
  return groups;
}

function bucketsOf(rules: readonly RuleIr[], memory: CompilerMemory): Buckets {
  const found = {
    exact: new Map<string, Bucket>(),
    regex: new Map<string, Bucket>(),
    prefix: new Map<string, Bucket>(),
  };
  // A plain loop, here and below no more than a group needs: each host that changed is grouped anew.
  for (let index = 0; index < rules.length; index++) {
    const { path } = rules[index] as RuleIr;
    const bucket = found[path.kind].get(path.value);
    if (bucket === undefined) found[path.kind].set(path.value, { path, rules: [index] });
    else bucket.rules.push(index);
  }
  return { ...found, all: rules, memory, budget: memory.paths.budget() };
}

function groupOf(bucket: Bucket, buckets: Buckets): PathGroupIr {
  const { path, rules } = bucket;
  const candidates = isUnconditional(buckets.all[rules[0] as number] as RuleIr)
    ? [candidateOf(rules[0] as number)]
    : cut(buckets.all, candidatesOf(bucket, buckets));
  return Object.freeze({
    path,
    candidates,
    bare: path.kind === "prefix" && !buckets.exact.has(path.value) ? bareOf(bucket, candidates, buckets) : null,
    table: tableOf(buckets.all, candidates),
  });
}

function* candidatesOf({ path, rules }: Bucket, buckets: Buckets): Iterable<CandidateIr> {
  for (const rule of rules) yield candidateOf(rule);
  if (path.kind === "regex") return;
  if (path.kind === "exact") yield* matchingRegexes(path.value, buckets);
  for (const prefix of covering(path, buckets.prefix)) for (const rule of prefix.rules) yield candidateOf(rule);
}

/** The candidates of a prefix's own path: expressions that match it come before the prefixes. */
function bareOf({ path }: Bucket, candidates: readonly CandidateIr[], buckets: Buckets): readonly CandidateIr[] | null {
  if (path.value === "/") return null;
  if (buckets.regex.size === 0) return candidates;
  const regexes = cut(buckets.all, matchingRegexes(path.value, buckets));
  return regexes.length === 0 ? candidates : cut(buckets.all, [...regexes, ...candidates]);
}

/** Rules of the expressions that match the path, or may: those keep the expression. */
function* matchingRegexes(path: string, { regex, memory, budget }: Buckets): Iterable<CandidateIr> {
  for (const { path: pattern, rules } of regex.values()) {
    const isMatch = memory.paths.matches(pattern.value, path, budget);
    if (isMatch === false) continue;
    for (const rule of rules) yield candidateOf(rule, isMatch === null ? pattern.value : null);
  }
}

/** Prefix buckets that cover an exact path or a prefix, the longest first, without itself. */
function* covering(path: PathMatchIr, prefixes: ReadonlyMap<string, Bucket>): Iterable<Bucket> {
  let text = path.value;
  if (path.kind === "exact") {
    const same = prefixes.get(text.length > 1 ? text.replace(/\/$/, "") : text);
    if (same !== undefined) yield same;
    if (text.endsWith("/")) text = text.slice(0, -1);
  }
  for (let slash = text.lastIndexOf("/"); slash > 0; slash = text.lastIndexOf("/", slash - 1)) {
    const bucket = prefixes.get(text.slice(0, slash));
    if (bucket !== undefined) yield bucket;
  }
  const root = prefixes.get("/");
  if (root !== undefined && path.value !== "/") yield root;
}

function candidateOf(rule: number, pathRegex: string | null = null): CandidateIr {
  return Object.freeze({ rule, pathRegex });
}

/** Ends the list at the first rule that certainly matches: nothing after it can win. */
function cut(rules: readonly RuleIr[], list: Iterable<CandidateIr>): CandidateIr[] {
  const candidates: CandidateIr[] = [];
  for (const candidate of list) {
    candidates.push(candidate);
    if (candidate.pathRegex === null && isUnconditional(rules[candidate.rule] as RuleIr)) break;
  }
  return candidates;
}

/** Whether a rule takes whatever its path takes. */
function isUnconditional({ conditions }: RuleIr): boolean {
  return conditions.length === 0;
}
