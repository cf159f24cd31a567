/** One HTTP socket: a file with a server for each group of hosts, or with one server for all of them where there are very many. */
import type { AccessLogIr, HttpPortIr, SocketsIr, VirtualHostIr } from "../../ir/index.ts";
import { type Steps, shouldYield } from "../../util/steps.ts";
import { type SocketLog, socketLog } from "./accessLog.ts";
import type { Affine } from "./affinity.ts";
import { block, joinBlocks } from "./blocks.ts";
import { clientTimeoutLines } from "./clientTimeouts.ts";
import { limitLines, limitZones } from "./connectionLimit.ts";
import { fieldMaps, gatedFields, gatedLines } from "./gatedFields.ts";
import { takesCalls } from "./grpc.ts";
import { type HostMemory, type LoweredHost, lowerHost } from "./host.ts";
import { hostAndPort } from "./hostAndPort.ts";
import { http2Lines, http2Option } from "./http2.ts";
import { jumpsOf } from "./jumps.ts";
import { listenerFile, type Names } from "./names.ts";
import { joinParts, type Named, type Parts } from "./parts.ts";
import type { AnswerField } from "./policies/policy.ts";
import { headerLines, senderRanges } from "./proxyProtocol.ts";
import { comment, location, type MapEntry, mapEntries, mapEntry, mapKey, param, variable, word } from "./quote.ts";
import { type ListenOption, listenOptions } from "./sockets.ts";
import type { Limited } from "./upstream/limits.ts";
import type { Http2Clusters } from "./upstream/protocol.ts";
import { viaFields, viaGuard, viaMap } from "./via.ts";
import type { Block, ServerView } from "./views.ts";

/** What a fleet's listeners share. */
export interface ListenerPlace {
  readonly names: Names;
  readonly connectTimeouts: ReadonlyMap<string, number>;
  readonly affine: Affine;
  readonly limited: Limited;
  readonly http2: Http2Clusters;
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
  const isShared = port.virtualHosts.length > MAX_SERVERS;
  const socket = hostAndPort(port.address, port.port);
  const clientTimeouts = clientLines(port);
  const log = socketLog(place.accessLog, port);
  const options = optionsOf(port, place);
  const listening = [socket, ...options.map(({ option }) => option.text)].join(" ");
  const calls = takesCalls(port);
  const head = `${listening} ${calls} ${port.via} ${clientTimeouts?.text ?? ""} ${log?.directive.text ?? ""}`;
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
      gated,
      listener: name,
      connectionLimit: port.connectionLimit,
      via: port.via,
      prefix: isShared ? sitePrefix(host) : "",
      jumps,
      isLogged: log !== null,
    };
    const kept = yield* lowerHost(host, hostPlace, old?.memory);
    const isKept = old !== undefined && old.memory === kept;
    hosts.set(
      first,
      isKept
        ? old
        : { memory: kept, block: isShared ? site(host, kept.lowered) : server(port, kept, { log, options, calls }) },
    );
    if (shouldYield(index)) yield;
  }
  const own = [...hosts.values()];
  yield;
  const all = joinParts(own.map(({ memory }) => memory.lowered.parts));
  const servers = isShared
    ? [sharedServer({ port, name, place, log, calls, parts: all, gated: sharedGated ?? [] }, own)]
    : own.map((kept) => kept.block);
  const hasAnyHost = isShared || port.virtualHosts.some(({ hostnames }) => hostnames.includes(ANY));
  yield;
  const view = {
    comment: comment(`${port.listeners.join(", ")}: ${socket}`),
    limitZones: limitZones(name, port.connectionLimit),
    senders: senderRanges(name, port.proxyProtocol),
    proxyProtocol: port.proxyProtocol !== null,
    viaMap: viaMap({ listener: name, via: port.via }),
    viaGuard: viaGuard(port.via),
    logFormat: log?.format ?? null,
    parts: servers,
    clientTimeouts,
    accessLog: log?.directive ?? null,
    calls,
    otherHosts: hasAnyHost ? null : listen(port),
    options,
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

/** Parameters of the socket's `listen` beside its address. */
function optionsOf({ http2 }: HttpPortIr, { sockets }: ListenerPlace): readonly ListenOption[] {
  return [...http2Option(http2), ...listenOptions(sockets)];
}

/** What each server says of clients; null: nothing that is not usual. */
function clientLines({
  clientTimeouts,
  connectionLimit,
  proxyProtocol,
  http2,
  listeners: [name = ""],
}: HttpPortIr): Block | null {
  const lines = [
    headerLines(name, proxyProtocol, "http"),
    clientTimeoutLines(clientTimeouts),
    limitLines(name, connectionLimit),
    http2Lines(http2),
  ].filter((own) => own !== null);
  return lines.length === 0 ? null : joinBlocks(lines);
}

/** The hostname that takes every host. */
const ANY = "*";

function listen({ address, port }: HttpPortIr) {
  return word(hostAndPort(address, port));
}

function fieldViews(fields: readonly AnswerField[]): ServerView["answerFields"] {
  return fields.map(({ name, variable: own }) => ({ name: word(name), value: variable(own) }));
}

function blocksOf(named: readonly Named[]): readonly Block[] {
  return named.map(({ block: own }) => own);
}

/** nginx wants a name in every server; no request has this one. */
const NO_NAME = "_";

function mapsOf({ steps, splits }: Parts): Block {
  return joinBlocks(blocksOf([...steps, ...splits]));
}

interface ServerPlace {
  readonly log: SocketLog | null;
  readonly options: readonly ListenOption[];
  /** Calls of gRPC come to the port. */
  readonly calls: boolean;
}

function server(
  port: HttpPortIr,
  { host, gated, lowered: { isRaw, locations, parts } }: HostMemory,
  { log, options, calls }: ServerPlace,
): Block {
  const names = host.hostnames.filter((hostname) => hostname !== ANY);
  const [first = NO_NAME, ...others] = names;
  const isDefault = names.length < host.hostnames.length;
  return block("server", {
    maps: mapsOf(parts),
    listen: listen(port),
    proxyProtocol: port.proxyProtocol !== null,
    isDefault,
    options: isDefault ? options : [],
    firstName: word(first),
    otherNames: others.map((hostname) => ({ name: word(hostname) })),
    clientTimeouts: clientLines(port),
    accessLog: log?.directive ?? null,
    calls,
    isRaw,
    viaGuard: viaGuard(port.via),
    gated: gatedLines(gated, viaFields({ listener: port.listeners[0] ?? port.id, via: port.via })),
    answerFields: fieldViews(parts.answerFields),
    locations: joinBlocks([locations, ...blocksOf(parts.named)]),
  });
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
  readonly log: SocketLog | null;
  readonly calls: boolean;
  readonly parts: Parts;
  readonly gated: readonly string[];
}

function sharedServer({ port, name, place, log, calls, parts, gated }: SharedPlace, hosts: readonly KeptHost[]): Block {
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
    proxyProtocol: port.proxyProtocol !== null,
    options: optionsOf(port, place),
    clientTimeouts: clientLines(port),
    accessLog: log?.directive ?? null,
    calls,
    site: variable(place.names.claim(`site_${name}`, `site ${name}`).got),
    sites: mapEntries(sites),
    anyHost: param(anyHost),
    viaGuard: viaGuard(port.via),
    gated: gatedLines(gated, viaFields({ listener: name, via: port.via })),
    answerFields: fieldViews(parts.answerFields),
    locations: joinBlocks([...hosts.map((kept) => kept.block), ...blocksOf(parts.named)]),
  });
}
