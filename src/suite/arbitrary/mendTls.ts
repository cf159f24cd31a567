/** Fits a listener's TLS to its protocol, and its parts to each other; and routes of TLS to their listeners. */
import type { Document, Item } from "./names.ts";

interface Tls {
  mode?: string;
  profile?: string;
  minVersion?: string;
  maxVersion?: string;
  cipherSuites?: unknown;
  alpn?: unknown;
  clientAuthentication?: { authorities: readonly string[]; forward?: string };
}

/**
 * Only HTTPS and TLS listeners have TLS, and only these pass it through; of several authorities all revoke or none does; versions leave
 * something to agree on, and suites are those of TLS 1.2. Changes the document.
 */
export function mendTls({ listeners = [], routes = [], authorities = [] }: Document): void {
  const revoking = new Set(authorities.filter(({ crl }) => crl !== undefined).map(({ name }) => name));
  for (const listener of listeners) {
    const tls = listener.tls as Tls | undefined;
    if (listener.protocol === "TLS") mendProtocol(listener, listeners);
    else if (listener.protocol !== "HTTPS") delete listener.tls;
    else if (tls !== undefined) {
      delete tls.alpn;
      if (tls.mode !== undefined) tls.mode = "terminate";
    }
    if (tls === undefined) continue;
    mendVersions(tls);
    const asked = tls.clientAuthentication;
    const [first = ""] = asked?.authorities ?? [];
    if (asked !== undefined)
      asked.authorities = asked.authorities.filter((name) => revoking.has(name) === revoking.has(first));
  }
  for (const route of routes) if (route.protocol === "tls") passBytes(route);
}

/** Those that share a port have the same idle timeout. */
function mendProtocol(listener: Item, listeners: readonly Item[]): void {
  const first = listeners.find(({ protocol, port }) => protocol === "TLS" && port === listener.port);
  delete listener.idleTimeout;
  if (first?.idleTimeout !== undefined) listener.idleTimeout = first.idleTimeout;
  // There are no requests with fields.
  delete (listener.tls as Tls | undefined)?.clientAuthentication?.forward;
  if ((listener.tls as Tls | undefined)?.mode === "passthrough") listener.tls = { mode: "passthrough" };
}

function mendVersions(tls: Tls): void {
  const oldest = tls.profile === "modern" ? "1.3" : (tls.minVersion ?? "1.2");
  if (tls.profile === "modern" && tls.minVersion === "1.2") delete tls.minVersion;
  if (oldest === "1.3" && tls.maxVersion === "1.2") delete tls.maxVersion;
  if (oldest === "1.3") delete tls.cipherSuites;
}

/** What only bytes go to: what others reach may have more to show. */
const CLUSTERS = ["bytes", "empty"];

function passBytes(route: Item): void {
  const { split = [{}] } = (route.rules as { split?: object[] }[]).find((rule) => rule.split !== undefined) ?? {};
  const shares = split.slice(0, CLUSTERS.length).map((share, index) => ({ ...share, cluster: CLUSTERS[index] }));
  route.rules = [{ split: shares }];
}
