import { defaults } from "../../gen/defaults.ts";
import { isUnspecified } from "../addresses.ts";
import { boundAddress } from "../boundAddress.ts";
import { canonicalCidr } from "../cidr.ts";
import { speaksHttp2 } from "../http2.ts";
import type { Resource, Snapshot } from "../types.ts";
import { ANY_HOST, durationMs } from "../values.ts";
import { problem, type WholeRule } from "./rule.ts";

type Listener = Resource<"listener">["body"];

/**
 * One socket of a fleet belongs to one listener, or to several HTTP (or several HTTPS and TLS) listeners with different hostnames and the
 * same limits for clients. A listener on all addresses takes the port from every other address. UDP has ports of its own, which
 * HTTP/3 takes too.
 */
export const portClash: WholeRule = function* (snapshot, touched) {
  if (!touched.some(({ kind }) => kind === "listener" || kind === "fleet")) return;
  const touchedNames = new Set(touched.map(({ kind, name }) => `${kind}/${name}`));
  for (const [fleet, listeners] of listenersByFleet(snapshot)) {
    for (const [index, one] of listeners.entries()) {
      yield;
      for (const other of listeners.slice(0, index)) {
        const clash = clashOf(one, other);
        if (clash === null) continue;
        const changed = [one, other].some(({ listener }) => touchedNames.has(`listener/${listener.name}`));
        if (!changed && !touchedNames.has(`fleet/${fleet}`)) continue;
        const message = `clashes with listener ${JSON.stringify(other.listener.name)} in fleet ${JSON.stringify(fleet)}: ${clash}`;
        const related = { resource: { kind: "listener", name: other.listener.name }, pointer: "/port" };
        yield problem("MODEL-PORT-CLASH", one.listener, { pointer: "/port", message, related });
      }
    }
  }
};

interface Bound {
  listener: Resource<"listener">;
  /** Canonical. */
  address: string;
  /** The listener has no address of its own, and what the fleet's is cannot be known. */
  isGuess: boolean;
}

function listenersByFleet(snapshot: Snapshot): Map<string, Bound[]> {
  const found = new Map<string, Bound[]>();
  for (const name of [...snapshot.listener.keys()].sort()) {
    const listener = snapshot.listener.get(name) as Resource<"listener">;
    for (const fleet of listener.body.fleets) {
      const address = boundAddress(listener.body, snapshot.fleet.get(fleet)?.body);
      const isGuess = listener.body.address === undefined && !snapshot.fleet.has(fleet);
      const bound = found.get(fleet) ?? [];
      bound.push({ listener, address, isGuess });
      found.set(fleet, bound);
    }
  }
  return found;
}

function clashOf(one: Bound, other: Bound): string | null {
  const [a, b] = [one.listener.body, other.listener.body];
  if (a.port !== b.port || one.isGuess !== other.isGuess) return null;
  const areApart = (a.protocol === "UDP") !== (b.protocol === "UDP");
  if (areApart && !speaksHttp3(a) && !speaksHttp3(b)) return null;
  if (one.address !== other.address) {
    const wide = isUnspecified(one.address) || isUnspecified(other.address);
    return wide ? `port ${a.port} on ${one.address} overlaps ${other.address}` : null;
  }
  if (areApart) return `${one.address}:${a.port} is taken over UDP too, by \`http.http3\``;
  if (!canShare(a, b))
    return `${one.address}:${a.port} can be shared by HTTP listeners only, or by HTTPS and TLS listeners only`;
  const areNames = a.protocol === "TLS" && b.protocol === "TLS";
  if (areNames && idleTimeoutOf(a) !== idleTimeoutOf(b))
    return `silent connections on ${one.address}:${a.port} are closed alike; give both the same \`idleTimeout\``;
  const bothRead = a.protocol !== "TLS" && b.protocol !== "TLS";
  if (bothRead && unknownNameOf(a) !== unknownNameOf(b))
    return `clients of ${one.address}:${a.port} that ask for no name are nobody's; give both the same \`tls.unknownServerName\``;
  if (bothRead && !haveSameClientTimeouts(a, b))
    return `time of clients on ${one.address}:${a.port} runs before their hostname is known; give both the same \`http\``;
  if (!haveSameConnectionLimit(a, b))
    return `connections on ${one.address}:${a.port} are counted before their hostname is known; give both the same \`connectionLimit\``;
  if (!haveSameProxyProtocol(a, b))
    return `connections on ${one.address}:${a.port} begin before their hostname is known; give both the same \`proxyProtocol\``;
  if (bothRead && (a.http?.viaGuard ?? VIA_GUARD) !== (b.http?.viaGuard ?? VIA_GUARD))
    return `all requests of ${one.address}:${a.port} are known again by one name; give both the same \`http\``;
  if (bothRead && speaksHttp2(a) !== speaksHttp2(b))
    return `connections on ${one.address}:${a.port} begin before their hostname is known; give both the same \`http.http2\``;
  if (bothRead && !haveSameHttp3(a, b))
    return `connections on ${one.address}:${a.port} begin before their hostname is known; give both the same \`http.http3\` and \`http3Port\``;
  const [hostA, hostB] = [a.hostname ?? ANY_HOST, b.hostname ?? ANY_HOST].map((host) => host.toLowerCase());
  return hostA === hostB
    ? `both take ${hostA === ANY_HOST ? "every hostname" : hostA} on ${one.address}:${a.port}`
    : null;
}

/** Listeners are told apart by the hostname of requests, or by the server name that clients ask for. */
function canShare(a: Listener, b: Listener): boolean {
  const inTls = ({ protocol }: Listener): boolean => protocol === "HTTPS" || protocol === "TLS";
  return (a.protocol === "HTTP" && b.protocol === "HTTP") || (inTls(a) && inTls(b));
}

const VIA_GUARD = defaults["listener.http.viaGuard"];
const CLIENT_TIMEOUTS = ["headersTimeout", "bodyTimeout", "sendTimeout", "keepAliveTimeout"] as const;

function speaksHttp3({ http }: Listener): boolean {
  return http?.http3 === true;
}

function haveSameHttp3(a: Listener, b: Listener): boolean {
  const portOf = ({ http, port }: Listener): number => http?.http3Port ?? port;
  return speaksHttp3(a) === speaksHttp3(b) && portOf(a) === portOf(b);
}

function unknownNameOf({ tls }: Listener): string {
  return tls?.unknownServerName ?? defaults["listener.tls.unknownServerName"];
}

/** Null: the default. */
function idleTimeoutOf({ idleTimeout }: Listener): number | null {
  return idleTimeout === undefined ? null : durationMs(idleTimeout);
}

function haveSameClientTimeouts({ http: one }: Listener, { http: other }: Listener): boolean {
  return CLIENT_TIMEOUTS.every((field) => {
    const [a, b] = [one, other].map((http) => durationMs(http?.[field] ?? defaults[`listener.http.${field}`]));
    return a === b;
  });
}

function haveSameConnectionLimit({ connectionLimit: one }: Listener, { connectionLimit: other }: Listener): boolean {
  return one?.max === other?.max && one?.perSource === other?.perSource;
}

function haveSameProxyProtocol({ proxyProtocol: one }: Listener, { proxyProtocol: other }: Listener): boolean {
  const [a, b] = [one, other].map((own) => new Set(own?.from?.map(canonicalCidr)));
  return one?.mode === other?.mode && a?.size === b?.size && [...(a ?? [])].every((range) => b?.has(range));
}
