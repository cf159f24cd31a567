/** IR by hand, for this room's tests: short constructors, and path groups by the plainest algorithm. */
import { createHash } from "node:crypto";
import type {
  CandidateIr,
  ClusterIr,
  DecisionIr,
  DimensionIr,
  FieldIr,
  FleetIr,
  ForwardIr,
  HeaderMatchIr,
  HttpPortIr,
  PathGroupIr,
  PathMatchIr,
  PortIr,
  RuleIr,
  TcpPortIr,
  VirtualHostIr,
} from "../../ir/index.ts";

export const noChanges = { set: [], add: [], remove: [] };

/** Ten seconds of silence and no total limit, one cluster. */
export function forward(cluster: string | null, more: Partial<ForwardIr> = {}): ForwardIr {
  const split = cluster === null ? [] : [{ cluster, weight: 1 }];
  const rest = { rewritePrefix: null, requestHeaders: noChanges, idleTimeoutMs: 10_000, requestTimeoutMs: null };
  return { kind: "forward", split, ...rest, ...more };
}

/** A rule; its place is its id. `path` as `=/exact`, `~regex` or `/prefix`. */
export function rule(id: string, path: string, more: Partial<RuleIr>): RuleIr {
  const base = { ruleName: null, pointer: "/rules/0", method: null, headers: [], responseHeaders: noChanges };
  return { ...base, id, route: id.split(".")[0] ?? id, path: pathMatch(path), action: forward("a"), ...more };
}

function pathMatch(path: string): PathMatchIr {
  if (path.startsWith("=")) return { kind: "exact", value: path.slice(1) };
  return path.startsWith("~") ? { kind: "regex", value: path.slice(1) } : { kind: "prefix", value: path };
}

export const header = (name: string, kind: HeaderMatchIr["kind"], value = ""): HeaderMatchIr => ({ name, kind, value });

/** `rules` in precedence order. */
export function virtualHost(
  hostname: string,
  rules: readonly RuleIr[],
  decision: "table" | "chain" = "chain",
): VirtualHostIr {
  const id = `v${createHash("sha256").update(hostname).digest("hex").slice(0, 12)}`;
  return { id, hostname, rules, groups: groupsOf(id, rules, decision) };
}

export function httpPort(address: string, port: number, virtualHosts: readonly VirtualHostIr[]): HttpPortIr {
  return { kind: "http", id: `http-${address.replace(/[^a-z0-9]/g, "-")}-${port}`, address, port, virtualHosts };
}

export function tcpPort(address: string, port: number, more: Partial<TcpPortIr>): TcpPortIr {
  const id = `tcp-${address.replace(/[^a-z0-9]/g, "-")}-${port}`;
  return { kind: "tcp", id, address, port, split: [], idleTimeoutMs: 10_000, ...more };
}

/** Endpoints are ports of `127.0.0.1`. */
export function cluster(name: string, ports: readonly number[], more: Partial<ClusterIr> = {}): ClusterIr {
  const endpoints = ports.map((port) => ({ address: "127.0.0.1", port, weight: 1 }));
  return { name, endpoints, policy: "roundRobin", connectTimeoutMs: 1000, healthCheck: null, ...more };
}

export function fleet(ports: readonly PortIr[], clusters: readonly ClusterIr[]): FleetIr {
  return { name: "test", proxy: "nginx", version: null, ports, clusters, sources: [] };
}

function groupsOf(id: string, rules: readonly RuleIr[], decision: "table" | "chain"): readonly PathGroupIr[] {
  const paths = new Map(rules.map(({ path }) => [`${path.kind} ${path.value}`, path]));
  const regexes = [...paths.values()].filter(({ kind }) => kind === "regex");
  return [...paths.values()].map((path, index) => {
    const all = candidatesOf(path, rules, regexes);
    const last = all.findIndex(({ rule: at, pathRegex }) => pathRegex === null && isUnconditional(rules[at]!));
    const candidates = last < 0 ? all : all.slice(0, last + 1);
    const falls = path.kind !== "prefix" && regexes.length > 0 ? "prefixes" : "notFound";
    const otherwise = last < 0 ? falls : "never";
    return { id: `${id}.${index}`, path, candidates, otherwise, decision: decide(candidates, rules, decision) };
  });
}

const isUnconditional = (rule: RuleIr) => rule.method === null && rule.headers.length === 0;

function candidatesOf(
  path: PathMatchIr,
  rules: readonly RuleIr[],
  regexes: readonly PathMatchIr[],
): readonly CandidateIr[] {
  const plain = (index: number) => ({ rule: index, pathRegex: null });
  const found = rules.flatMap(({ path: own }, index) =>
    own.kind === path.kind && own.value === path.value ? plain(index) : [],
  );
  if (path.kind !== "prefix" && regexes.length > 0) {
    const later = path.kind === "exact" ? regexes : regexes.slice(regexes.indexOf(path) + 1);
    const also = rules.flatMap(({ path: own }, index) =>
      later.includes(own) || (own.kind === "regex" && later.some(({ value }) => value === own.value))
        ? { rule: index, pathRegex: own.value }
        : [],
    );
    return [...found, ...also];
  }
  const covers = ({ kind, value }: PathMatchIr) =>
    kind === "prefix" && (value === "/" || path.value === value || path.value.startsWith(`${value}/`));
  const wider = rules.flatMap((rule, index) =>
    covers(rule.path) && !(path.kind === "prefix" && rule.path.value === path.value) ? index : [],
  );
  wider.sort((a, b) => rules[b]!.path.value.length - rules[a]!.path.value.length || a - b);
  return [...found, ...wider.map(plain)];
}

function decide(candidates: readonly CandidateIr[], rules: readonly RuleIr[], wanted: "table" | "chain"): DecisionIr {
  const first = candidates[0]!;
  if (candidates.length === 1 && first.pathRegex === null && isUnconditional(rules[first.rule]!))
    return { kind: "direct" };
  if (wanted === "chain") return { kind: "chain" };
  const dimensions: DimensionIr[] = [];
  const conditions = candidates.map((candidate) => conditionsOf(candidate, rules[candidate.rule]!));
  for (const { field, kind, value } of conditions.flat()) {
    const isRegex = kind === "regex";
    const same = dimensions.find(
      (dimension) =>
        JSON.stringify(dimension.field) === JSON.stringify(field) &&
        (dimension.kind === "regex") === isRegex &&
        (!isRegex || dimension.values[0] === value),
    );
    if (same === undefined)
      dimensions.push({ field, kind: isRegex ? "regex" : "exact", values: isRegex || kind === "exact" ? [value] : [] });
    else if (kind === "exact" && !same.values.includes(value)) (same.values as string[]).push(value);
  }
  let combinations: string[][] = [[]];
  for (const { kind, values } of dimensions) {
    const classes = kind === "regex" ? ["0", "1"] : ["a", "o", ...values.map((_, index) => String(index + 1))];
    combinations = combinations.flatMap((row) => classes.map((name) => [...row, name]));
  }
  const rows = combinations.flatMap((classes) => {
    const winner = candidates.find((_, index) =>
      conditions[index]!.every((asked) => holds(asked, dimensions, classes)),
    );
    return winner === undefined ? [] : { classes, rule: winner.rule };
  });
  return { kind: "table", dimensions, rows };
}

interface Condition {
  readonly field: FieldIr;
  readonly kind: HeaderMatchIr["kind"];
  readonly value: string;
}

function conditionsOf({ pathRegex }: CandidateIr, { method, headers }: RuleIr): readonly Condition[] {
  return [
    ...(pathRegex === null ? [] : [{ field: { kind: "path" }, kind: "regex", value: pathRegex } as const]),
    ...(method === null ? [] : [{ field: { kind: "method" }, kind: "exact", value: method } as const]),
    ...headers.map(({ name, kind, value }) => ({ field: { kind: "header", name } as const, kind, value })),
  ];
}

function holds(
  { field, kind, value }: Condition,
  dimensions: readonly DimensionIr[],
  classes: readonly string[],
): boolean {
  const at = dimensions.findIndex(
    (dimension) =>
      JSON.stringify(dimension.field) === JSON.stringify(field) &&
      (kind === "regex" ? dimension.kind === "regex" && dimension.values[0] === value : dimension.kind === "exact"),
  );
  const name = classes[at]!;
  if (kind === "regex") return name === "1";
  if (kind === "present") return name !== "a";
  if (kind === "absent") return name === "a";
  return name === String(dimensions[at]!.values.indexOf(value) + 1);
}
