/**
 * One TLS port: a frontend that looks at the server name. HAProxy ends TLS of all connections of a `bind` or of none, so where some are
 * passed through and TLS of others ends here, these go through a socket of HAProxy's own to a frontend behind it.
 */
import {
  type AccessLogIr,
  HELLO_TIMEOUT_MS,
  innerSocket,
  type TlsPortIr,
  type TlsRouteIr,
  type TlsServerIr,
} from "../../ir/index.ts";
import type { TemplateSet } from "../../util/templates.ts";
import { connectionLogText } from "./accessLog.ts";
import { connectionLimitView } from "./connectionLimit.ts";
import { certificateList, endedFrontend, listenerFile, listenerMap, tcpBackend } from "./names.ts";
import { proxyProtocolView } from "./proxyProtocol.ts";
import { address, expression, file, mapKey, mapLine, mapValue, name, number, time } from "./quote.ts";
import { DRAW_RANGE, drawLines, type Shares } from "./splits.ts";
import { certificateListText, tlsViewOf } from "./tls.ts";

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
export function lowerTlsPort(
  port: TlsPortIr,
  { accessLog, sharded, section }: TlsPortPlace,
): ReadonlyMap<string, string> {
  const [listener = port.id] = port.listeners;
  const ended = port.routes.filter(({ terminate }) => terminate !== null);
  const passed = port.routes.filter(({ terminate }) => terminate === null);
  const isMixed = ended.length > 0 && passed.length > 0;
  const files = new Map<string, string>();
  if (ended.length > 0) files.set(certificateList(listener), certificateListText(certificatesOf(ended, port)));
  const tls = ended.length === 0 ? null : tlsViewOf(listener, !ended.some(takesAny));
  const idleTimeout = time(Math.max(1, ...port.routes.map(({ idleTimeoutMs }) => idleTimeoutMs)));
  const own = { listener, section, files };
  const log = connectionLogText(accessLog, section, listener);
  const front = isMixed ? port.routes : passed.length > 0 ? passed : ended;
  const isRead = ended.length === 0 || isMixed;
  const text = [
    section("tlsFrontend", {
      name: name(listener),
      address: address(port.address, port.port),
      v6only: port.address.includes(":"),
      sharded,
      tls: isMixed ? null : tls,
      ...connectionLimitView(port.connectionLimit),
      ...proxyProtocolView(port.proxyProtocol),
      idleTimeout,
      helloTimeout: isRead ? time(HELLO_TIMEOUT_MS) : null,
    }),
    log,
    namesText({
      ...own,
      routes: front,
      refused: port.refused,
      isRead,
      ended: isMixed ? endedFrontend(listener) : null,
    }),
  ];
  if (isMixed) {
    const inner = {
      name: name(endedFrontend(listener)),
      socket: file(innerSocket("ended", listener)),
      tls,
      idleTimeout,
    };
    text.push(section("tlsEnded", inner), log);
    text.push(namesText({ ...own, routes: ended, refused: [], isRead: false, ended: null }));
  }
  files.set(listenerFile(listener), text.join(""));
  return files;
}

function takesAny({ serverNames }: Pick<TlsRouteIr, "serverNames">): boolean {
  return serverNames.includes(ANY);
}

/** In the form that the list is made of. */
function certificatesOf(ended: readonly TlsRouteIr[], { refused }: TlsPortIr) {
  const all = ended.flatMap(({ terminate }) => (terminate === null ? [] : [terminate]));
  const servers = all
    .map((server): TlsServerIr => ({ ...server, serverNames: server.serverNames.filter((own) => own !== ANY) }))
    .filter(({ serverNames }) => serverNames.length > 0);
  return { servers, unknown: all.find(takesAny) ?? null, rejected: refused };
}

interface Names {
  readonly listener: string;
  readonly section: TemplateSet["render"];
  /** Maps are added to them. */
  readonly files: Map<string, string>;
  readonly routes: readonly TlsRouteIr[];
  readonly refused: readonly string[];
  /** The name is read from the client's hello; else it is told by the handshake. */
  readonly isRead: boolean;
  /** Where connections go whose TLS ends here; null: to their endpoints. */
  readonly ended: string | null;
}

function namesText({ listener, section, files, routes, refused, isRead, ended }: Names): string {
  const entries: (readonly [string, string])[] = refused.map((own) => [own, REFUSED] as const);
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
    ended: ended === null ? null : name(ended),
  });
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
