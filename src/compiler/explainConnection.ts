/** Where a connection goes by the server name that its client asks for (SNI), and why. */
import { type PortIr, type TlsRouteIr, type TlsRoutesIr, tlsRoutesOf } from "../ir/index.ts";
import { ANY_HOST, covers } from "../model/index.ts";
import type { Explanation } from "./explanation.ts";

/** Null: requests are read on this connection, or nobody looks at the name. An empty name: none is asked for. */
export function explainConnection(port: PortIr, name: string): Explanation | null {
  const table = tlsRoutesOf(port);
  if (table === null) return null;
  const found = mostSpecific(table, name);
  const reads = port.kind === "http" ? readsRequests(port, name, found?.serverName ?? null) : false;
  if (reads) return null;
  const asked = name === "" ? "clients that ask for no name" : name;
  if (found === null || found.route === null || found.route.split.length === 0) {
    const reason = `no route takes ${asked}: the connection is closed, without a handshake`;
    return { host: name, virtualHost: null, outcome: { kind: "close", reason }, rules: [] };
  }
  const { route, serverName } = found;
  const total = route.split.reduce((sum, { weight }) => sum + weight, 0);
  const split = route.split.map(({ cluster, weight }) => ({ cluster, sharePercent: (100 * weight) / total }));
  const reason = serverName === ANY_HOST ? "no other name fits" : "the most specific name that fits";
  return {
    host: name,
    virtualHost: serverName,
    outcome: { kind: "pass", split, tlsEnds: route.terminate !== null },
    rules: [{ route: route.route, rule: "0", match: `server name ${serverName}`, verdict: "wins", reason }],
  };
}

interface Found {
  readonly serverName: string;
  /** Null: the name is refused. */
  readonly route: TlsRouteIr | null;
}

function mostSpecific({ routes, refused }: TlsRoutesIr, name: string): Found | null {
  const all = [
    ...routes.flatMap((route) => route.serverNames.map((serverName): Found => ({ serverName, route }))),
    ...refused.map((serverName): Found => ({ serverName, route: null })),
  ];
  const fitting = all.filter(({ serverName }) => fits(serverName, name));
  return fitting.sort((a, b) => rankOf(b.serverName, name) - rankOf(a.serverName, name))[0] ?? null;
}

function fits(pattern: string, name: string): boolean {
  return pattern === ANY_HOST || (name !== "" && covers(pattern, name));
}

function rankOf(pattern: string, name: string): number {
  if (pattern === ANY_HOST) return 0;
  return pattern === name ? Number.MAX_SAFE_INTEGER : pattern.length;
}

/** Whether a listener that reads requests takes the name, and no more specific one does. */
function readsRequests({ tls }: Extract<PortIr, { kind: "http" }>, name: string, passed: string | null): boolean {
  const own = (tls?.scopes ?? []).filter((scope) => scope.readsRequests && fits(scope.hostname, name));
  if (own.length === 0) return passed === null;
  return passed === null || own.some(({ hostname }) => rankOf(hostname, name) > rankOf(passed, name));
}
