/** IR by hand, for this room's tests: short constructors, and path groups by the plainest algorithm. */
import type {
  CandidateIr,
  ClusterIr,
  ConditionIr,
  FleetIr,
  ForwardIr,
  HeaderChangesIr,
  HttpPortIr,
  PathGroupIr,
  PathMatchIr,
  PoliciesIr,
  PortIr,
  RuleIr,
  SplitIr,
  TcpPortIr,
  UdpPortIr,
  VirtualHostIr,
} from "../../ir/index.ts";
import { NO_CONNECTION_LIMIT, USUAL_CLIENT_TIMEOUTS, USUAL_PROCESS } from "../../ir/index.ts";

/** To one cluster (null: to none), or by weights. */
export function forward(to: string | null | Readonly<Record<string, number>>): ForwardIr {
  if (to === null) return { kind: "forward", split: [] };
  const split: SplitIr =
    typeof to === "string"
      ? [{ cluster: to, weight: 1 }]
      : Object.entries(to).map(([cluster, weight]) => ({ cluster, weight }));
  return { kind: "forward", split };
}

/** No changes but these. */
export const changes = (more: Partial<HeaderChangesIr>): HeaderChangesIr => ({ set: [], add: [], remove: [], ...more });

/** Ten seconds of silence and no total limit. */
export const policies = (more: Partial<PoliciesIr> = {}): PoliciesIr => ({
  rewrite: null,
  requestHeaders: null,
  timeouts: { idleMs: 10_000, requestMs: null },
  retry: null,
  responseHeaders: null,
  ...more,
});

/** Replaces the matched prefix. */
export const rewriteTo = (value: string): PoliciesIr["rewrite"] => ({
  path: { kind: "prefix", value },
  hostname: null,
});

/** A rule; `route.rule.match` is its id, and `route.rule` alone stands for match 0. `path` as `=/exact`, `~regex` or `/prefix`. */
export function rule(id: string, path: string, more: Partial<RuleIr> = {}): RuleIr {
  const [route = "r", number = "0", match = "0"] = id.split(".");
  return {
    id: `${route}.${number}.${match}`,
    name: `${route}/${number}`,
    route,
    ruleName: null,
    pointer: `/rules/${number}`,
    protocol: "http",
    path: pathMatch(path),
    conditions: [],
    action: forward("a"),
    policies: policies(),
    ...more,
  };
}

function pathMatch(path: string): PathMatchIr {
  if (path.startsWith("=")) return { kind: "exact", value: path.slice(1) };
  return path.startsWith("~") ? { kind: "regex", value: path.slice(1) } : { kind: "prefix", value: path };
}

/** A condition on a header. */
export const header = (name: string, test: ConditionIr["test"], value = ""): ConditionIr => ({
  field: { kind: "header", name },
  test,
  value,
});

/** A condition on the method. */
export const method = (value: string): ConditionIr => ({ field: { kind: "method" }, test: "exact", value });

/** `rules` in precedence order; one hostname or several. */
export function virtualHost(hostnames: string | readonly string[], rules: readonly RuleIr[]): VirtualHostIr {
  const names = typeof hostnames === "string" ? [hostnames] : hostnames;
  return { hostnames: names, rules, groups: groupsOf(rules) };
}

export function httpPort(address: string, port: number, virtualHosts: readonly VirtualHostIr[]): HttpPortIr {
  const id = `http-${address.replace(/[^a-z0-9]/g, "-")}-${port}`;
  const clientTimeouts = USUAL_CLIENT_TIMEOUTS;
  return {
    kind: "http",
    id,
    address,
    port,
    listeners: [`web-${port}`],
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
  };
}

export function tcpPort(address: string, port: number, more: Partial<TcpPortIr>): TcpPortIr {
  const id = `tcp-${address.replace(/[^a-z0-9]/g, "-")}-${port}`;
  return {
    kind: "tcp",
    id,
    address,
    port,
    listeners: [`tcp-${port}`],
    split: [],
    idleTimeoutMs: 10_000,
    connectionLimit: NO_CONNECTION_LIMIT,
    proxyProtocol: null,
    ...more,
  };
}

/** Endpoints are ports of `127.0.0.1`. */
export function udpPort(address: string, port: number, more: Partial<UdpPortIr>): UdpPortIr {
  const id = `udp-${address.replace(/[^a-z0-9]/g, "-")}-${port}`;
  const usual = { split: [], idleTimeoutMs: 10_000, perPacket: false };
  return { kind: "udp", id, address, port, listeners: [`udp-${port}`], ...usual, ...more };
}

export function cluster(name: string, ports: readonly number[], more: Partial<ClusterIr> = {}): ClusterIr {
  const endpoints = ports.map((port) => ({
    address: "127.0.0.1",
    port,
    weight: 1,
    state: "active" as const,
    priority: 0,
  }));
  const usual = {
    affinity: null,
    limits: null,
    connectTimeoutMs: 1000,
    pool: { maxIdle: null, idleTimeoutMs: null, maxRequestsPerConnection: null },
    healthCheck: null,
    outlierDetection: null,
    near: null,
    drainTimeoutMs: null,
    tls: null,
    passed: null,
    slowStart: null,
    protocol: "http1" as const,
    proxyProtocol: null,
  };
  return { name, endpoints, balance: { policy: "roundRobin" }, ...usual, ...more };
}

export function fleet(ports: readonly PortIr[], clusters: readonly ClusterIr[]): FleetIr {
  return {
    name: "test",
    proxy: "nginx",
    version: null,
    healthChecks: null,
    accessLog: null,
    process: USUAL_PROCESS,
    ports,
    clusters,
    certificates: [],
    authorities: [],
    sources: [],
  };
}

function groupsOf(rules: readonly RuleIr[]): readonly PathGroupIr[] {
  const paths = new Map(rules.map(({ path }) => [`${path.kind} ${path.value}`, path]));
  const of = (kind: PathMatchIr["kind"]) => [...paths.values()].filter((path) => path.kind === kind);
  return [...of("exact"), ...of("regex"), ...of("prefix")].map((path) => {
    const isBare = path.kind === "prefix" && path.value !== "/" && !paths.has(`exact ${path.value}`);
    const below = (other: PathMatchIr) => other.kind === "prefix" && covers(other.value, path.value);
    const own = (other: PathMatchIr) => other.kind === path.kind && other.value === path.value;
    return {
      path,
      candidates: candidates(rules, path.kind === "exact" ? matches(path.value) : path.kind === "regex" ? own : below),
      bare: isBare ? candidates(rules, matches(path.value)) : null,
      table: null,
    };
  });
}

const covers = (prefix: string, path: string) => prefix === "/" || path === prefix || path.startsWith(`${prefix}/`);

/** Whether a pattern matches this very path. */
function matches(path: string) {
  return ({ kind, value }: PathMatchIr): boolean => {
    if (kind === "exact") return value === path;
    return kind === "prefix" ? covers(value, path) : new RegExp(`^(?:${value})$`).test(path);
  };
}

function candidates(rules: readonly RuleIr[], mayMatch: (path: PathMatchIr) => boolean): readonly CandidateIr[] {
  const found = rules.flatMap(({ path }, index) => (mayMatch(path) ? { rule: index, pathRegex: null } : []));
  const last = found.findIndex(({ rule: index }) => rules[index]?.conditions.length === 0);
  return last < 0 ? found : found.slice(0, last + 1);
}
