/** Gives PROXY headers to clusters that can have them: on nginx those that one TCP listener reaches and nobody else. */
import type { Document, Item } from "./names.ts";

/** What TCP alone reaches where nginx is told to send headers. */
const APART = "three";
/** In its place. */
const OTHER = "one";

interface Share {
  cluster: string;
}

/** Changes the document. */
export function mendProxyProtocol({ fleets = [], clusters = [], routes = [] }: Document): void {
  const ofTcp = routes.filter(({ protocol, rules }) => protocol === "tcp" && sharesOf(rules).length > 0);
  const isOfNginx = fleets.some(({ proxy }) => proxy === "nginx");
  const isAsked = clusters.some(({ proxyProtocol }) => proxyProtocol !== undefined) && ofTcp.length > 0;
  for (const route of routes) {
    // A packet is no connection that could begin with one.
    if (route.protocol === "udp") for (const { cluster } of sharesOf(route.rules)) without(clusters, cluster);
    else if (isOfNginx && isAsked && route.protocol !== "tcp" && route.protocol !== "tls")
      for (const share of sharesOf(route.rules)) if (share.cluster === APART) share.cluster = OTHER;
  }
  if (!isOfNginx) return;
  for (const cluster of clusters) {
    delete cluster.proxyProtocol;
    if (isAsked && cluster.name === APART) cluster.proxyProtocol = "v1";
  }
  if (isAsked) for (const route of ofTcp) route.rules = [{ split: [{ cluster: APART }] }];
}

function without(clusters: readonly Item[], name: string): void {
  for (const cluster of clusters) if (cluster.name === name) delete cluster.proxyProtocol;
}

function sharesOf(rules: unknown): Share[] {
  return (rules as { split?: Share[] }[]).flatMap(({ split = [] }) => split);
}
