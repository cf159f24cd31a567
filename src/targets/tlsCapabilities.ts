/** Leaves of TLS that no target writes yet: an entry goes when a target has its own. */
import type { JsonValue } from "../ir/index.ts";
import type { Capabilities } from "./target.ts";

const CODE = "TLS-NOT-YET";
const notYet = { refused: "is not written for any proxy yet", code: CODE } as const;

/** Listeners inside TLS. */
export const tlsProtocol = {
  ...notYet,
  when: (value: JsonValue): boolean => value === "HTTPS" || value === "TLS",
} as const;

/** Their settings. */
export const tlsListenerCapabilities = {
  "listener.tls.mode": notYet,
  "listener.tls.certificates[]": notYet,
  "listener.tls.unknownServerName": notYet,
  "listener.tls.profile": notYet,
  "listener.tls.minVersion": notYet,
  "listener.tls.maxVersion": notYet,
  "listener.tls.cipherSuites[]": notYet,
  "listener.tls.alpn[]": notYet,
  "listener.tls.clientAuthentication.mode": notYet,
  "listener.tls.clientAuthentication.authorities[]": notYet,
  "listener.tls.clientAuthentication.forward": notYet,
} as const satisfies Partial<Capabilities>;

/** TLS to endpoints. */
export const tlsClusterCapabilities = {
  "cluster.tls.serverName": notYet,
  "cluster.tls.authority": notYet,
  "cluster.tls.subjectAltNames[]": notYet,
  "cluster.tls.clientCertificate": notYet,
  "cluster.tls.minVersion": notYet,
  "cluster.tls.maxVersion": notYet,
  "cluster.tls.insecure": notYet,
} as const satisfies Partial<Capabilities>;

/** What TLS is made with. */
export const certificateCapabilities = {
  "certificate.name": notYet,
  "certificate.labels": notYet,
  "certificate.description": notYet,
  "certificate.chain": notYet,
  "certificate.privateKey": notYet,
  "authority.name": notYet,
  "authority.labels": notYet,
  "authority.description": notYet,
  "authority.bundle": notYet,
  "authority.crl": notYet,
} as const satisfies Partial<Capabilities>;
