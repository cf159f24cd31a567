/** Fits TLS of clusters to itself, and to who reaches them. */
import type { Document, Item } from "./names.ts";

interface Tls {
  serverName?: string;
  subjectAltNames?: string[];
  authority?: string;
  minVersion?: string;
  maxVersion?: string;
  insecure?: boolean;
}

/**
 * Who is verified has a name, one of two kinds, and versions leave something to agree on. There is none for UDP, nor, on every proxy,
 * in a split of TCP. Changes the document.
 */
export function mendClusterTls({ clusters = [], routes = [] }: Document): void {
  for (const cluster of clusters) {
    const tls = cluster.tls as Tls | undefined;
    if (tls === undefined) continue;
    if (isReachedByOthers(cluster.name, routes)) {
      delete cluster.tls;
      continue;
    }
    if (tls.insecure === true) {
      delete tls.authority;
      delete tls.subjectAltNames;
    } else if (tls.subjectAltNames !== undefined) delete tls.serverName;
    else tls.serverName ??= "a.example.com";
    if (tls.minVersion === "1.3" && tls.maxVersion === "1.2") delete tls.maxVersion;
  }
}

interface RuleOfRoute {
  readonly split?: readonly { readonly cluster: string }[];
}

function isReachedByOthers(cluster: string, routes: readonly Item[]): boolean {
  return routes.some(
    ({ protocol, rules }) =>
      ["tcp", "tls", "udp"].includes(protocol as string) &&
      (rules as RuleOfRoute[]).some(({ split = [] }) => split.some((share) => share.cluster === cluster)),
  );
}
