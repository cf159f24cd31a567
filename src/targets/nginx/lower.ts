/**
 * From IR to views. Each virtual host and each rule is lowered once and kept by the identity of its IR node; a fleet is then
 * the join of those parts: maps gather lines from all of them, servers list locations.
 */
import type { ClusterIr, FleetIr, HttpPortIr, RuleIr, TcpPortIr, VirtualHostIr } from "../../ir/index.ts";
import type { RuleContext } from "./attributes.ts";
import { type ClassSpec, lowerClass } from "./classes.ts";
import { createNamer, type Namer, underscored } from "./names.ts";
import { mapEntries, mapEntry, mapKey, param, type Variable, value, variable, word } from "./quote.ts";
import { type LoweredRule, lowerRule, SINGLE_RESPONSE_FIELDS } from "./rules.ts";
import { lowerSplit, splitVariable } from "./splits.ts";
import { type LoweredTcpPort, lowerTcpPort } from "./stream.ts";
import { hostAndPort, lowerUpstreams } from "./upstreams.ts";
import type {
  Block,
  ClassView,
  MapView,
  RuleLocationView,
  ServerView,
  SplitView,
  UpstreamView,
  VirtualHostView,
} from "./views.ts";
import { type LoweredVirtualHost, lowerVirtualHost } from "./virtualHosts.ts";

/** A server whose parts are still views. */
export interface LoweredServer {
  readonly listen: ServerView["listen"];
  readonly virtualHost: Variable;
  /** From host to virtual host. */
  readonly hosts: { readonly map: MapView; readonly count: number };
  readonly responseHeaders: ServerView["responseHeaders"];
  readonly virtualHosts: readonly Block[];
  readonly ruleLocations: readonly RuleLocationView[];
  /** Ascending by name. */
  readonly classes: readonly ClassView[];
}

/** Everything that `render.ts` joins. */
export interface LoweredFleet {
  /** Each virtual host of each port. */
  readonly virtualHosts: readonly KeptVirtualHost[];
  /** Each rule once. */
  readonly rules: readonly LoweredRule[];
  readonly servers: readonly LoweredServer[];
  readonly splits: readonly SplitView[];
  readonly upstreams: readonly UpstreamView[];
  /** Clusters' connect timeouts by upstream, when a split mixes them; else empty. */
  readonly connectTimeouts: readonly (readonly [string, number])[];
  readonly tcp: {
    readonly ports: readonly LoweredTcpPort[];
    readonly upstreams: readonly UpstreamView[];
  };
}

/** A virtual host as it is kept: its locations as text, because thousands of views would cost more than the text. */
export type KeptVirtualHost = Omit<LoweredVirtualHost, "view"> & { readonly block: Block };

/** Renders `virtualHost.hbs`; given by `render.ts`, so that lowering knows no templates. */
export type RenderVirtualHost = (view: VirtualHostView) => Block;

/** Everything that one rendering shares. */
interface FleetContext extends RuleContext {
  readonly renderVirtualHost: RenderVirtualHost;
  readonly clusters: ReadonlyMap<string, ClusterIr>;
}

/** Lowers a fleet. Pure apart from caches by identity. */
export function lowerFleet(ir: FleetIr, renderVirtualHost: RenderVirtualHost): LoweredFleet {
  const context: FleetContext = {
    namer: createNamer(),
    classOf: createClasses(),
    renderVirtualHost,
    clusters: new Map(ir.clusters.map((cluster) => [cluster.name, cluster])),
    connectTimeouts: new Map(ir.clusters.map(({ name, connectTimeoutMs }) => [name, connectTimeoutMs])),
  };
  const httpPorts = ir.ports.filter((port): port is HttpPortIr => port.kind === "http");
  const tcpPorts = ir.ports.filter((port): port is TcpPortIr => port.kind === "tcp");
  let rules = new Map<string, LoweredRule>();
  const virtualHosts: KeptVirtualHost[] = [];
  const servers: LoweredServer[] = [];
  for (const port of httpPorts) {
    const hosts = port.virtualHosts.map((host) => cachedVirtualHost(host, port.id, context));
    const own = rulesOf(port, context);
    if (httpPorts.length > 1) for (const [id, rule] of own) rules.set(id, rule);
    else rules = own;
    for (const host of hosts) virtualHosts.push(host);
    servers.push(lowerServer(port, { hosts, rules: [...own.values()] }));
  }
  const all = [...rules.values()];
  const used = clustersOf(all);
  const usedByTcp = new Set(tcpPorts.flatMap(({ split }) => split.map(({ cluster }) => cluster)));
  return {
    virtualHosts,
    rules: all,
    servers,
    splits: lowerSplits(all, context.namer),
    upstreams: lowerUpstreams(
      ir.clusters.filter(({ name }) => used.has(name)),
      "http",
    ),
    connectTimeouts: all.some(({ mixesTimeouts }) => mixesTimeouts) ? [...context.connectTimeouts] : [],
    tcp: {
      ports: tcpPorts.map((port) => lowerTcpPort(port, context)),
      upstreams: lowerUpstreams(
        ir.clusters.filter(({ name }) => usedByTcp.has(name)),
        "stream",
      ),
    },
  };
}

function clustersOf(rules: readonly LoweredRule[]): ReadonlySet<string> {
  const names = new Set<string>();
  for (const { rule } of rules) {
    if (rule.action.kind === "forward") for (const { cluster } of rule.action.split) names.add(cluster);
  }
  return names;
}

const virtualHostCache = new WeakMap<VirtualHostIr, Map<string, KeptVirtualHost>>();
const ruleCache = new WeakMap<RuleIr, { readonly timeouts: readonly number[]; readonly lowered: LoweredRule }>();

function cachedVirtualHost(host: VirtualHostIr, portId: string, context: FleetContext): KeptVirtualHost {
  const byPort = virtualHostCache.get(host) ?? new Map<string, KeptVirtualHost>();
  virtualHostCache.set(host, byPort);
  const old = byPort.get(portId);
  if (old !== undefined) return old;
  const { view, lookups, regexes } = lowerVirtualHost(host, { portId, namer: context.namer });
  const kept = { block: context.renderVirtualHost(view), lookups, regexes };
  byPort.set(portId, kept);
  return kept;
}

function createClasses(): RuleContext["classOf"] {
  const known = new Map<string, ClassSpec>();
  return (name, make) => {
    const old = known.get(name);
    if (old !== undefined) return old;
    const made = make();
    known.set(name, made);
    return made;
  };
}

function cachedRule(rule: RuleIr, context: FleetContext): LoweredRule {
  const split = rule.action.kind === "forward" ? rule.action.split : [];
  const cached = ruleCache.get(rule);
  const { connectTimeouts } = context;
  if (cached !== undefined) {
    let isCurrent = true;
    // A plain loop: this runs for every rule at every rendering.
    for (let at = 0; at < split.length; at++) {
      if (connectTimeouts.get(split[at]?.cluster ?? "") !== cached.timeouts[at]) isCurrent = false;
    }
    if (isCurrent) return cached.lowered;
  }
  const lowered = lowerRule(rule, context);
  ruleCache.set(rule, { timeouts: split.map(({ cluster }) => connectTimeouts.get(cluster) ?? 0), lowered });
  return lowered;
}

function rulesOf(port: HttpPortIr, context: FleetContext): Map<string, LoweredRule> {
  const rules = new Map<string, LoweredRule>();
  for (const host of port.virtualHosts) {
    for (const rule of host.rules) {
      if (!rules.has(rule.id)) rules.set(rule.id, cachedRule(rule, context));
    }
  }
  return rules;
}

function lowerServer(
  port: HttpPortIr,
  { hosts, rules }: { readonly hosts: readonly KeptVirtualHost[]; readonly rules: readonly LoweredRule[] },
): LoweredServer {
  const classes = new Map<string, ClassView>();
  for (const rule of rules) {
    for (const spec of rule.classes) if (!classes.has(spec.name)) classes.set(spec.name, lowerClass(spec));
  }
  const virtualHost = variable(`vh_${underscored(port.id)}`);
  return {
    listen: word(hostAndPort(port.address, port.port)),
    virtualHost,
    hosts: { map: hostMap(port, virtualHost), count: port.virtualHosts.length },
    responseHeaders: responseHeadersOf(rules),
    virtualHosts: hosts.map(({ block }) => block),
    ruleLocations: rules.map(({ location }) => location).filter((location) => location !== null),
    classes: [...classes].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, view]) => view),
  };
}

/** `$host` is the request's host in lower case, without port and trailing dot; exact names beat wildcards, longer ones shorter. */
function hostMap(port: HttpPortIr, name: Variable): MapView {
  const star = port.virtualHosts.find(({ hostname }) => hostname === "*");
  const named = port.virtualHosts.filter((host) => host !== star);
  return {
    source: param(variable("host")),
    name,
    hostnames: true,
    volatile: false,
    entries: mapEntries(named.map(({ hostname, id }) => mapEntry(mapKey(hostname), word(id)))),
    fallback: value(param(star?.id ?? "")),
  };
}

/** One line for each value that some rule writes; a line whose variable is empty writes nothing. */
function responseHeadersOf(rules: readonly LoweredRule[]): ServerView["responseHeaders"] {
  const lines = new Map<string, { name: string; variables: readonly Variable[] }>();
  for (const { responseHeaders } of rules) {
    for (const { name, id, variables } of responseHeaders) {
      const key = `${name} ${id}`;
      const old = lines.get(key);
      if (old === undefined || old.variables.length < variables.length) lines.set(key, { name, variables });
    }
  }
  const sorted = [...lines].sort(([a], [b]) => (a < b ? -1 : 1));
  return sorted.map(([, { name, variables }]) => ({ name: word(name), value: param(...variables) }));
}

function lowerSplits(rules: readonly LoweredRule[], namer: Namer): readonly SplitView[] {
  const splits = new Map<string, SplitView>();
  for (const { split } of rules) {
    if (split === null) continue;
    const name = splitVariable(split, namer);
    // The split's own name in the seed: two splits of one cluster set must not draw alike.
    if (!splits.has(name.text))
      splits.set(name.text, lowerSplit(split, name, param(variable("request_id"), name.text.slice(1))));
  }
  return [...splits].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, view]) => view);
}

/** What an attribute's variable gives for rules that do not set it. */
export function attributeFallback(name: string): Variable | null {
  const field = SINGLE_RESPONSE_FIELDS.map(underscored).find((single) => name === `$ss_${single}`);
  return field === undefined ? null : variable(`upstream_http_${field}`);
}
