/**
 * TLS ports: a file with a server that reads the server name and hands the connection to one of nginx's own sockets, and a server behind
 * each of these. nginx says once for a server how TLS ends and how endpoints are reached, and ends no TLS of what it has looked at.
 */
import type { TlsRouteIr } from "../../ir/index.ts";
import { type NamedPort, NEVER_MS } from "../namedPort.ts";
import { connectionLog } from "./accessLog.ts";
import { block } from "./blocks.ts";
import { limitLines, limitZones } from "./connectionLimit.ts";
import { hostAndPort } from "./hostAndPort.ts";
import { requestsSocket, routeSocket } from "./innerSockets.ts";
import { type Names, streamFile, underscored } from "./names.ts";
import { headerLines, ofSenders, senderRanges } from "./proxyProtocol.ts";
import {
  comment,
  type MapEntry,
  mapEntries,
  mapEntry,
  mapKey,
  milliseconds,
  param,
  type Variable,
  variable,
  type Word,
  word,
} from "./quote.ts";
import { listenOptions } from "./sockets.ts";
import { type StreamPlace, streamForward } from "./streamForward.ts";
import { streamTlsLines } from "./tls.ts";
import type { Block } from "./views.ts";

const ANY = "*";
const CLOSED = param("");
/** What TLS ports share beside what is of TCP ports. */
export interface TlsPlace extends StreamPlace {
  readonly names: Names;
}

/** Path and text of one port's file. */
export function lowerTlsPort(port: NamedPort, place: TlsPlace): { readonly path: string; readonly text: string } {
  const [name = port.id] = port.listeners;
  const [named, hop] = [variable(`named_${underscored(name)}`), variable(`hop_${underscored(name)}`)];
  const helloTimeout = milliseconds(port.helloTimeoutMs);
  const inner = port.routes.map((route) => ({ route, socket: routeSocket(route) }));
  const senders = ofSenders(name, port.proxyProtocol, param(hop));
  const any = inner.find(({ route }) => route.serverNames.includes(ANY))?.socket ?? socketOfOthers(port);
  const idleTimes = port.routes.map(({ idleTimeoutMs }) => idleTimeoutMs);
  const view = {
    comment: comment(`${port.listeners.join(", ")}: ${hostAndPort(port.address, port.port)}`),
    limitZones: limitZones(name, port.connectionLimit),
    senders: senderRanges(name, port.proxyProtocol),
    named,
    entries: mapEntries(entriesOf(port, inner)),
    fallback: any === null ? CLOSED : param(any),
    hop: hopMap(hop, named),
    ofSenders: senders?.map ?? null,
    listen: word(hostAndPort(port.address, port.port)),
    options: listenOptions(place.sockets),
    header: headerLines(name, port.proxyProtocol, "tcp"),
    limits: limitLines(name, port.connectionLimit),
    helloTimeout,
    target: param(senders === null ? hop : senders.name),
    idleTimeout: milliseconds(Math.max(port.requests === null ? 1 : NEVER_MS, ...idleTimes)),
    servers: inner.map(({ route, socket }, index) => innerServer({ name, index, route, socket, helloTimeout }, place)),
  };
  return { path: streamFile(port), text: block("tlsServers", view).text };
}

/** Where connections go for which no name stands here; null: nowhere. */
function socketOfOthers({ requests, ...port }: NamedPort): string | null {
  const tls = requests?.tls ?? null;
  if (tls === null) return null;
  const isRead = tls.unknown !== null || tls.scopes.some((scope) => scope.readsRequests && scope.hostname === ANY);
  return isRead ? requestsSocket(port) : null;
}

function entriesOf(
  { requests, refused, ...port }: NamedPort,
  inner: readonly { readonly route: TlsRouteIr; readonly socket: string }[],
): readonly MapEntry[] {
  const named = inner.flatMap(({ route, socket }) =>
    route.serverNames.filter((name) => name !== ANY).map((name) => mapEntry(mapKey(name), param(socket))),
  );
  const scopes = (requests?.tls?.scopes ?? []).filter((scope) => scope.readsRequests && scope.hostname !== ANY);
  const read = scopes.map(({ hostname }) => mapEntry(mapKey(hostname), param(requestsSocket(port))));
  return [...named, ...read, ...refused.map((name) => mapEntry(mapKey(name), CLOSED))];
}

/** What does not begin as TLS does has no name either, but is not for those who take clients that ask for none. */
function hopMap(hop: Variable, named: Variable): Block {
  const entries = mapEntries([mapEntry(mapKey(""), CLOSED)]);
  const source = param(variable("ssl_preread_protocol"));
  return block("map", { comment: null, source, name: hop, entries, fallback: param(named) });
}

interface Inner {
  /** The port's first listener. */
  readonly name: string;
  readonly index: number;
  readonly route: TlsRouteIr;
  readonly socket: string;
  readonly helloTimeout: Word;
}

function innerServer({ name, index, route, socket, helloTimeout }: Inner, place: TlsPlace): Block {
  const own = `${route.listener}/${route.route}`;
  const drawn = variable(place.names.claim(`drawn_${own}`, `${own} ${socket}`).got);
  const { split, clusterZones, limits, target, lines } = streamForward({ ...route, name: own, drawn }, place);
  const cluster = route.split.length > 1 ? drawn : (route.split[0]?.cluster ?? "");
  const seen = route.terminate === null ? "name" : "all";
  const log = connectionLog(place.accessLog, { listener: name, form: `access-${name}/${index}`, cluster, seen });
  return block("tlsServer", {
    comment: comment(`${own}: ${route.serverNames.join(" ")}`),
    split,
    clusterZones,
    logFormat: log?.format ?? null,
    listen: word(socket),
    tls: route.terminate === null ? null : streamTlsLines(route.terminate, route.clientAuthentication),
    // Of what is passed through the name is told.
    preread: seen === "name" && place.accessLog?.connectionFields.includes("tls_server_name") === true,
    alpn: (route.terminate?.alpn ?? []).map((protocol) => ({ protocol: word(protocol) })),
    helloTimeout,
    limits,
    forward: lines({ target, log: log?.directive ?? null }),
  });
}
