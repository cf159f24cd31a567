/** One fleet: its sockets, the clusters that they reach, and the documents behind it all. */
import { defaults } from "../../gen/defaults.ts";
import {
  type AuthorityIr,
  type CertificateIr,
  type ClusterIr,
  type FleetIr,
  type PortIr,
  passedBy,
  type SourceIr,
} from "../../ir/index.ts";
import { boundAddress, type Resource, type Snapshot } from "../../model/index.ts";
import { compareText, patchSortedSteps, sortedSteps } from "../../util/sorted.ts";
import { mapSteps, type Steps, shouldYield } from "../../util/steps.ts";
import { compileCluster } from "../clusters/index.ts";
import type { CompilerMemory } from "../memory.ts";
import { reuse, reuseList, reuseParent } from "../reuse.ts";
import { sourceOf } from "../source.ts";
import { listenerTls } from "../tls/listenerTls.ts";
import { tlsRoutes } from "../tls/tlsRoutes.ts";
import { usedAuthorities, usedCertificates } from "../tls/used.ts";
import { compileAccessLog } from "./accessLog.ts";
import { clientTimeouts } from "./clientTimeouts.ts";
import { connectionLimit } from "./connectionLimit.ts";
import { geoTablesOf } from "./geoTables.ts";
import { http2Of } from "./http2.ts";
import { http3Of } from "./http3.ts";
import { idleTimeoutMs } from "./idleTimeout.ts";
import type { CompiledListener } from "./listener.ts";
import { type MadeCluster, madeClusters, type Preferences, withPreferences } from "./preferLocal.ts";
import { compileProcess } from "./process.ts";
import { proxyProtocol } from "./proxyProtocol.ts";
import { mergeHosts } from "./sharedPort.ts";
import { clustersOfRules } from "./used.ts";
import { viaOf } from "./via.ts";

const UDP = { balance: defaults["listener.udp.balance"] };

/** What one fleet is compiled from: every compiled listener by name, and the fleet's last IR (null: none) to reuse parts of. */
export interface FleetInput {
  readonly fleet: Resource<"fleet">;
  readonly snapshot: Snapshot;
  readonly listeners: ReadonlyMap<string, CompiledListener>;
  readonly preferences: Preferences;
  readonly previous: FleetIr | null;
}

interface Socket {
  address: string;
  port: number;
  isUdp: boolean;
  fleet: string;
  /** Ascending by name. */
  members: Member[];
}

interface Member {
  readonly listener: Resource<"listener">;
  readonly compiled: CompiledListener;
}

/** Gives `previous` itself when nothing in it changed. */
export function* compileFleet(input: FleetInput, memory: CompilerMemory): Steps<FleetIr> {
  const { fleet, previous } = input;
  const sockets = socketsOf(input);
  const compiledPorts: PortIr[] = [];
  for (const socket of sockets) compiledPorts.push(yield* compilePort(socket, input, memory));
  const ports = reuseList(previous?.ports, compiledPorts);
  const names = yield* clusterNames(ports, previous, memory);
  const clusters = reuseList(previous?.clusters, yield* clustersOf(names, input, memory));
  const used = { ports, clusters };
  const certificates = reuseList(previous?.certificates, yield* usedCertificates(used, input.snapshot, memory));
  const authorities = reuseList(previous?.authorities, yield* usedAuthorities(used, input.snapshot, memory));
  const parts = { sockets, ports, clusters, certificates, authorities };
  const sources = reuseList(previous?.sources, yield* sourcesOf(input, parts, memory));
  const { name } = fleet;
  const { proxy, version = null, healthChecks = null } = fleet.body;
  const accessLog = compileAccessLog(fleet.body, previous?.accessLog ?? null);
  const process = compileProcess(fleet.body.process, previous?.process);
  const settings = { name, proxy, version, healthChecks, accessLog, process };
  return reuseParent<FleetIr>(previous, {
    ...settings,
    ports,
    clusters,
    certificates,
    authorities,
    sources,
  });
}

function socketsOf({ fleet, snapshot, listeners }: FleetInput): Socket[] {
  const sockets = new Map<string, Socket>();
  for (const [name, listener] of snapshot.listener) {
    if (!listener.body.fleets.includes(fleet.name)) continue;
    const address = boundAddress(listener.body, fleet.body);
    const { port } = listener.body;
    const isUdp = listener.body.protocol === "UDP";
    const key = `${address} ${port} ${isUdp}`;
    const socket = sockets.get(key) ?? { address, port, isUdp, fleet: fleet.name, members: [] };
    socket.members.push({ listener, compiled: listeners.get(name) as CompiledListener });
    sockets.set(key, socket);
  }
  for (const { members } of sockets.values()) members.sort((a, b) => compareText(a.listener.name, b.listener.name));
  return [...sockets.values()].sort(
    (a, b) => compareText(a.address, b.address) || a.port - b.port || Number(a.isUdp) - Number(b.isUdp),
  );
}

function* compilePort(
  { address, port, members, fleet }: Socket,
  { snapshot, preferences, previous }: FleetInput,
  memory: CompilerMemory,
): Steps<PortIr> {
  // Requests are read where somebody reads them, whatever else is there.
  const first = (members.find(({ listener }) => listener.body.protocol !== "TLS") ?? members[0]) as Member;
  const { body } = first.listener;
  const { protocol } = body;
  const id = `${protocol.toLowerCase()}-${address.replace(/[^a-z0-9]/g, "-")}-${port}`;
  const old = previous?.ports.find((before) => before.id === id);
  const socket = { id, address, port, listeners: members.map(({ listener }) => listener.name) };
  if (protocol === "UDP") {
    const { split } = first.compiled;
    const { balance } = { ...UDP, ...body.udp };
    const idleMs = idleTimeoutMs(body, protocol);
    return reuse<PortIr>(old, {
      kind: "udp",
      ...socket,
      split,
      idleTimeoutMs: idleMs,
      perPacket: balance === "packet",
    });
  }
  const oldOfTcp = old?.kind === "udp" ? undefined : old;
  const shared = {
    connectionLimit: connectionLimit(body, oldOfTcp?.connectionLimit),
    proxyProtocol: proxyProtocol(body, oldOfTcp?.proxyProtocol),
  };
  if (protocol === "TLS") {
    const table = yield* tlsRoutes({ members, snapshot, before: old?.kind === "tls" ? old : null }, memory);
    return reuseParent<PortIr>(old, { kind: "tls", ...socket, ...table, ...shared });
  }
  if (protocol === "TCP") {
    const { split } = first.compiled;
    const idleMs = idleTimeoutMs(body, protocol);
    return reuse<PortIr>(old, { kind: "tcp", ...socket, split, idleTimeoutMs: idleMs, ...shared });
  }
  const oldHttp = old?.kind === "http" ? old : null;
  const before = oldHttp?.virtualHosts ?? null;
  const timeouts = clientTimeouts(body, oldHttp?.clientTimeouts);
  const compiled = members.map((member) => member.compiled);
  const written = compiled.length === 1 ? first.compiled.served : yield* mergeHosts(compiled, before);
  const hosts = yield* withPreferences(written, { preferences, before }, memory);
  const virtualHosts = reuseList(before, hosts);
  const geoTables = yield* geoTablesOf(virtualHosts, { snapshot, before: oldHttp?.geoTables }, memory);
  const bodies = members.map(({ listener }) => listener.body);
  const isMixed = bodies.some((each) => each.protocol === "TLS");
  const passed = isMixed ? yield* tlsRoutes({ members, snapshot, before: oldHttp?.passed ?? null }, memory) : null;
  const tls = yield* listenerTls({ listeners: bodies, snapshot, passed, before: oldHttp?.tls ?? null }, memory);
  return reuseParent<PortIr>(old, {
    kind: "http",
    ...socket,
    tls,
    passed,
    clientTimeouts: timeouts,
    http2: http2Of(body),
    http3: http3Of(body, { id, before: oldHttp?.http3 }),
    geoTables,
    ...shared,
    via: viaOf(first.listener.body, fleet),
    virtualHosts,
  });
}

/** Every cluster that the ports name, ascending. Usually those of the last compilation, which stand in order already. */
function* clusterNames(
  ports: readonly PortIr[],
  previous: FleetIr | null,
  memory: CompilerMemory,
): Steps<readonly string[]> {
  const before = previous === null ? [] : previous.clusters.map(({ name }) => name);
  if (previous?.ports === ports) return before;
  const names = new Set<string>();
  for (const port of ports) {
    if (port.kind === "udp") for (const { cluster } of port.split) names.add(cluster);
    for (const { split } of passedBy(port)) for (const { cluster } of split) names.add(cluster);
    if (port.kind !== "http") continue;
    for (const [index, host] of port.virtualHosts.entries()) {
      for (const name of clustersOfRules(host.rules, memory)) names.add(name);
      if (shouldYield(index)) yield;
    }
  }
  const same = before.length === names.size && before.every((name) => names.has(name));
  return same ? before : yield* sortedSteps([...names], compareText);
}

function clustersOf(
  names: readonly string[],
  { snapshot, preferences, previous }: FleetInput,
  memory: CompilerMemory,
): Steps<ClusterIr[]> {
  const made = madeClusters(preferences);
  const old = new Map(previous?.clusters.map((cluster) => [cluster.name, cluster]));
  return mapSteps(names, (name) => {
    const special: MadeCluster | undefined = made.get(name);
    const cluster = special?.made ?? snapshot.cluster.get(name);
    const near = special?.near ?? null;
    if (cluster === undefined)
      throw new Error(`cluster ${name} is referred to but missing: the model's rules did not run`);
    const { healthCheck } = cluster.body;
    const check = healthCheck === undefined ? undefined : snapshot.healthCheck.get(healthCheck);
    const { authority: trusted } = cluster.body.tls ?? {};
    const authority = trusted === undefined ? undefined : snapshot.authority.get(trusted);
    return compileCluster({ cluster, check, authority, near, before: old.get(name) }, memory);
  });
}

interface SourceParts {
  readonly sockets: readonly Socket[];
  readonly ports: readonly PortIr[];
  readonly clusters: readonly ClusterIr[];
  readonly certificates: readonly CertificateIr[];
  readonly authorities: readonly AuthorityIr[];
}

/** Kinds ascending: authority, canary, certificate, cluster, fleet, geoTable, healthCheck, listener, route; names ascending in each. */
function* sourcesOf(
  { fleet, snapshot }: FleetInput,
  { sockets, ports, clusters, certificates, authorities }: SourceParts,
  memory: CompilerMemory,
): Steps<SourceIr[]> {
  const source = (resource: Resource): SourceIr => sourceOf(resource, memory);
  const members = sockets
    .flatMap((socket) => socket.members)
    .sort((a, b) => compareText(a.listener.name, b.listener.name));
  const routes = yield* mergeSources(members.map(({ compiled }) => compiled.sources));
  const documents = clusters.filter(({ near }) => near === null);
  const clusterResources = documents.map(({ name }) => snapshot.cluster.get(name) as Resource<"cluster">);
  const checks = new Set(clusterResources.flatMap(({ body }) => body.healthCheck ?? []));
  const tables = new Set(
    ports.flatMap((port) => (port.kind === "http" ? port.geoTables.map((table) => table.name) : [])),
  );
  const canaries = [...snapshot.canary.values()].filter(({ body }) => hasSource(routes, body.route));
  const byName = (a: SourceIr, b: SourceIr): number => compareText(a.name, b.name);
  return [
    ...authorities.map(({ name }) => source(snapshot.authority.get(name) as Resource)),
    ...canaries.map(source).sort(byName),
    ...certificates.map(({ name }) => source(snapshot.certificate.get(name) as Resource)),
    ...clusterResources.map(source),
    source(fleet),
    ...[...tables].sort().map((name) => source(snapshot.geoTable.get(name) as Resource)),
    ...[...checks].sort().map((name) => source(snapshot.healthCheck.get(name) as Resource)),
    ...members.map(({ listener }) => source(listener)),
    ...routes,
  ];
}

/** One ascending list of several. The longest is the base: adding a few routes of a second listener to it needs no sorting. */
function* mergeSources(lists: readonly (readonly SourceIr[])[]): Steps<readonly SourceIr[]> {
  const [base = [], ...rest] = [...lists].sort((a, b) => b.length - a.length);
  let merged = base;
  for (const list of rest) {
    yield;
    const known = merged;
    const add = list.filter(({ name }) => !hasSource(known, name));
    if (add.length === 0) continue;
    merged = yield* patchSortedSteps(merged, { remove: [], add, compare: (a, b) => compareText(a.name, b.name) });
  }
  return merged;
}

/** Binary search by name in an ascending list. */
function hasSource(sources: readonly SourceIr[], name: string): boolean {
  let [low, high] = [0, sources.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sources[middle] as SourceIr).name < name) low = middle + 1;
    else high = middle;
  }
  return sources[low]?.name === name;
}
