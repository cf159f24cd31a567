/** Connections of probes, in the clear or inside TLS, where they verify as the proxy's do. */
import { X509Certificate } from "node:crypto";
import { connect, isIPv6, type Socket } from "node:net";
import { type SecureContext, connect as secureConnect } from "node:tls";
import type { ProbedEndpoint, ProbedTls } from "../../ir/index.ts";

/** How a cluster's endpoints are reached inside TLS. Two that mean the same are one object. */
export interface EndpointTls extends Pick<ProbedTls, "serverName"> {
  /** The name that a certificate has to have; null: nothing is verified. */
  readonly verifiedName: string | null;
  readonly material: TlsMaterial;
}

/** Whom it trusts and what it shows. */
export interface TlsMaterial {
  /** Of equal content. */
  readonly key: string;
  /** Made at the first probe. Throws where a file cannot be had or read. */
  readonly context: () => SecureContext;
}

/** The protocol that is asked for beside HTTP/1.1 and others, which are not asked for. */
const H2 = "h2";

/** What a certificate says is in no message: endpoints write it. */
const OTHER_NAME = "ERR_TLS_CERT_ALTNAME_INVALID";

/** A connection of its own; `ready` is the event after which both sides can speak. */
export function dial(
  { address, port }: ProbedEndpoint,
  tls: EndpointTls | null,
  isHttp2 = false,
): { readonly socket: Socket; readonly ready: "connect" | "secureConnect" } {
  const to = { host: address, port };
  if (tls === null) return { socket: connect(to), ready: "connect" };
  const { serverName, verifiedName, material } = tls;
  const socket = secureConnect({
    ...to,
    secureContext: material.context(),
    // Nothing is asked for where it is empty; left off, the address might be.
    servername: serverName ?? "",
    ALPNProtocols: isHttp2 ? [H2] : [],
    rejectUnauthorized: verifiedName !== null,
    checkServerIdentity: (_, { raw }) => (verifiedName === null ? undefined : compare(verifiedName, raw)),
  });
  return { socket, ready: "secureConnect" };
}

/** As nginx does it, by the same function of OpenSSL. */
function compare(name: string, certificate: Buffer): Error | undefined {
  if (new X509Certificate(certificate).checkHost(name) !== undefined) return undefined;
  return Object.assign(new Error("another name"), { code: OTHER_NAME });
}

/** Where HTTP/2 is spoken. */
export function authorityOf({ address, port }: ProbedEndpoint, tls: EndpointTls | null): string {
  return `${tls === null ? "http" : "https"}://${isIPv6(address) ? `[${address}]` : address}:${port}`;
}
