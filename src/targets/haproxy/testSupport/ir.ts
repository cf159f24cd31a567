/**
 * Hand-made IR for this target's tests. The path groups come from a small builder of the tests' own, written straight from
 * the words in `src/ir`, because targets know no compiler.
 */
import type {
  ActionIr,
  CandidateIr,
  ClusterIr,
  ConditionIr,
  DimensionIr,
  FleetIr,
  ForwardIr,
  HeaderChangesIr,
  HttpPortIr,
  PathGroupIr,
  PathMatchIr,
  PoliciesIr,
  RuleIr,
  SplitIr,
  TableIr,
  TableRowIr,
  TcpPortIr,
  TestIr,
  VirtualHostIr,
} from "../../../ir/index.ts";
import { fieldKey, NO_CONNECTION_LIMIT, USUAL_CLIENT_TIMEOUTS, USUAL_PROCESS } from "../../../ir/index.ts";

/** No header changes. */
export const noChanges: HeaderChangesIr = { set: [], add: [], remove: [] };

/** No policy but the timeouts that every forwarded request has. */
const NO_POLICIES: PoliciesIr = {
  rewrite: null,
  requestHeaders: null,
  timeouts: null,
  retry: null,
  responseHeaders: null,
};

/** What differs between the rules of a test. `name` of a rule that has several matches: equal names in a row. */
export interface RuleInput {
  readonly path: PathMatchIr;
  readonly action: ActionIr;
  readonly name?: string;
  readonly method?: string;
  readonly headers?: readonly HeaderTest[];
  readonly rewritePrefix?: string;
  readonly requestHeaders?: HeaderChangesIr;
  readonly responseHeaders?: HeaderChangesIr;
  readonly idleMs?: number;
  readonly requestMs?: number;
}

/** A condition on a header. */
export interface HeaderTest {
  readonly name: string;
  readonly test: TestIr;
  readonly value: string;
}

/** An exact path. */
export const exact = (value: string): PathMatchIr => ({ kind: "exact", value });
/** A path regex. */
export const regex = (value: string): PathMatchIr => ({ kind: "regex", value });
/** A path prefix. */
export const prefix = (value: string): PathMatchIr => ({ kind: "prefix", value });

/** Forwards to one cluster or a split. */
export function forward(target: string | SplitIr): ForwardIr {
  return { kind: "forward", split: typeof target === "string" ? [{ cluster: target, weight: 1 }] : target };
}

/** Answers directly. */
export function respond(body: string, status = 200, contentType = "text/plain"): ActionIr {
  return { kind: "respond", status, body, contentType };
}

/** Rules in precedence order; ids are `<route>.<rule>.<match>`, names `<route>/<name or place>`. */
export function rulesOf(route: string, inputs: readonly RuleInput[]): readonly RuleIr[] {
  let [rule, match] = [-1, 0];
  return inputs.map((input, index) => {
    const isNext = input.name !== undefined && input.name === inputs[index - 1]?.name;
    [rule, match] = isNext ? [rule, match + 1] : [rule + 1, 0];
    return {
      id: `${route}.${rule}.${match}`,
      name: `${route}/${input.name ?? rule}`,
      route,
      ruleName: input.name ?? null,
      pointer: `/rules/${rule}`,
      protocol: "http",
      path: input.path,
      conditions: conditionsOf(input),
      action: input.action,
      policies: policiesOf(input),
    };
  });
}

function conditionsOf({ method, headers = [] }: RuleInput): readonly ConditionIr[] {
  return [
    ...(method === undefined ? [] : [{ field: { kind: "method" as const }, test: "exact" as const, value: method }]),
    ...headers.map(({ name, test, value }) => ({ field: { kind: "header" as const, name }, test, value })),
  ];
}

function policiesOf({ action, idleMs, requestMs, ...input }: RuleInput): PoliciesIr {
  const responseHeaders = input.responseHeaders ?? null;
  if (action.kind !== "forward") return { ...NO_POLICIES, responseHeaders };
  const { rewritePrefix, requestHeaders = null } = input;
  return {
    rewrite: rewritePrefix === undefined ? null : { path: { kind: "prefix", value: rewritePrefix }, hostname: null },
    requestHeaders,
    timeouts: { idleMs: idleMs ?? 60_000, requestMs: requestMs ?? null },
    retry: null,
    responseHeaders,
  };
}

/** How groups with several candidates can choose. */
export type Decide = "table" | "chain";

/** A virtual host with path groups. */
export function virtualHost(
  hostnames: string | readonly string[],
  rules: readonly RuleIr[],
  decide: Decide = "chain",
): VirtualHostIr {
  const list = typeof hostnames === "string" ? [hostnames] : hostnames;
  return { hostnames: list, rules, groups: groupsOf(rules, decide) };
}

/** An HTTP port of the listener `web`, unless told otherwise. */
export function httpPort(
  port: number,
  virtualHosts: readonly VirtualHostIr[],
  more: Partial<HttpPortIr> = {},
): HttpPortIr {
  const address = more.address ?? "127.0.0.1";
  const clientTimeouts = USUAL_CLIENT_TIMEOUTS;
  return {
    kind: "http",
    id: `http-${port}`,
    address,
    port,
    listeners: ["web"],
    tls: null,
    passed: null,
    clientTimeouts,
    connectionLimit: NO_CONNECTION_LIMIT,
    geoTables: [],
    http2: "off" as const,
    http3: null,
    proxyProtocol: null,
    via: null,
    virtualHosts,
    ...more,
  };
}

/** A TCP port of a listener. */
export function tcpPort(
  port: number,
  listener: string,
  {
    split,
    idleTimeoutMs = 60_000,
  }: {
    readonly split: SplitIr;
    readonly idleTimeoutMs?: number;
  },
): TcpPortIr {
  const id = `tcp-${port}`;
  return {
    kind: "tcp",
    id,
    address: "127.0.0.1",
    port,
    listeners: [listener],
    split,
    idleTimeoutMs,
    connectionLimit: NO_CONNECTION_LIMIT,
    proxyProtocol: null,
  };
}

/** A cluster of loopback endpoints: ports, or pairs of port and weight. */
export function cluster(name: string, ports: readonly (number | [number, number])[], more: Partial<ClusterIr> = {}) {
  const endpoints = ports.map((entry) => {
    const [port, weight] = typeof entry === "number" ? [entry, 1] : entry;
    return { address: "127.0.0.1", port, weight, state: "active" as const, priority: 0 };
  });
  const defaults = {
    balance: { policy: "roundRobin" },
    affinity: null,
    limits: null,
    connectTimeoutMs: 1_000,
    pool: { maxIdle: null, idleTimeoutMs: null, maxRequestsPerConnection: null },
    healthCheck: null,
    outlierDetection: null,
    near: null,
    drainTimeoutMs: null,
    tls: null,
    passed: null,
    slowStart: null,
    protocol: "http1",
    proxyProtocol: null,
  } as const;
  return { name, endpoints, ...defaults, ...more } satisfies ClusterIr;
}

/** A fleet of HAProxies. */
export function fleet(parts: Pick<FleetIr, "ports" | "clusters"> & { readonly version?: string }): FleetIr {
  return {
    name: "edge",
    proxy: "haproxy",
    version: parts.version ?? null,
    healthChecks: null,
    accessLog: null,
    process: USUAL_PROCESS,
    certificates: [],
    authorities: [],
    ...parts,
    sources: [],
  } as FleetIr;
}

function groupsOf(rules: readonly RuleIr[], decide: Decide): readonly PathGroupIr[] {
  const paths = new Map(rules.map(({ path }) => [`${path.kind} ${path.value}`, path]));
  return [...paths.values()].map((path) => {
    const all = candidatesOf(path, rules);
    const end = all.findIndex(({ rule }) => rules[rule]?.conditions.length === 0);
    const candidates = end < 0 ? all : all.slice(0, end + 1);
    const isChoice = end !== 0 && decide === "table";
    // HAProxy looks expressions up before prefixes, so nothing asks for the bare path.
    return { path, candidates, bare: null, table: isChoice ? tableOf(candidates, rules) : null };
  });
}

/** An exact path's expressions are decided here. */
function candidatesOf(path: PathMatchIr, rules: readonly RuleIr[]): CandidateIr[] {
  const those = (isOne: (other: PathMatchIr) => boolean): CandidateIr[] =>
    rules.flatMap(({ path: other }, rule) => (isOne(other) ? [{ rule, pathRegex: null }] : []));
  const own = those((other) => same(other, path));
  if (path.kind === "regex") return own;
  const covering = those((other) => other.kind === "prefix" && !same(other, path) && covers(other.value, path.value));
  if (path.kind === "prefix") return [...own, ...covering];
  const matching = (pattern: string): boolean => new RegExp(`^(?:${pattern})$`, "s").test(path.value);
  return [...own, ...those((other) => other.kind === "regex" && matching(other.value)), ...covering];
}

function same(a: PathMatchIr, b: PathMatchIr): boolean {
  return a.kind === b.kind && a.value === b.value;
}

function covers(shorter: string, path: string): boolean {
  return shorter === "/" || path === shorter || path.startsWith(`${shorter}/`);
}

const keyOf = ({ field, test, value }: ConditionIr): string =>
  `${fieldKey(field)}${test === "regex" ? ` ${value}` : ""}`;

function tableOf(candidates: readonly CandidateIr[], rules: readonly RuleIr[]): TableIr {
  const entries = candidates.map(({ rule }) => ({ rule, tests: (rules[rule] as RuleIr).conditions }));
  const dimensions = new Map<string, DimensionIr & { values: string[] }>();
  for (const test of entries.flatMap(({ tests }) => tests)) {
    const kind = test.test === "regex" ? "regex" : "exact";
    const dimension = dimensions.get(keyOf(test)) ?? { field: test.field, kind, values: [] };
    dimensions.set(keyOf(test), dimension);
    const isValue = test.test === "exact" || test.test === "regex";
    if (isValue && !dimension.values.includes(test.value)) dimension.values.push(test.value);
  }
  const keys = [...dimensions.keys()];
  const rows: TableRowIr[] = [];
  for (const classes of product([...dimensions.values()].map(classesOf))) {
    const holds = (test: ConditionIr): boolean => {
      const found = classes[keys.indexOf(keyOf(test))];
      if (test.test === "regex") return found === "1";
      if (test.test === "present") return found !== "a";
      if (test.test === "absent") return found === "a";
      return found === String((dimensions.get(keyOf(test))?.values.indexOf(test.value) ?? -1) + 1);
    };
    const winner = entries.find(({ tests }) => tests.every(holds));
    if (winner !== undefined) rows.push({ classes, rule: winner.rule });
  }
  return { dimensions: [...dimensions.values()], rows };
}

function classesOf(dimension: DimensionIr): readonly string[] {
  if (dimension.kind === "regex") return ["0", "1"];
  return ["a", "o", ...dimension.values.map((_, index) => String(index + 1))];
}

function product(lists: readonly (readonly string[])[]): readonly (readonly string[])[] {
  return lists.reduce<string[][]>((rows, list) => rows.flatMap((row) => list.map((item) => [...row, item])), [[]]);
}
