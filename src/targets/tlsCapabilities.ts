/** Leaves of TLS that no target writes yet: an entry goes when a target has its own. */
import type { JsonValue } from "../ir/index.ts";
import type { Capabilities } from "./target.ts";

const CODE = "TLS-NOT-YET";
const notYet = { refused: "is not written for any proxy yet", code: CODE } as const;

/** Listeners that are routed by server name. */
export const tlsProtocol = {
  ...notYet,
  when: (value: JsonValue): boolean => value === "TLS",
} as const;

/** Their settings. */
export const tlsListenerCapabilities = {
  "listener.tls.mode": "exact",
  "listener.tls.certificates[]": "exact",
  "listener.tls.unknownServerName": "exact",
  "listener.tls.profile": "exact",
  "listener.tls.minVersion": "exact",
  "listener.tls.maxVersion": "exact",
  "listener.tls.cipherSuites[]": "exact",
  "listener.tls.alpn[]": notYet,
  "listener.tls.clientAuthentication.mode": "exact",
  "listener.tls.clientAuthentication.authorities[]": "exact",
  "listener.tls.clientAuthentication.forward": "exact",
} as const satisfies Partial<Capabilities>;

/** What TLS is made with. */
export const certificateCapabilities = {
  "certificate.name": "exact",
  "certificate.labels": "exact",
  "certificate.description": "exact",
  "certificate.chain": "exact",
  "certificate.privateKey": "exact",
  "authority.name": "exact",
  "authority.labels": "exact",
  "authority.description": "exact",
  "authority.bundle": "exact",
  "authority.crl": "exact",
} as const satisfies Partial<Capabilities>;
