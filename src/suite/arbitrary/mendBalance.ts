/** Fits how clusters are balanced to what they are used for: keys go with policy hash, and clusters of one split have one key. */
import type { Document, Item } from "./names.ts";

interface Hash {
  by: string;
  name?: string;
  boundedLoad?: number;
}

/** A name that headers, cookies and query parameters can have. */
const NAME = "k";
/** Policies with which every proxy has backups. */
export const WITH_BACKUPS = ["roundRobin", "leastRequest"];

/** All clusters that hash get the key of the first; where one of them is for TCP or UDP, that is the source. Changes the document. */
export function mendBalance({ clusters = [], routes = [] }: Document): void {
  const hashes = new Map<string, Hash>();
  const ofProtocol = (name: string) => routes.filter(({ protocol }) => protocol === name).flatMap(clustersOf);
  const ofUdp = ofProtocol("udp");
  for (const cluster of clusters) {
    const balance = cluster.balance as { policy: string; hash?: Hash } | undefined;
    // nginx has no backups with the others, and none for sessions.
    if (!WITH_BACKUPS.includes(balance?.policy ?? "roundRobin") || ofUdp.includes(cluster.name))
      for (const endpoint of cluster.endpoints as { priority?: number }[]) delete endpoint.priority;
    if (balance === undefined) continue;
    // Envoy's draws know no weights.
    if (balance.policy === "random") {
      delete cluster.locality;
      for (const endpoint of cluster.endpoints as { weight?: number }[]) delete endpoint.weight;
    }
    // These have no shares that could grow.
    if (["hash", "random"].includes(balance.policy)) delete cluster.slowStart;
    if (balance.policy !== "hash") delete balance.hash;
    else {
      balance.hash ??= { by: "source" };
      hashes.set(cluster.name, balance.hash);
    }
  }
  const isForBytes = [...ofProtocol("tcp"), ...ofProtocol("tls"), ...ofUdp].some((name) => hashes.has(name));
  const [first] = hashes.values();
  if (first === undefined) return;
  const by = isForBytes ? "source" : first.by;
  const hasName = by !== "source" && by !== "path";
  const name = first.name ?? NAME;
  for (const hash of hashes.values()) {
    hash.by = by;
    delete hash.name;
    if (hasName) hash.name = name;
    if (isForBytes) delete hash.boundedLoad;
  }
}

function clustersOf({ rules }: Item): string[] {
  return (rules as { split?: { cluster: string }[] }[]).flatMap(({ split = [] }) =>
    split.map(({ cluster }) => cluster),
  );
}
