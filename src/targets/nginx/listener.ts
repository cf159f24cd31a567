/** One HTTP socket: a file with a server for each group of hosts, or with one server for all of them where there are very many. */
import {
  type AccessLogIr,
  type HttpPortIr,
  NO_CONNECTION_LIMIT,
  type SocketsIr,
  type VirtualHostIr,
} from "../../ir/index.ts";
import { type Steps, shouldYield } from "../../util/steps.ts";
import { type SocketLog, socketLog } from "./accessLog.ts";
import type { Affine } from "./affinity.ts";
import { block, joinBlocks } from "./blocks.ts";
import { forwardsCertificate, otherHost } from "./clientAuthentication.ts";
import { limitZones } from "./connectionLimit.ts";
import { fieldMaps, gatedFields, gatedLines } from "./gatedFields.ts";
import { takesCalls } from "./grpc.ts";
import { type HostMemory, type LoweredHost, lowerHost } from "./host.ts";
import { hostAndPort } from "./hostAndPort.ts";
import { http2Option } from "./http2.ts";
import { quicListen, toldOf } from "./http3.ts";
import { jumpsOf } from "./jumps.ts";
import { listenerFile, type Names } from "./names.ts";
import { joinParts, type Parts } from "./parts.ts";
import { senderRanges } from "./proxyProtocol.ts";
import { comment, location, type MapEntry, mapEntries, mapEntry, mapKey, param, variable } from "./quote.ts";
import {
  ANY,
  blocksOf,
  clientLines,
  fieldViews,
  hasHeader,
  listen,
  mapsOf,
  namedServer,
  servers,
  textOf,
} from "./servers.ts";
import { type ListenOption, listenOptions } from "./sockets.ts";
import { hasOneServer, scopeMap, servedNames, tlsLines } from "./tls.ts";
import type { Limited } from "./upstream/limits.ts";
import type { Http2Clusters } from "./upstream/protocol.ts";
import type { Secured } from "./upstream/tls.ts";
import { viaGuard, viaMap } from "./via.ts";
import type { Block } from "./views.ts";
import { writtenFields } from "./writtenFields.ts";

/** What a fleet's listeners share. */
export interface ListenerPlace {
  readonly names: Names;
  readonly connectTimeouts: ReadonlyMap<string, number>;
  readonly affine: Affine;
  readonly secured: Secured;
  readonly limited: Limited;
  readonly http2: Http2Clusters;
  /** Servers say whether HTTP/2 is spoken with clients. */
  readonly http2InServers: boolean;
  readonly accessLog: AccessLogIr | null;
  readonly sockets: SocketsIr;
}

/** What one socket gives. */
export interface LoweredListener extends Pick<Parts, "sharedMaps" | "clusters"> {
  readonly path: string;
  readonly text: string;
}

/** What is kept of a socket from one rendering to the next. */
export interface ListenerMemory {
  /** What stands in each server: its socket, its limits for clients. */
  readonly head: string;
  readonly isShared: boolean;
  /** By first hostname. */
  readonly hosts: ReadonlyMap<string, KeptHost>;
}

interface KeptHost {
  readonly memory: HostMemory;
  /** Names of its servers, and their TLS. */
  readonly servedAs: string;
  /** What stands in the file for it. */
  readonly block: Block;
}

/**
 * So many groups of hosts get a server each. Each costs 55 KB of memory (its locations for errors, the refusals, its own part of every
 * module's settings), in one server for all of them 23 KB: of 10 000 hosts with a rule 564 MB and 231 MB. But there a request costs 14 %
 * more instructions (39.8 kI for 35.0): its host is looked up in a map, and its path written anew.
 */
export const MAX_SERVERS = 2000;

/** Lowers a socket; `memory` is what the last rendering gave, or undefined. */
export function* lowerListener(
  port: HttpPortIr,
  place: ListenerPlace,
  memory: ListenerMemory | undefined,
): Steps<{ readonly lowered: LoweredListener; readonly memory: ListenerMemory }> {
  const [name = port.id] = port.listeners;
  // Inside TLS one server has one set of certificates.
  const isShared = port.virtualHosts.length > MAX_SERVERS && (port.tls === null || hasOneServer(port.tls));
  const served = yield* servedNames(port, name);
  const clientTimeouts = clientLines(port, place.http2InServers);
  const log = socketLog(place.accessLog, port);
  const options = optionsOf(port, place);
  const listening = [listen(port).text, ...options.map(({ option }) => option.text)].join(" ");
  const calls = takesCalls(port);
  const told = JSON.stringify(port.tls?.scopes ?? null);
  const head = [listening, toldOf(port), calls, told, port.via, clientTimeouts?.text, log?.directive.text].join(" ");
  const isSame = memory?.isShared === isShared && memory.head === head;
  const known = isSame ? memory.hosts : new Map<string, KeptHost>();
  const sharedJumps = isShared ? jumpsOf(port.virtualHosts, place.connectTimeouts) : null;
  const sharedGated = isShared ? gatedFields(port.virtualHosts) : null;
  const allGated = new Set(sharedGated);
  const hosts = new Map<string, KeptHost>();
  for (const [index, host] of port.virtualHosts.entries()) {
    const [first = ""] = host.hostnames;
    const old = known.get(first);
    const jumps = sharedJumps ?? jumpsOf([host], place.connectTimeouts);
    const gated = sharedGated ?? (old?.memory.host === host ? old.memory.gated : gatedFields([host]));
    for (const field of gated) allGated.add(field);
    const hostPlace = {
      ...place,
      ...placeOf(port),
      gated,
      listener: name,
      forwardsCertificate: forwardsCertificate(port, host),
      prefix: isShared ? sitePrefix(host) : "",
      jumps,
      isLogged: log !== null,
    };
    const kept = yield* lowerHost(host, hostPlace, old?.memory);
    const own = served.ofHost(host);
    const servedAs = isShared ? "" : textOf(own);
    const isKept = old !== undefined && old.memory === kept && old.servedAs === servedAs;
    hosts.set(
      first,
      isKept
        ? old
        : {
            memory: kept,
            servedAs,
            block: isShared
              ? site(host, kept.lowered)
              : servers(port, kept, { served: own, clientTimeouts, log, options, calls }),
          },
    );
    if (shouldYield(index)) yield;
  }
  const own = [...hosts.values()];
  yield;
  const all = joinParts(own.map(({ memory }) => memory.lowered.parts));
  const parts = isShared
    ? [sharedServer({ port, name, place, clientTimeouts, log, calls, parts: all, gated: sharedGated ?? [] }, own)]
    : own.map((kept) => kept.block);
  yield;
  const otherHosts = isShared ? [] : served.others.map((others) => namedServer(others, options));
  const view = {
    ...headView(port, name),
    clientTimeouts,
    logFormat: log?.format ?? null,
    parts,
    accessLog: log?.directive ?? null,
    calls,
    otherHosts,
  };
  return {
    lowered: {
      path: listenerFile(port),
      text: block("listener", view).text,
      sharedMaps: [...fieldMaps([...allGated]), ...all.sharedMaps],
      clusters: all.clusters,
    },
    memory: { head, isShared, hosts },
  };
}

/** What is its port's of where a host is lowered for. */
function placeOf(port: HttpPortIr) {
  return {
    connectionLimit: port.passed === null ? port.connectionLimit : NO_CONNECTION_LIMIT,
    isTls: port.tls !== null,
    via: port.via,
    altSvc: toldOf(port),
  };
}

/** Parameters of the socket's `listen` beside its address. */
function optionsOf({ http2, passed }: HttpPortIr, { sockets, http2InServers }: ListenerPlace): readonly ListenOption[] {
  return [...http2Option(http2, http2InServers), ...(passed === null ? listenOptions(sockets) : [])];
}

/** What stands before the servers, and in each of them. */
function headView(port: HttpPortIr, name: string) {
  const isInner = port.passed !== null;
  return {
    comment: comment(`${port.listeners.join(", ")}: ${hostAndPort(port.address, port.port)}`),
    limitZones: isInner ? null : limitZones(name, port.connectionLimit),
    senders: isInner ? null : senderRanges(name, port.proxyProtocol),
    proxyProtocol: hasHeader(port),
    viaMap: viaMap({ listener: name, via: port.via }),
    viaGuard: viaGuard(port.via),
    tlsScopes: scopeMap(name, port.tls),
    listen: listen(port),
    quic: quicListen(port),
    isTls: port.tls !== null,
  };
}

function sitePrefix({ hostnames }: VirtualHostIr): string {
  return `/${hostnames[0]}`;
}

/** Expressions stand in a location that begins with the host's name, so that they are tried for its requests only. */
function site(host: VirtualHostIr, { locations, hasExpressions }: LoweredHost): Block {
  return block("site", {
    comment: comment(host.hostnames.join(" ")),
    name: hasExpressions ? location("prefix", `${sitePrefix(host)}/`) : null,
    locations,
  });
}

interface SharedPlace {
  readonly port: HttpPortIr;
  readonly name: string;
  readonly place: ListenerPlace;
  readonly clientTimeouts: Block | null;
  readonly log: SocketLog | null;
  readonly calls: boolean;
  readonly parts: Parts;
  readonly gated: readonly string[];
}

function sharedServer(
  { port, name, place, clientTimeouts, log, calls, parts, gated }: SharedPlace,
  hosts: readonly KeptHost[],
): Block {
  // Inside TLS all of its hosts are one listener's.
  const tells = hosts.some(({ memory }) => forwardsCertificate(port, memory.host));
  const sites: MapEntry[] = [];
  let anyHost = "";
  for (const { memory } of hosts) {
    for (const hostname of memory.host.hostnames) {
      if (hostname === ANY) anyHost = sitePrefix(memory.host);
      else sites.push(mapEntry(mapKey(hostname), param(sitePrefix(memory.host))));
    }
  }
  return block("sharedServer", {
    maps: mapsOf(parts),
    listen: listen(port),
    quic: quicListen(port),
    proxyProtocol: hasHeader(port),
    isTls: port.tls !== null,
    options: optionsOf(port, place),
    tls: port.tls === null ? null : tlsLines(port.tls.unknown, port.tls, null),
    misdirected: port.tls === null ? null : otherHost(port.tls, port.tls.unknown?.scope ?? null),
    clientTimeouts,
    accessLog: log?.directive ?? null,
    calls,
    site: variable(place.names.claim(`site_${name}`, `site ${name}`).got),
    sites: mapEntries(sites),
    anyHost: param(anyHost),
    viaGuard: viaGuard(port.via),
    gated: gatedLines(gated, writtenFields({ listener: name, via: port.via, forwardsCertificate: tells })),
    answerFields: fieldViews(parts.answerFields),
    locations: joinBlocks([...hosts.map((kept) => kept.block), ...blocksOf(parts.named)]),
  });
}
