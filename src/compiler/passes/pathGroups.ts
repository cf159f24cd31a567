/**
 * A virtual host's rules arranged by path, for proxies that look up instead of scan (l7.md section 2, "Shared IR").
 *
 * A group's candidates already hold the rules of every covering shorter prefix and are cut at the first rule that certainly
 * matches. Regex groups cannot see their covering prefixes statically: they fall through to a look-up among prefixes.
 */
import type { CandidateIr, FleetIr, PathGroupIr, PathMatchIr, PortIr, RuleIr, VirtualHostIr } from "../../ir/index.ts";
import { finish, type Steps } from "../../util/steps.ts";
import { decide } from "./decision.ts";

const groupedPorts = new WeakMap<PortIr, PortIr>();
const groupedHosts = new WeakMap<VirtualHostIr, VirtualHostIr>();

/** The same fleet with `groups` filled in. Cached by identity of its ports and virtual hosts. */
export function withPathGroups(fleet: FleetIr): FleetIr {
  return finish(withPathGroupsSteps(fleet));
}

/** `withPathGroups` in steps. */
export function* withPathGroupsSteps(fleet: FleetIr): Steps<FleetIr> {
  const ports: PortIr[] = [];
  for (const port of fleet.ports) ports.push(yield* remember(groupedPorts, port, groupPort));
  return Object.freeze({ ...fleet, ports });
}

function* groupPort(port: PortIr): Steps<PortIr> {
  if (port.kind === "tcp") return port;
  const virtualHosts: VirtualHostIr[] = [];
  for (const host of port.virtualHosts) virtualHosts.push(yield* remember(groupedHosts, host, groupHost));
  return Object.freeze({ ...port, virtualHosts });
}

function* groupHost(host: VirtualHostIr): Steps<VirtualHostIr> {
  return Object.freeze({ ...host, groups: yield* groupsOf(host) });
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
  path: PathMatchIr;
  /** Indexes into the host's rules, in precedence order. */
  rules: number[];
}

interface Buckets {
  exact: Map<string, Bucket>;
  /** In precedence order. */
  regex: Map<string, Bucket>;
  prefix: Map<string, Bucket>;
}

/** Between two yields: of groups that have nothing to choose there are thousands, and each takes less than a microsecond. */
const WORK_PER_STEP = 256;
const WORK_OF_CHOICE = 16;

function* groupsOf(host: VirtualHostIr): Steps<PathGroupIr[]> {
  const buckets: Buckets = { exact: new Map(), regex: new Map(), prefix: new Map() };
  // A plain loop, here and below no more than a group needs: each host that changed is grouped anew.
  for (let index = 0; index < host.rules.length; index++) {
    const { path } = host.rules[index] as RuleIr;
    const bucket = buckets[path.kind].get(path.value);
    if (bucket === undefined) buckets[path.kind].set(path.value, { path, rules: [index] });
    else bucket.rules.push(index);
  }
  const all = [...buckets.exact.values(), ...buckets.regex.values(), ...buckets.prefix.values()];
  const groups: PathGroupIr[] = [];
  let work = 0;
  for (let index = 0; index < all.length; index++) {
    const group = groupOf(host, { bucket: all[index] as Bucket, buckets, index });
    groups.push(group);
    work += group.decision.kind === "direct" ? 1 : WORK_OF_CHOICE;
    if (work < WORK_PER_STEP) continue;
    work = 0;
    yield;
  }
  return groups;
}

function groupOf(host: VirtualHostIr, place: { bucket: Bucket; buckets: Buckets; index: number }): PathGroupIr {
  const { bucket, buckets, index } = place;
  const own = bucket.rules[0] as number;
  const isAlone = isUnconditional(host.rules[own] as RuleIr);
  const { candidates, certain } = isAlone
    ? { candidates: [Object.freeze({ rule: own, pathRegex: null })], certain: true }
    : cut(host.rules, candidatesOf(bucket, buckets));
  const fallsToPrefixes = bucket.path.kind !== "prefix" && buckets.regex.size > 0;
  return Object.freeze({
    id: `${host.id}.${index}`,
    path: bucket.path,
    candidates,
    otherwise: certain ? "never" : fallsToPrefixes ? "prefixes" : "notFound",
    decision: decide(host.rules, candidates),
  });
}

function* candidatesOf({ path, rules }: Bucket, buckets: Buckets): Iterable<CandidateIr> {
  for (const rule of rules) yield { rule, pathRegex: null };
  if (path.kind === "prefix" || buckets.regex.size === 0) {
    for (const prefix of covering(path, buckets.prefix))
      for (const rule of prefix.rules) yield { rule, pathRegex: null };
    return;
  }
  let after = path.kind === "exact";
  for (const other of buckets.regex.values()) {
    if (after) for (const rule of other.rules) yield { rule, pathRegex: other.path.value };
    if (other.path === path || other.path.value === path.value) after = true;
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

/** Ends the list at the first rule that certainly matches: nothing after it can win. */
function cut(rules: readonly RuleIr[], list: Iterable<CandidateIr>): { candidates: CandidateIr[]; certain: boolean } {
  const candidates: CandidateIr[] = [];
  for (const candidate of list) {
    candidates.push(Object.freeze(candidate));
    const isSure = candidate.pathRegex === null && isUnconditional(rules[candidate.rule] as RuleIr);
    if (isSure) return { candidates, certain: true };
  }
  return { candidates, certain: false };
}

/** Whether a rule takes whatever its path takes. */
function isUnconditional({ method, headers }: RuleIr): boolean {
  return method === null && headers.length === 0;
}
