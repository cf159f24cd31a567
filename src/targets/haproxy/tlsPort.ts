/**
 * One TLS port: a frontend that looks at the server name. HAProxy ends TLS of all connections of a `bind` or of none, so where some are
 * passed through and TLS of others ends here, these go through a socket of HAProxy's own to a frontend behind it.
 */
import {
  type AccessLogIr,
  askedBy,
  innerSocket,
  type SeenTls,
  type TlsRouteIr,
  type TlsRoutesIr,
  type TlsServerIr,
} from "../../ir/index.ts";
import type { TemplateSet } from "../../util/templates.ts";
import { type NamedPort, NEVER_MS } from "../namedPort.ts";
import { connectionLogText } from "./accessLog.ts";
import { connectionLimitView } from "./connectionLimit.ts";
import {
  certificateList,
  endedFrontend,
  listenerFile,
  listenerMap,
  namesFrontend,
  requestsBackend,
  requestsSocket,
  tcpBackend,
} from "./names.ts";
import { proxyProtocolView } from "./proxyProtocol.ts";
import { address, expression, file, mapKey, mapLine, mapValue, name, number, time } from "./quote.ts";
import { DRAW_RANGE, drawLines, type Shares } from "./splits.ts";
import { certificateListText, type ListedTls, type TlsView, tlsViewOf } from "./tls.ts";

const ANY = "*";
/** No backend is called so: those of the model have no capital. */
const REFUSED = "NOBODY";

/** What a port's files depend on beside the port. */
export interface TlsPortPlace {
  readonly accessLog: AccessLogIr | null;
  readonly sharded: boolean;
  readonly section: TemplateSet["render"];
}

/** Texts by path. */
export function lowerTlsPort(port: NamedPort, place: TlsPortPlace): ReadonlyMap<string, string> {
  const [listener = port.id] = port.listeners;
  const { accessLog, section } = place;
  const { ended, isRead, isLooped } = shapeOf(port);
  const files = new Map<string, string>();
  const list = certificateList(port.requests === null ? listener : `${listener}.ended`);
  if (ended.length > 0) files.set(list, certificateListText(certificatesOf(ended, port)));
  const tls =
    ended.length === 0
      ? null
      : tlsViewOf(list, !ended.some(takesAny), askedBy({ kind: "tls", ...port, routes: ended }));
  const own = { listener, section, files };
  const logOf = (seen: SeenTls) => connectionLogText(accessLog, section, { listener, seen });
  const front = { ...own, port, routes: port.routes, isRead, ended: isLooped ? endedFrontend(listener) : null };
  const text = [frontText(port, isLooped ? null : tls, place), logOf(isRead ? "name" : "all"), namesText(front)];
  if (port.requests !== null) {
    const backend = { name: name(requestsBackend(listener)), socket: file(requestsSocket(listener)) };
    text.push(section("innerBackend", { ...backend, idleTimeout: time(NEVER_MS) }));
  }
  if (isLooped) {
    const inner = { name: name(endedFrontend(listener)), socket: file(innerSocket("ended", listener)), tls };
    const helloTimeout = time(port.helloTimeoutMs);
    text.push(section("innerBackend", { ...inner, idleTimeout: time(idleMs(port)) }));
    text.push(section("tlsEnded", { ...inner, helloTimeout }), logOf("all"));
    text.push(namesText({ ...own, port: null, routes: ended, isRead: false, ended: null }));
  }
  files.set(listenerFile(listener), text.join(""));
  return files;
}

/** Which frontends a port needs. */
function shapeOf({ routes, requests }: NamedPort) {
  const ended = routes.filter(({ terminate }) => terminate !== null);
  const isRead = requests !== null || ended.length < routes.length || ended.length === 0;
  return { ended, isRead, isLooped: isRead && ended.length > 0 };
}

function idleMs({ routes }: TlsRoutesIr): number {
  return Math.max(1, ...routes.map(({ idleTimeoutMs }) => idleTimeoutMs));
}

function frontText(port: NamedPort, tls: TlsView | null, { sharded, section }: TlsPortPlace): string {
  const [listener = port.id] = port.listeners;
  return section("tlsFrontend", {
    name: name(port.requests === null ? listener : namesFrontend(listener)),
    address: address(port.address, port.port),
    v6only: port.address.includes(":"),
    sharded,
    tls,
    ...connectionLimitView(port.connectionLimit),
    ...proxyProtocolView(port.proxyProtocol),
    helloTimeout: time(port.helloTimeoutMs),
    isRead: shapeOf(port).isRead,
  });
}

function takesAny({ serverNames }: Pick<TlsRouteIr, "serverNames">): boolean {
  return serverNames.includes(ANY);
}

/** In the form that the list is made of. */
function certificatesOf(ended: readonly TlsRouteIr[], { refused }: TlsRoutesIr): ListedTls {
  const all = ended.flatMap(({ terminate }) => (terminate === null ? [] : [terminate]));
  const servers = all
    .map((server): TlsServerIr => ({ ...server, serverNames: server.serverNames.filter((own) => own !== ANY) }))
    .filter(({ serverNames }) => serverNames.length > 0);
  const scopes = ended.map(({ terminate, clientAuthentication }) => ({
    hostname: terminate?.scope ?? ANY,
    clientAuthentication,
  }));
  return { servers, unknown: all.find(takesAny) ?? null, rejected: refused, scopes };
}

interface Names {
  readonly listener: string;
  readonly section: TemplateSet["render"];
  /** Maps are added to them. */
  readonly files: Map<string, string>;
  readonly routes: readonly TlsRouteIr[];
  /** Null: behind another frontend, which has refused what is to be refused. */
  readonly port: NamedPort | null;
  /** The name is read from the client's hello; else it is told by the handshake. */
  readonly isRead: boolean;
  /** Where connections go whose TLS ends here; null: to their endpoints. */
  readonly ended: string | null;
}

function namesText({ listener, section, files, routes, port, isRead, ended }: Names): string {
  const entries: (readonly [string, string])[] = (port?.refused ?? []).map((own) => [own, REFUSED] as const);
  for (const own of namesOfRequests(port)) entries.push([own, requestsBackend(listener)]);
  const splits = new Map<string, object>();
  for (const route of routes) {
    const isInner = ended !== null && route.terminate !== null;
    const target = isInner ? ended : targetOf(route);
    for (const own of route.serverNames) entries.push([own, target]);
    if (isInner || route.split.length < 2) continue;
    const path = nameMap(listener, `split.${route.listener}.${route.route}`);
    files.set(path, drawLines(sharesOf(route)));
    splits.set(target, { mark: name(target), range: number(DRAW_RANGE), shares: file(path) });
  }
  const kind = isRead ? "" : "ended-";
  const mapOf = (map: string, own: readonly (readonly [string, string])[]) => {
    if (own.length === 0) return null;
    const path = nameMap(listener, kind + map);
    files.set(path, own.map(([key, value]) => mapLine(mapKey(key), mapValue(value))).join(""));
    return file(path);
  };
  // The first suffix that fits is taken.
  const wide = entries.filter(([own]) => own.startsWith("*.")).sort(([a], [b]) => b.length - a.length);
  const any = entries.find(([own]) => own === ANY)?.[1];
  return section("tlsNames", {
    source: isRead ? expression`req.ssl_sni` : expression`ssl_fc_sni`,
    names: mapOf(
      "names",
      entries.filter(([own]) => own !== ANY && !own.startsWith("*.")),
    ),
    suffixes: mapOf(
      "suffixes",
      wide.map(([own, target]) => [own.slice(1), target]),
    ),
    any: any === undefined ? null : name(any),
    splits: [...splits.values()],
    refused: entries.some(([, target]) => target === REFUSED) ? name(REFUSED) : null,
    // What goes to another frontend writes its own line.
    silent: [...(ended === null ? [] : [ended]), ...(port?.requests ? [requestsBackend(listener)] : [])].map(name),
  });
}

/** Hostnames whose connections are for requests; `*`: all that nobody else takes. */
function namesOfRequests(port: NamedPort | null): readonly string[] {
  const tls = port?.requests?.tls ?? null;
  if (port === null || tls === null) return [];
  const own = tls.scopes.filter(({ readsRequests }) => readsRequests).map(({ hostname }) => hostname);
  return tls.unknown === null || own.includes(ANY) ? own : [...own, ANY];
}

/** Apart from maps of requests. */
function nameMap(listener: string, map: string): string {
  return listenerMap(`${listener}.names`, map);
}

/** A backend; of several clusters what stands for the draw; nobody. */
function targetOf(route: TlsRouteIr): string {
  const [first] = sharesOf(route);
  if (first === undefined) return REFUSED;
  return route.split.length > 1 ? `${route.listener}:${route.route}` : first.backend;
}

function sharesOf({ split, idleTimeoutMs }: TlsRouteIr): Shares {
  return split.map(({ cluster, weight }) => ({ backend: tcpBackend(cluster, idleTimeoutMs), weight }));
}
