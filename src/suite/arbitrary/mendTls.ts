/** Fits a listener's TLS to its protocol, and its parts to each other. */
import type { Document } from "./names.ts";

interface Tls {
  profile?: string;
  minVersion?: string;
  maxVersion?: string;
  cipherSuites?: unknown;
  clientAuthentication?: { authorities: readonly string[] };
}

/**
 * Only HTTPS listeners have TLS; of several authorities all revoke or none does; versions leave something to agree on, and suites are
 * those of TLS 1.2. Changes the document.
 */
export function mendTls({ listeners = [], authorities = [] }: Document): void {
  const revoking = new Set(authorities.filter(({ crl }) => crl !== undefined).map(({ name }) => name));
  for (const listener of listeners) {
    if (listener.protocol !== "HTTPS") {
      delete listener.tls;
      continue;
    }
    const tls = listener.tls as Tls | undefined;
    if (tls === undefined) continue;
    const asked = tls.clientAuthentication;
    const [first = ""] = asked?.authorities ?? [];
    if (asked !== undefined)
      asked.authorities = asked.authorities.filter((name) => revoking.has(name) === revoking.has(first));
    const oldest = tls.profile === "modern" ? "1.3" : (tls.minVersion ?? "1.2");
    if (tls.profile === "modern" && tls.minVersion === "1.2") delete tls.minVersion;
    if (oldest === "1.3" && tls.maxVersion === "1.2") delete tls.maxVersion;
    if (oldest === "1.3") delete tls.cipherSuites;
  }
}
