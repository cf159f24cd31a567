/** TLS of a frontend: words of its `bind`, the list of its certificates, and requests that are another listener's. */
import {
  askedBy,
  type CertificateIr,
  type ClientAuthenticationIr,
  clientAuthenticationOf,
  type ListenerTlsIr,
  MISDIRECTED_BODY,
  MISDIRECTED_STATUS,
  type TlsScopeIr,
  type TlsServerIr,
} from "../../ir/index.ts";
import type { Quoted } from "../../util/templates.ts";
import { sealedIn } from "../sealed.ts";
import type { RenderedFile } from "../target.ts";
import { GROUPS } from "../tlsSettings.ts";
import { type BindClientsView, bindClients, clientWords } from "./clientAuthentication.ts";
import { certificateFile, certificateList, listenerMap } from "./names.ts";
import { file, mapKey, mapLine, mapValue, name, number, plainBody, word } from "./quote.ts";

/** Part of `frontend.hbs`. */
export interface TlsView {
  readonly list: Quoted<"file">;
  /** Clients that ask for no name of the list are refused. */
  readonly strict: boolean;
  readonly groups: Quoted<"word">;
  readonly clients: BindClientsView | null;
}

/** Null: in the clear. */
export function tlsView(listener: string, tls: ListenerTlsIr | null): TlsView | null {
  return tls === null
    ? null
    : tlsViewOf(certificateList(listener), tls.unknown === null, askedBy({ kind: "http", tls, passed: null }));
}

/** Of a frontend with this list, whose connections are asked for these certificates. */
export function tlsViewOf(list: string, strict: boolean, asked: readonly ClientAuthenticationIr[]): TlsView {
  return { list: file(list), strict, groups: word(GROUPS.join(":")), clients: bindClients(asked) };
}

/** HAProxy reads 2 048 words of a line (`MAX_CRT_ARGS`) of 64 KiB. */
const NAMES_PER_LINE = 200;

/** What the list is made of. */
export interface ListedTls extends Pick<ListenerTlsIr, "servers" | "unknown" | "rejected"> {
  readonly scopes: readonly Pick<TlsScopeIr, "hostname" | "clientAuthentication">[];
}

/** The list of certificates: on each line a file, what is agreed on, and names. What any other client is shown stands first. */
export function certificateListText(tls: ListedTls): string {
  const { servers, unknown, rejected } = tls;
  const lines = unknown === null ? [] : linesOf(unknown, ["!*"], tls);
  for (const server of servers) {
    const names = [...server.serverNames, ...excluded(server, rejected).map((name) => `!${name}`)];
    lines.push(...linesOf(server, names, tls));
  }
  return lines.join("");
}

/** Names that the wildcards of a server cover and that are refused. A wildcard stands for one label here. */
function excluded({ serverNames }: TlsServerIr, rejected: readonly string[]): readonly string[] {
  return rejected.filter((name) => serverNames.includes(`*${name.slice(name.indexOf("."))}`));
}

function linesOf(server: TlsServerIr, names: readonly string[], tls: ListedTls): string[] {
  const lines: string[] = [];
  const settings = [...settingsOf(server), ...clientWords(clientAuthenticationOf(tls, server.scope))].join(" ");
  for (const certificate of server.certificates) {
    for (let at = 0; at < names.length; at += NAMES_PER_LINE) {
      const some = names.slice(at, at + NAMES_PER_LINE).join(" ");
      lines.push(`${certificateFile(certificate)} [${settings}] ${some}\n`);
    }
  }
  return lines;
}

function settingsOf({ minVersion, maxVersion, cipherSuites, alpn }: TlsServerIr): readonly string[] {
  const suites = cipherSuites.length === 0 ? [] : ["ciphers", cipherSuites.join(":")];
  const versions = ["ssl-min-ver", `TLSv${minVersion}`, "ssl-max-ver", `TLSv${maxVersion}`];
  const protocols = alpn.length === 0 ? [] : ["alpn", alpn.join(",")];
  return [...protocols, ...versions, ...suites];
}

/** For its owner only. */
const KEY_MODE = 0o600;

/** A certificate's file: chain and key. */
export function certificatePem({ name: own, chain, privateKey }: CertificateIr): RenderedFile {
  return { path: certificateFile(own), text: chain + privateKey, mode: KEY_MODE, ...sealedIn(privateKey) };
}

/** Part of `misdirected.hbs`: listeners by server name and by site, which is a hostname too. */
interface MisdirectedView {
  readonly status: Quoted<"number">;
  readonly body: Quoted<"text"> | null;
  /** Hostnames as they are; null: there are none. */
  readonly names: Quoted<"file"> | null;
  /** Of wildcards. */
  readonly suffixes: Quoted<"file"> | null;
  /** Who takes hosts that no other listener takes; null: nobody. */
  readonly any: Quoted<"name"> | null;
  /** Whose connections those are that asked for none of the hostnames; null: there are none. */
  readonly other: Quoted<"name"> | null;
}

/** Null: one listener has all connections. Files by path. */
export function misdirected(
  listener: string,
  tls: ListenerTlsIr | null,
): { readonly view: MisdirectedView; readonly files: ReadonlyMap<string, string> } | null {
  if (tls === null || tls.scopes.length < 2) return null;
  const { scopes, unknown } = tls;
  const files = new Map<string, string>();
  const mapOf = (name: string, entries: readonly (readonly [string, string])[]): Quoted<"file"> | null => {
    if (entries.length === 0) return null;
    const path = listenerMap(listener, name);
    files.set(path, entries.map(([key, owner]) => mapLine(mapKey(key), mapValue(owner))).join(""));
    return file(path);
  };
  const own = scopes.filter(({ hostname }) => hostname !== "*" && !hostname.startsWith("*."));
  // The first suffix that fits is taken.
  const wide = scopes.filter(({ hostname }) => hostname.startsWith("*."));
  wide.sort((a, b) => b.hostname.length - a.hostname.length);
  const ownerOf = (hostname: string | undefined): Quoted<"name"> | null => {
    const scope = scopes.find((other) => other.hostname === hostname);
    return scope === undefined ? null : name(scope.listener);
  };
  const view = {
    status: number(MISDIRECTED_STATUS),
    body: plainBody(MISDIRECTED_BODY),
    names: mapOf(
      "hostnames",
      own.map((scope) => [scope.hostname, scope.listener]),
    ),
    suffixes: mapOf(
      "suffixes",
      wide.map((scope) => [scope.hostname.slice(1), scope.listener]),
    ),
    any: ownerOf("*"),
    other: ownerOf(unknown?.scope ?? "*"),
  };
  return { view, files };
}
