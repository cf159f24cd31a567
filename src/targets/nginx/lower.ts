/**
 * From IR to views. Each virtual host and each rule is lowered once and kept by the identity of its IR node; a fleet is then
 * the join of those parts: maps gather lines from all of them, servers list locations.
 */
import type { ClusterIr, FleetIr, HttpPortIr, RuleIr, TcpPortIr, VirtualHostIr } from "../../ir/index.ts";
import { distinctById } from "../../util/runs.ts";
import { mapSteps, type Steps } from "../../util/steps.ts";
import type { Version } from "../target.ts";
import { isBefore, parseVersion } from "../version.ts";
import type { RuleContext } from "./attributes.ts";
import { type Class, lowerClass } from "./classes.ts";
import { createNamer, underscored } from "./names.ts";
import {
  type MapEntry,
  mapEntry,
  mapKey,
  mapLines,
  param,
  type Variable,
  value,
  variable,
  type Word,
  word,
} from "./quote.ts";
import { distinct, lowerRules, mergeResponseHeaders, type RuleRun, type RunContext } from "./ruleRuns.ts";
import { SINGLE_RESPONSE_FIELDS } from "./rules.ts";
import { type LoweredTcpPort, lowerTcpPort } from "./stream.ts";
import { hostAndPort, lowerUpstreams } from "./upstreams.ts";
import type { Block, MapView, RenderBlock, ServerView, SplitView } from "./views.ts";
import { type LoweredVirtualHost, lowerVirtualHost } from "./virtualHosts.ts";

/** A server and the map from host to virtual host. */
export interface LoweredServer {
  readonly view: ServerView;
  readonly hosts: { readonly map: MapView; readonly count: number };
}

/** Everything that `render.ts` joins. */
export interface LoweredFleet {
  readonly keepaliveMin: Word | null;
  /** Each virtual host of each port. */
  readonly virtualHosts: readonly KeptVirtualHost[];
  /** Each rule in one of them. */
  readonly runs: readonly RuleRun[];
  readonly servers: readonly LoweredServer[];
  /** Ascending by name. */
  readonly splits: readonly SplitView[];
  readonly upstreams: readonly Block[];
  /** Clusters' connect timeouts by upstream, when a split mixes them; else empty. */
  readonly connectTimeouts: readonly (readonly [string, number])[];
  readonly tcp: {
    readonly ports: readonly LoweredTcpPort[];
    readonly upstreams: readonly Block[];
  };
}

/** A virtual host as it is kept: its locations as text, because thousands of views would cost more than the text. */
export type KeptVirtualHost = Omit<LoweredVirtualHost, "view"> & {
  readonly block: Block;
  /** In the map from host to virtual host. */
  readonly hostLine: MapEntry;
};

/** Everything that one rendering shares. */
interface FleetContext extends RunContext {
  readonly clusters: ReadonlyMap<string, ClusterIr>;
}

/** `keepalive_min_timeout` is there from this version on. */
const KEEPALIVE_MIN_SINCE: Version = [1, 27, 4];
/**
 * A reload closes idle client connections, and a request that is on its way is lost (20 reloads under load: 80 of 7 357). Within
 * this time they are answered with `Connection: close` instead (none of 7 350 lost); old workers stay so much longer.
 */
const KEEPALIVE_MIN = "5s";

function keepaliveMin({ version }: FleetIr): Word | null {
  return version === null || isBefore(parseVersion(version), KEEPALIVE_MIN_SINCE) ? null : word(KEEPALIVE_MIN);
}

/** Lowers a fleet. Pure apart from caches by identity. */
export function* lowerFleet(ir: FleetIr, render: RenderBlock): Steps<LoweredFleet> {
  const context: FleetContext = {
    namer: createNamer(),
    classOf: createClasses(render),
    plainClasses: new Map(),
    render,
    clusters: new Map(ir.clusters.map((cluster) => [cluster.name, cluster])),
    connectTimeouts: new Map(ir.clusters.map(({ name, connectTimeoutMs }) => [name, connectTimeoutMs])),
  };
  const ports: LoweredPort[] = [];
  for (const port of ir.ports) if (port.kind === "http") ports.push(yield* lowerPort(port, context));
  const tcpPorts = ir.ports.filter((port): port is TcpPortIr => port.kind === "tcp");
  const [only] = ports;
  const runs =
    only !== undefined && ports.length === 1
      ? only.runs
      : yield* lowerRules(yield* distinctById(ports.map(({ rules }) => rules)), context);
  yield;
  const used = new Set(runs.flatMap(({ connectTimeouts }) => [...connectTimeouts.keys()]));
  const usedByTcp = new Set(tcpPorts.flatMap(({ split }) => split.map(({ cluster }) => cluster)));
  return {
    keepaliveMin: keepaliveMin(ir),
    virtualHosts: ports.flatMap(({ hosts }) => hosts),
    runs,
    servers: ports.map(({ server }) => server),
    splits: splitsOf(runs),
    upstreams: yield* lowerUpstreams(
      ir.clusters.filter(({ name }) => used.has(name)),
      { context: "http", render },
    ),
    connectTimeouts: runs.some(({ mixesTimeouts }) => mixesTimeouts) ? [...context.connectTimeouts] : [],
    tcp: {
      ports: yield* mapSteps(tcpPorts, (port) => lowerTcpPort(port, context)),
      upstreams: yield* lowerUpstreams(
        ir.clusters.filter(({ name }) => usedByTcp.has(name)),
        { context: "stream", render },
      ),
    },
  };
}

interface LoweredPort {
  readonly hosts: readonly KeptVirtualHost[];
  readonly rules: readonly RuleIr[];
  readonly runs: readonly RuleRun[];
  readonly server: LoweredServer;
}

function* lowerPort(port: HttpPortIr, context: FleetContext): Steps<LoweredPort> {
  const hosts: KeptVirtualHost[] = [];
  for (const host of port.virtualHosts) hosts.push(yield* cachedVirtualHost(host, port.id, context));
  const rules = yield* distinctById(port.virtualHosts.map((host) => host.rules));
  const runs = yield* lowerRules(rules, context);
  yield;
  return { hosts, rules, runs, server: lowerServer(port, { hosts, runs }) };
}

const virtualHostCache = new WeakMap<VirtualHostIr, Map<string, KeptVirtualHost>>();

function* cachedVirtualHost(host: VirtualHostIr, portId: string, context: FleetContext): Steps<KeptVirtualHost> {
  const byPort = virtualHostCache.get(host) ?? new Map<string, KeptVirtualHost>();
  virtualHostCache.set(host, byPort);
  const old = byPort.get(portId);
  if (old !== undefined) return old;
  const { view, lookups, regexes } = yield* lowerVirtualHost(host, { ...context, portId });
  const hostLine = mapEntry(mapKey(host.hostname), word(host.id));
  const kept = { block: context.render("virtualHost", view), hostLine, lookups, regexes };
  byPort.set(portId, kept);
  yield;
  return kept;
}

function createClasses(render: RenderBlock): RuleContext["classOf"] {
  const known = new Map<string, Class>();
  return (name, make) => {
    const old = known.get(name);
    if (old !== undefined) return old;
    const view = lowerClass(make());
    const made = { name, block: render(view.kind, view) };
    known.set(name, made);
    return made;
  };
}

function lowerServer(
  port: HttpPortIr,
  { hosts, runs }: { readonly hosts: readonly KeptVirtualHost[]; readonly runs: readonly RuleRun[] },
): LoweredServer {
  const virtualHost = variable(`vh_${underscored(port.id)}`);
  const classes = distinct(
    runs.flatMap((run) => run.classes),
    ({ name }) => name,
  );
  return {
    view: {
      listen: word(hostAndPort(port.address, port.port)),
      virtualHost,
      responseHeaders: mergeResponseHeaders(runs).map(({ name, variables }) => ({
        name: word(name),
        value: param(...variables),
      })),
      virtualHosts: hosts.map(({ block }) => block),
      ruleLocations: runs.map(({ locations }) => locations).filter((locations) => locations !== null),
      classes: classes.toSorted((a, b) => (a.name < b.name ? -1 : 1)).map(({ block }) => block),
    },
    hosts: { map: hostMap(port, hosts, virtualHost), count: port.virtualHosts.length },
  };
}

/** `$host` is the request's host in lower case, without port and trailing dot; exact names beat wildcards, longer ones shorter. */
function hostMap(port: HttpPortIr, hosts: readonly KeptVirtualHost[], name: Variable): MapView {
  const star = port.virtualHosts.findIndex(({ hostname }) => hostname === "*");
  return {
    source: param(variable("host")),
    name,
    hostnames: true,
    volatile: false,
    entries: mapLines(hosts.filter((_, index) => index !== star).map(({ hostLine }) => hostLine)).entries,
    fallback: value(param(port.virtualHosts[star]?.id ?? "")),
  };
}

function splitsOf(runs: readonly RuleRun[]): readonly SplitView[] {
  const splits = distinct(
    runs.flatMap((run) => run.splits),
    ({ name }) => name.text,
  );
  return splits.toSorted((a, b) => (a.name.text < b.name.text ? -1 : 1));
}

/** What an attribute's variable gives for rules that do not set it. */
export function attributeFallback(name: string): Variable | null {
  const field = SINGLE_RESPONSE_FIELDS.map(underscored).find((single) => name === `$ss_${single}`);
  return field === undefined ? null : variable(`upstream_http_${field}`);
}
