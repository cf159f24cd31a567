/**
 * Hand-made IR for this target's tests. The path groups come from a small builder of the tests' own, written straight from
 * the words in `src/ir/index.ts`, because targets know no compiler.
 */
import { createHash } from "node:crypto";
import type {
  ActionIr,
  CandidateIr,
  ClusterIr,
  DecisionIr,
  DimensionIr,
  FieldIr,
  FleetIr,
  ForwardIr,
  HeaderChangesIr,
  HeaderMatchIr,
  PathGroupIr,
  PathMatchIr,
  RuleIr,
  SplitIr,
  TableRowIr,
  VirtualHostIr,
} from "../../../ir/index.ts";

/** No header changes. */
export const noChanges: HeaderChangesIr = { set: [], add: [], remove: [] };

/** What differs between the rules of a test. */
export interface RuleInput {
  readonly path: PathMatchIr;
  readonly action: ActionIr;
  readonly method?: string;
  readonly headers?: readonly HeaderMatchIr[];
  readonly responseHeaders?: HeaderChangesIr;
}

/** An exact path. */
export const exact = (value: string): PathMatchIr => ({ kind: "exact", value });
/** A path regex. */
export const regex = (value: string): PathMatchIr => ({ kind: "regex", value });
/** A path prefix. */
export const prefix = (value: string): PathMatchIr => ({ kind: "prefix", value });

/** Forwards to one cluster or a split. */
export function forward(target: string | SplitIr, more: Partial<ForwardIr> = {}): ForwardIr {
  const split = typeof target === "string" ? [{ cluster: target, weight: 1 }] : target;
  const defaults = { rewritePrefix: null, requestHeaders: noChanges, idleTimeoutMs: 60_000, requestTimeoutMs: null };
  return { kind: "forward", split, ...defaults, ...more };
}

/** Answers directly. */
export function respond(body: string, status = 200, contentType = "text/plain"): ActionIr {
  return { kind: "respond", status, body, contentType };
}

/** Rules in precedence order; ids are `<route>.<n>.0`. */
export function rulesOf(route: string, inputs: readonly RuleInput[]): readonly RuleIr[] {
  return inputs.map(({ path, action, method, headers, responseHeaders }, index) => ({
    id: `${route}.${index}.0`,
    route,
    ruleName: null,
    pointer: `/rules/${index}`,
    path,
    method: method ?? null,
    headers: headers ?? [],
    action,
    responseHeaders: responseHeaders ?? noChanges,
  }));
}

/** How groups with several candidates choose. */
export type Decide = "table" | "chain";

/** A virtual host with path groups. */
export function virtualHost(hostname: string, rules: readonly RuleIr[], decide: Decide = "table"): VirtualHostIr {
  const id = `v${createHash("sha256").update(hostname).digest("hex").slice(0, 12)}`;
  return { id, hostname, rules, groups: groupsOf(id, rules, decide) };
}

/** A cluster of loopback endpoints: ports, or pairs of port and weight. */
export function cluster(name: string, ports: readonly (number | [number, number])[], more: Partial<ClusterIr> = {}) {
  const endpoints = ports.map((entry) => {
    const [port, weight] = typeof entry === "number" ? [entry, 1] : entry;
    return { address: "127.0.0.1", port, weight };
  });
  const defaults = { policy: "roundRobin", connectTimeoutMs: 1_000, healthCheck: null } as const;
  return { name, endpoints, ...defaults, ...more } satisfies ClusterIr;
}

/** A fleet of HAProxies. */
export function fleet(parts: Pick<FleetIr, "ports" | "clusters"> & { readonly version?: string }): FleetIr {
  return { name: "edge", proxy: "haproxy", version: parts.version ?? null, ...parts, sources: [] } as FleetIr;
}

function groupsOf(id: string, rules: readonly RuleIr[], decide: Decide): readonly PathGroupIr[] {
  const paths = new Map(rules.map(({ path }) => [`${path.kind} ${path.value}`, path]));
  const hasRegex = rules.some(({ path }) => path.kind === "regex");
  return [...paths.values()].map((path, index) => {
    const all = candidatesOf(path, rules, hasRegex);
    const end = all.findIndex((candidate) => isCertain(rules[candidate.rule] as RuleIr, candidate));
    const candidates = end < 0 ? all : all.slice(0, end + 1);
    const otherwise = end >= 0 ? "never" : hasRegex && path.kind !== "prefix" ? "prefixes" : "notFound";
    const decision: DecisionIr =
      end === 0 ? { kind: "direct" } : decide === "chain" ? { kind: "chain" } : tableOf(candidates, rules);
    return { id: `${id}.${index}`, path, candidates, otherwise, decision };
  });
}

function candidatesOf(path: PathMatchIr, rules: readonly RuleIr[], hasRegex: boolean): CandidateIr[] {
  const own = rules.flatMap((rule, index) => (same(rule.path, path) ? [{ rule: index, pathRegex: null }] : []));
  const first = own[0]?.rule ?? 0;
  const regexes = rules.flatMap(({ path: other }, index) =>
    other.kind === "regex" && !same(other, path) && (path.kind === "exact" || index > first)
      ? [{ rule: index, pathRegex: other.value }]
      : [],
  );
  const covering = rules.flatMap(({ path: other }, index) =>
    other.kind === "prefix" && !same(other, path) && covers(other.value, path.value)
      ? [{ rule: index, pathRegex: null }]
      : [],
  );
  if (path.kind === "prefix") return [...own, ...covering];
  return [...own, ...regexes, ...(hasRegex ? [] : covering)];
}

function same(a: PathMatchIr, b: PathMatchIr): boolean {
  return a.kind === b.kind && a.value === b.value;
}

function covers(shorter: string, path: string): boolean {
  return shorter === "/" || path === shorter || path.startsWith(`${shorter}/`);
}

function isCertain(rule: RuleIr, candidate: CandidateIr): boolean {
  return rule.method === null && rule.headers.length === 0 && candidate.pathRegex === null;
}

interface Test {
  readonly field: FieldIr;
  readonly kind: HeaderMatchIr["kind"];
  readonly value: string;
}

function testsOf(rule: RuleIr, candidate: CandidateIr): readonly Test[] {
  return [
    ...(rule.method === null
      ? []
      : [{ field: { kind: "method" as const }, kind: "exact" as const, value: rule.method }]),
    ...(candidate.pathRegex === null
      ? []
      : [{ field: { kind: "path" as const }, kind: "regex" as const, value: candidate.pathRegex }]),
    ...rule.headers.map(({ name, kind, value }) => ({ field: { kind: "header" as const, name }, kind, value })),
  ];
}

const keyOf = (test: Test): string => JSON.stringify(test.kind === "regex" ? [test.field, test.value] : [test.field]);

function tableOf(candidates: readonly CandidateIr[], rules: readonly RuleIr[]): DecisionIr {
  const entries = candidates.map((candidate) => ({
    rule: candidate.rule,
    tests: testsOf(rules[candidate.rule] as RuleIr, candidate),
  }));
  const dimensions = new Map<string, DimensionIr & { values: string[] }>();
  for (const test of entries.flatMap(({ tests }) => tests)) {
    const key = keyOf(test);
    const kind = test.kind === "regex" ? "regex" : "exact";
    const dimension = dimensions.get(key) ?? { field: test.field, kind, values: [] };
    dimensions.set(key, dimension);
    const isValue = test.kind === "exact" || test.kind === "regex";
    if (isValue && !dimension.values.includes(test.value)) dimension.values.push(test.value);
  }
  const keys = [...dimensions.keys()];
  const rows: TableRowIr[] = [];
  for (const classes of product([...dimensions.values()].map(classesOf))) {
    const holds = (test: Test): boolean => {
      const key = keyOf(test);
      const found = classes[keys.indexOf(key)];
      if (test.kind === "regex") return found === "1";
      if (test.kind === "present") return found !== "a";
      if (test.kind === "absent") return found === "a";
      return found === String((dimensions.get(key)?.values.indexOf(test.value) ?? -1) + 1);
    };
    const winner = entries.find(({ tests }) => tests.every(holds));
    if (winner !== undefined) rows.push({ classes, rule: winner.rule });
  }
  return { kind: "table", dimensions: [...dimensions.values()], rows };
}

function classesOf(dimension: DimensionIr): readonly string[] {
  if (dimension.kind === "regex") return ["0", "1"];
  return ["a", "o", ...dimension.values.map((_, index) => String(index + 1))];
}

function product(lists: readonly (readonly string[])[]): readonly (readonly string[])[] {
  return lists.reduce<string[][]>((rows, list) => rows.flatMap((row) => list.map((item) => [...row, item])), [[]]);
}
