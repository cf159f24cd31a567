/**
 * TLS of an HTTP socket. nginx has one table of names for what clients ask for (SNI) and for Host: a server says whose certificate is
 * shown and where its requests go. So hosts with the same rules have a server for each of the certificates that their names fall under.
 */
import {
  asksClients,
  type CertificateIr,
  type ClientAuthenticationIr,
  clientAuthenticationOf,
  type FleetIr,
  type HttpPortIr,
  type ListenerTlsIr,
  MISDIRECTED_BODY,
  MISDIRECTED_STATUS,
  scopeOf,
  type TlsServerIr,
  tlsRoutesOf,
  type VirtualHostIr,
} from "../../ir/index.ts";
import { mostSpecific } from "../../util/mostSpecific.ts";
import { type Steps, shouldYield } from "../../util/steps.ts";
import { sealedIn } from "../sealed.ts";
import type { RenderedFile } from "../target.ts";
import { OPENSSL_GROUPS } from "../tlsSettings.ts";
import { block, joinBlocks } from "./blocks.ts";
import { clientsView, otherHost } from "./clientAuthentication.ts";
import { underscored } from "./names.ts";
import { condition, mapEntries, mapEntry, mapKey, param, variable, type Word, word } from "./quote.ts";
import type { Block } from "./views.ts";

const CHAIN_MODE = 0o644;
const KEY_MODE = 0o600;
const ANY = "*";

/** Names of one server, and the TLS that it has; null: the socket is in the clear. */
export interface Served {
  readonly hostnames: readonly string[];
  readonly tls: Block | null;
  /** In its server: requests that are another listener's; null: there is only one. */
  readonly misdirected: Block | null;
}

/** The servers of a socket: of each group of hosts, and of names that no host has. */
export interface ServedNames {
  readonly ofHost: (host: VirtualHostIr) => readonly Served[];
  readonly others: readonly Served[];
}

/** Files of certificates and their keys. */
export function certificateFiles(certificates: readonly CertificateIr[]): readonly RenderedFile[] {
  return certificates.flatMap(({ name, chain, privateKey }) => [
    { path: chainFile(name), text: chain, mode: CHAIN_MODE },
    { path: keyFile(name), text: privateKey, mode: KEY_MODE, ...sealedIn(privateKey) },
  ]);
}

/** Of the `http` block. Null: no socket ends TLS there. */
export function tlsGroups({ ports }: FleetIr): Word | null {
  return ports.some((port) => port.kind === "http" && port.tls !== null) ? groups() : null;
}

/** Of the `stream` block. */
export function streamTlsGroups({ ports }: FleetIr): Word | null {
  const ends = ports.some((port) => tlsRoutesOf(port)?.routes.some(({ terminate }) => terminate !== null));
  return ends ? groups() : null;
}

function groups(): Word {
  return word(OPENSSL_GROUPS.join(":"));
}

/** A certificate in PEM. */
export function chainFile(name: string): string {
  return `certificates/${name}.pem`;
}

/** Its key. */
export function keyFile(name: string): string {
  return `certificates/${name}.key`;
}

/** Which names stand in which server: all that hosts and certificates have, each where its most specific host and certificate are. */
export function* servedNames({ tls, virtualHosts }: HttpPortIr, listener: string): Steps<ServedNames> {
  if (tls === null) return inTheClear(virtualHosts);
  const hosts = new Map(virtualHosts.flatMap((host) => host.hostnames.map((name) => [name, host] as const)));
  const shown = shownFor(tls);
  const groups = new Map<VirtualHostIr | null, Map<string, Group>>();
  for (const [index, name] of [...new Set([...hosts.keys(), ...shown.keys()])].sort().entries()) {
    if (shouldYield(index)) yield;
    const host = mostSpecific(hosts, name) ?? null;
    const server = mostSpecific(shown, name) ?? null;
    const scope = scopeOf(tls.scopes, name);
    const key = `${server?.serverNames[0]} ${server?.certificates.join(" ")} ${scope}`;
    const ofHost = groups.get(host) ?? new Map<string, Group>();
    const group = ofHost.get(key) ?? { hostnames: [], server, scope };
    group.hostnames.push(name);
    groups.set(host, ofHost.set(key, group));
  }
  const served = (host: VirtualHostIr | null): readonly Served[] =>
    [...(groups.get(host)?.values() ?? [])].map(({ hostnames, server, scope }) => {
      const foreign = scope === null ? null : misdirected(listener, tls, scope);
      const refused = [foreign, otherHost(tls, scope)].filter((own) => own !== null);
      return {
        hostnames,
        tls: tlsLines(server, tls, clientAuthenticationOf(tls, scope) === null ? null : foreign),
        misdirected: refused.length === 0 ? null : joinBlocks(refused),
      };
    });
  return { ofHost: served, others: served(null) };
}

interface Group {
  readonly hostnames: string[];
  /** Null: no handshake. */
  readonly server: TlsServerIr | null;
  readonly scope: string | null;
}

function inTheClear(hosts: readonly VirtualHostIr[]): ServedNames {
  const served = (hostnames: readonly string[]): Served => ({ hostnames, tls: null, misdirected: null });
  const takesAny = hosts.some(({ hostnames }) => hostnames.includes(ANY));
  return { ofHost: ({ hostnames }) => [served(hostnames)], others: takesAny ? [] : [served([ANY])] };
}

/** By server name; `*`: any other, and none. */
function shownFor({ servers, unknown, rejected }: ListenerTlsIr): ReadonlyMap<string, TlsServerIr | null> {
  return new Map<string, TlsServerIr | null>([
    [ANY, unknown],
    ...servers.flatMap((server) => server.serverNames.map((name) => [name, server] as const)),
    ...rejected.map((name) => [name, null] as const),
  ]);
}

/**
 * `foreign` refuses requests of other listeners' connections, on which no certificate was asked for, in the words that they know.
 * One who is refused says which versions there are too: before nginx 1.29.2 those of the socket's first server are everyone's.
 */
export function tlsLines(server: TlsServerIr | null, tls: ListenerTlsIr, foreign: Block | null): Block {
  const { servers, unknown } = tls;
  return block("tls", {
    ...tlsView(server, server ?? unknown ?? servers[0]),
    clients: server === null ? null : clientsView(clientAuthenticationOf(tls, server.scope)),
    keepsSessions: !asksClients(tls),
    foreign,
    closed: true,
  });
}

/** The same of a stream server, which has one set of certificates: it closes connections of clients that it refuses by itself. */
export function streamTlsLines(server: TlsServerIr, clients: ClientAuthenticationIr | null): Block {
  const asked = { clients: clientsView(clients), keepsSessions: clients === null };
  return block("tls", { ...tlsView(server, server), ...asked, foreign: null, closed: false });
}

function tlsView(server: TlsServerIr | null, settings: TlsServerIr | undefined) {
  return {
    certificates: (server?.certificates ?? []).map((name) => ({
      chain: word(chainFile(name)),
      key: word(keyFile(name)),
    })),
    protocols: protocolsOf({ minVersion: settings?.minVersion ?? "1.2", maxVersion: settings?.maxVersion ?? "1.3" }),
    cipherSuites: server === null || server.cipherSuites.length === 0 ? null : word(server.cipherSuites.join(":")),
  };
}

/** Versions as nginx lists them. */
export function protocolsOf({ minVersion, maxVersion }: Pick<TlsServerIr, "minVersion" | "maxVersion">) {
  const from = minVersion === "1.3" ? [] : ["TLSv1.2"];
  const to = maxVersion === "1.2" ? [] : ["TLSv1.3"];
  return [...from, ...to].map((protocol) => ({ protocol: word(protocol) }));
}

/** All clients are shown the same. */
export function hasOneServer({ servers, unknown, rejected }: ListenerTlsIr): boolean {
  return rejected.length === 0 && unknown !== null && servers.every((server) => isSame(server, unknown));
}

function isSame(a: TlsServerIr, b: TlsServerIr): boolean {
  return JSON.stringify({ ...a, serverNames: [] }) === JSON.stringify({ ...b, serverNames: [] });
}

/** Before the servers of a socket that several listeners share: whose connection it is. Null: there is only one. */
export function scopeMap(listener: string, tls: ListenerTlsIr | null): Block | null {
  if (tls === null || tls.scopes.length < 2) return null;
  const named = tls.scopes.filter(({ hostname }) => hostname !== ANY);
  const other = tls.unknown?.scope ?? ANY;
  return block("tlsScopes", {
    name: scopeVariable(listener),
    entries: mapEntries(named.map(({ hostname }) => mapEntry(mapKey(hostname), param(hostname)))),
    fallback: param(other),
  });
}

function misdirected(listener: string, { scopes }: ListenerTlsIr, scope: string): Block | null {
  if (scopes.length < 2) return null;
  return block("misdirected", {
    condition: condition(scopeVariable(listener), "!=", param(scope)),
    status: word(MISDIRECTED_STATUS),
    body: param(MISDIRECTED_BODY),
  });
}

function scopeVariable(listener: string) {
  return variable(`tls_scope_${underscored(listener)}`);
}
