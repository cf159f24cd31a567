/**
 * HTTP/3: a second `bind` of a frontend inside TLS, over UDP at the same address and port. So its requests meet the same rules; its list of
 * certificates is its own, for QUIC has TLS 1.3 in it, and names that TCP passes on have none.
 */
import { altSvc, askedBy, type FleetIr, HTTP2_STREAMS, type HttpPortIr } from "../../ir/index.ts";
import type { Quoted } from "../../util/templates.ts";
import { certificateList } from "./names.ts";
import { address, number, time, word } from "./quote.ts";
import { certificateListText, type TlsView, tlsViewOf } from "./tls.ts";

/** Of ALPN. */
const HTTP3 = "h3";
/** Silence is for keepAliveTimeout and its kin, which QUIC's own limit must not undercut: as long as the longest of these can be. */
const IDLE_MS = 24 * 60 * 60 * 1000;

/** Part of `frontend.hbs`; null: no HTTP/3. */
export interface Http3View {
  readonly http3: {
    readonly address: Quoted<"address">;
    readonly isV6: boolean;
    readonly tls: TlsView;
    /** What answers of rules tell of it, which backends write (`http.hbs`). */
    readonly altSvc: Quoted<"word">;
  } | null;
}

type Port = Pick<HttpPortIr, "address" | "port" | "http3" | "tls" | "passed">;

/** What a frontend says. */
export function http3View(listener: string, { address: ip, port, http3, tls }: Port): Http3View {
  if (http3 === null || tls === null) return { http3: null };
  return {
    http3: {
      address: address(ip, port),
      isV6: ip.includes(":"),
      tls: tlsViewOf(quicList(listener), tls.unknown === null, askedBy({ kind: "http", tls, passed: null })),
      altSvc: word(altSvc(http3)),
    },
  };
}

/** The files of its own, by path. */
export function http3Files(listener: string, { http3, tls, passed }: Port): ReadonlyMap<string, string> {
  if (http3 === null || tls === null) return new Map();
  const passedNames =
    passed === null ? [] : [...passed.routes.flatMap((route) => route.serverNames), ...passed.refused];
  const ofQuic = { minVersion: "1.3", maxVersion: "1.3", cipherSuites: [], alpn: [HTTP3] } as const;
  const servers = tls.servers.map((server) => ({ ...server, ...ofQuic }));
  const unknown = tls.unknown === null ? null : { ...tls.unknown, ...ofQuic };
  const rejected = [...tls.rejected, ...passedNames];
  return new Map([[quicList(listener), certificateListText({ servers, unknown, rejected, scopes: tls.scopes })]]);
}

/** The list of certificates of QUIC. */
function quicList(listener: string): string {
  return certificateList(`${listener}.quic`);
}

/** Of `global` and `http.hbs`; null: nobody speaks it. */
export interface FleetHttp3View {
  readonly http3Limits: { readonly streams: Quoted<"number">; readonly idle: Quoted<"time"> } | null;
}

/** What a fleet says. Limits of a connection are those of HTTP/2. */
export function fleetHttp3View({ ports }: FleetIr): FleetHttp3View {
  const isSpoken = ports.some((port) => port.kind === "http" && port.http3 !== null);
  return { http3Limits: isSpoken ? { streams: number(HTTP2_STREAMS), idle: time(IDLE_MS) } : null };
}
