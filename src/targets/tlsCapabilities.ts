/** What every target says of TLS. */
import type { Capabilities } from "./target.ts";

/** Their settings. */
export const tlsListenerCapabilities = {
  "listener.tls.mode": "exact",
  "listener.tls.certificates[]": "exact",
  "listener.tls.unknownServerName": "exact",
  "listener.tls.profile": "exact",
  "listener.tls.minVersion": "exact",
  "listener.tls.maxVersion": "exact",
  "listener.tls.cipherSuites[]": "exact",
  "listener.tls.alpn[]": "exact",
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
