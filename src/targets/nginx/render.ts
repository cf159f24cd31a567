/** A fleet's files, and what is kept of them from one rendering to the next. */
import { type FleetIr, type PortIr, passedBy, tlsRoutesOf } from "../../ir/index.ts";
import type { Steps } from "../../util/steps.ts";
import { trustedAuthorities } from "../clientAuthentication.ts";
import { generationOf } from "../generation.ts";
import { createGeoFiles, type GeoFiles } from "../geoFiles.ts";
import { namedPort } from "../namedPort.ts";
import type { RenderedFile, RenderedFiles, Renderer, Version } from "../target.ts";
import { isBefore, parseVersion } from "../version.ts";
import { connectionLogText, requestLogText } from "./accessLogMaps.ts";
import { type Affine, affineOf, affinityMaps } from "./affinity.ts";
import { block, joinBlocks } from "./blocks.ts";
import { asksSomeClients, clientMaps } from "./clientAuthentication.ts";
import { fixedFiles } from "./fixedFiles.ts";
import { geoFile, geoText } from "./geoTables.ts";
import { grpcFiles, takesCalls } from "./grpc.ts";
import { saysInServers } from "./http2.ts";
import { speaksHttp3 } from "./http3.ts";
import { type ListenerMemory, type LoweredListener, lowerListener } from "./listener.ts";
import { createNames } from "./names.ts";
import { processView } from "./process.ts";
import { type Word, word } from "./quote.ts";
import { socketsOf } from "./sockets.ts";
import { lowerTcpPort } from "./stream.ts";
import { certificateFiles, streamTlsGroups, tlsGroups } from "./tls.ts";
import { lowerTlsPort } from "./tlsPort.ts";
import { lowerUdpPort } from "./udp.ts";
import { udpClusters } from "./udpSupport.ts";
import { createUpstreamMemory, lowerUpstreams, type UpstreamGroups, type UpstreamMemory } from "./upstream/index.ts";
import { connectionLimits, type Limited, requestLimits } from "./upstream/limits.ts";
import { PROBED_FILES, probePlanFile } from "./upstream/probes.ts";
import { type Http2Clusters, http2Clusters } from "./upstream/protocol.ts";
import { authorityFiles, endpointTlsFiles, type Secured, securedOf } from "./upstream/tls.ts";
import type { Block, ConfigurationView } from "./views.ts";

/** The agent reads it through a symbolic link to the whole folder. */
const FILE_MODE = 0o644;
/** The fields of a probe may hold a credential, and only the agent reads them. */
const SECRET_FILE_MODE = 0o600;
/** Fleets are few (at most 256 in a model); those that come and go are forgotten beyond this. */
const MAX_KEPT_FLEETS = 512;

interface FleetMemory {
  connectTimeouts: ReadonlyMap<string, number>;
  affine: Affine;
  secured: Secured;
  limited: Limited;
  http2: Http2Clusters;
  /** By listener. */
  listeners: Map<string, ListenerMemory>;
  readonly upstreams: UpstreamMemory;
}

/** A renderer; `ir.ports[].virtualHosts[].groups` must be there. */
export function createRenderer(): Renderer {
  const fleets = new Map<string, FleetMemory>();
  const geoFiles = createGeoFiles(geoFile, geoText);
  return {
    render: (ir) => {
      const memory = fleets.get(ir.name) ?? {
        connectTimeouts: new Map(),
        affine: new Set(),
        secured: new Set(),
        limited: new Map(),
        http2: new Set(),
        listeners: new Map(),
        upstreams: createUpstreamMemory(),
      };
      fleets.delete(ir.name);
      fleets.set(ir.name, memory);
      const [oldest] = fleets.keys();
      if (fleets.size > MAX_KEPT_FLEETS && oldest !== undefined) fleets.delete(oldest);
      return renderFleet(ir, memory, geoFiles);
    },
  };
}

function* renderFleet(ir: FleetIr, memory: FleetMemory, geoFiles: GeoFiles): Steps<RenderedFiles> {
  const connectTimeouts = new Map(ir.clusters.map(({ name, connectTimeoutMs }) => [name, connectTimeoutMs]));
  const affine = affineOf(ir.clusters);
  const limited = requestLimits(ir.clusters);
  const http2 = http2Clusters(ir.clusters);
  const secured = securedOf(ir.clusters);
  // A location holds these of its clusters: when one changes, which is rare, all is lowered again.
  const isSame =
    !hasChanged(memory.connectTimeouts, connectTimeouts) &&
    !hasOther(memory, { affine, http2, secured }, ir) &&
    isEqual(memory.limited, limited);
  if (!isSame) memory.listeners = new Map();
  memory.connectTimeouts = connectTimeouts;
  memory.affine = affine;
  memory.secured = secured;
  memory.limited = limited;
  memory.http2 = http2;
  const proxyProtocols = new Map(
    ir.clusters.flatMap(({ name, proxyProtocol }) => (proxyProtocol === null ? [] : [[name, proxyProtocol] as const])),
  );
  const { accessLog, process } = ir;
  const http2InServers = saysInServers(ir.version);
  const place = {
    connectTimeouts,
    affine,
    secured,
    limited,
    http2,
    http2InServers,
    accessLog,
    sockets: process.sockets,
  };
  const streamPlace = { ...place, proxyProtocols, limited: connectionLimits(ir.clusters), names: createNames() };
  const names = createNames();
  const listeners: LoweredListener[] = [];
  const kept = new Map<string, ListenerMemory>();
  for (const port of ir.ports) {
    if (port.kind !== "http") continue;
    const [name = port.id] = port.listeners;
    const made = yield* lowerListener(port, { ...place, names }, memory.listeners.get(name));
    kept.set(name, made.memory);
    listeners.push(made.lowered);
    yield;
  }
  memory.listeners = kept;
  const streams = ir.ports.flatMap((port) => {
    if (port.kind === "udp") return [lowerUdpPort(port)];
    if (port.kind === "tcp") return [lowerTcpPort(port, streamPlace)];
    const named = namedPort(port);
    return named === null ? [] : [lowerTlsPort(named, streamPlace)];
  });
  const groups = yield* upstreamGroups(ir, listeners, memory);
  const configuration = block("nginx", configurationView(ir, listeners, groups));
  const calls = hasCalls(ir);
  const files = [
    ...fixedFiles(ir),
    ...logFiles(ir),
    ...certificateFiles(ir.certificates),
    ...authorityFiles(trustedAuthorities(ir)),
    ...endpointTlsFiles(ir.clusters, calls),
    ...(calls ? [...grpcFiles].map(([path, text]) => ({ path, text, mode: FILE_MODE })) : []),
    ...[...(yield* geoFiles(ir))].map(([path, text]) => ({ path, text, mode: FILE_MODE })),
    ...(yield* probeFiles(ir, groups)),
    { path: "nginx.conf", text: configuration.text, mode: FILE_MODE },
    ...[...listeners, ...streams].map(({ path, text }) => ({ path, text, mode: FILE_MODE })),
  ].sort((a, b) => (a.path < b.path ? -1 : 1));
  yield;
  return { kind: "files", files, generation: yield* generationOf(files), sockets: ir.ports.flatMap(socketsOf) };
}

function hasCalls({ ports }: FleetIr): boolean {
  return ports.some((port) => port.kind === "http" && takesCalls(port));
}

function logFiles(ir: FleetIr): readonly RenderedFile[] {
  const { accessLog, ports } = ir;
  const requests = requestLogText(accessLog, speaksHttp3(ir));
  const connections = ports.some(passesConnections) ? connectionLogText(accessLog) : null;
  return [
    ...(requests === null ? [] : [{ path: "access-log.conf", text: requests, mode: FILE_MODE }]),
    ...(connections === null ? [] : [{ path: "access-log-stream.conf", text: connections, mode: FILE_MODE }]),
  ];
}

function passesConnections(port: PortIr): boolean {
  return port.kind === "tcp" || tlsRoutesOf(port) !== null;
}

function isOnlyHttp(port: PortIr): boolean {
  return port.kind === "http" && port.passed === null;
}

function hasChanged(before: ReadonlyMap<string, number>, after: ReadonlyMap<string, number>): boolean {
  for (const [name, timeout] of before) if ((after.get(name) ?? timeout) !== timeout) return true;
  return false;
}

/** Sets of clusters. */
const SETS = ["affine", "http2", "secured"] as const;

/** Of clusters that were there before. */
function hasOther(
  memory: FleetMemory,
  after: Readonly<Record<(typeof SETS)[number], ReadonlySet<string>>>,
  { clusters }: FleetIr,
): boolean {
  return clusters.some(
    ({ name }) =>
      memory.connectTimeouts.has(name) && SETS.some((set) => memory[set].has(name) !== after[set].has(name)),
  );
}

function isEqual(before: Limited, after: Limited): boolean {
  return before.size === after.size && [...before].every(([name, limit]) => after.get(name) === limit);
}

/** Of each context; stream null: there are no TCP and UDP listeners. */
interface Groups {
  readonly http: UpstreamGroups;
  readonly stream: UpstreamGroups | null;
  readonly affinity: Block | null;
}

function* upstreamGroups(
  ir: FleetIr,
  listeners: readonly LoweredListener[],
  { upstreams }: FleetMemory,
): Steps<Groups> {
  const used = new Set(listeners.flatMap(({ clusters }) => [...clusters]));
  const { sessions, packets } = udpClusters(ir);
  const usedByTcp = ir.ports.flatMap((port) =>
    passedBy(port).flatMap(({ split }) => split.map(({ cluster }) => cluster)),
  );
  const unhashed = new Set([...usedByTcp, ...packets]);
  const of = (names: ReadonlySet<string>): Pick<FleetIr, "clusters" | "healthChecks"> => ({
    clusters: ir.clusters.filter(({ name }) => names.has(name)),
    healthChecks: ir.healthChecks,
  });
  const http = yield* lowerUpstreams(of(used), "http", upstreams);
  // A rule that draws names all of them.
  const keepsClients = of(used).clusters.some((cluster) => cluster.affinity !== null);
  const affinity = affinityMaps(keepsClients ? ir.clusters : []);
  if (ir.ports.every(isOnlyHttp)) return { http, stream: null, affinity };
  const ofStream = yield* lowerUpstreams(of(unhashed), "stream", upstreams);
  const ofSessions = yield* lowerUpstreams(of(sessions), "sessions", upstreams);
  const stream = {
    plain: [...ofStream.plain, ...ofSessions.plain],
    probed: [...ofStream.probed, ...ofSessions.probed],
  };
  return { http, stream, affinity };
}

/** What the agent reads, and what it takes endpoints out of. */
function* probeFiles(ir: FleetIr, { http, stream }: Groups): Steps<readonly RenderedFile[]> {
  const plan = yield* probePlanFile(ir);
  const groups = [
    { path: PROBED_FILES.http, text: joinBlocks(http.probed).text },
    { path: PROBED_FILES.stream, text: joinBlocks(stream?.probed ?? []).text },
  ].filter(({ text }) => text !== "");
  return [
    ...(plan === null ? [] : [{ ...plan, mode: SECRET_FILE_MODE }]),
    ...groups.map((file) => ({ ...file, mode: FILE_MODE })),
  ];
}

function configurationView(
  ir: FleetIr,
  listeners: readonly LoweredListener[],
  { http, stream, affinity }: Groups,
): ConfigurationView {
  const hasConnections = ir.ports.some(passesConnections);
  return {
    ...processView(ir.process),
    keepalive: ir.process.sockets.keepalive !== null,
    http: {
      tlsGroups: tlsGroups(ir),
      accessLog: (ir.accessLog?.requestFields.length ?? 0) > 0,
      calls: hasCalls(ir),
      keepaliveMin: keepaliveMin(ir),
      maps: [...sharedMaps(listeners), ...clientMaps(ir)],
      asksClients: asksSomeClients(ir),
      upstreams: http.plain,
      probed: http.probed.length > 0 ? word(PROBED_FILES.http) : null,
      affinity,
      hasGeoTables: ir.ports.some((port) => port.kind === "http" && port.geoTables.length > 0),
      hasListeners: listeners.length > 0,
    },
    stream:
      stream === null
        ? null
        : {
            tlsGroups: streamTlsGroups(ir),
            upstreams: stream.plain,
            probed: stream.probed.length > 0 ? word(PROBED_FILES.stream) : null,
            accessLog: hasConnections && (ir.accessLog?.connectionFields.length ?? 0) > 0,
          },
  };
}

/** Maps that rules of several listeners may need, ascending by variable. */
function sharedMaps(listeners: readonly LoweredListener[]): readonly Block[] {
  const found = new Map(listeners.flatMap((own) => own.sharedMaps.map((map) => [map.name.text, map] as const)));
  return [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, view]) => block("map", view));
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
