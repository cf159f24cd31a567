/**
 * The key by which requests are hashed: Envoy asks the route for it, not the cluster. So what is written of a rule depends on its
 * clusters' keys, and route tables are kept for each set of keys.
 */
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { RouteAction_HashPolicySchema } from "../../gen/proto/envoy/config/route/v3/route_components_pb.js";
import type { ClusterIr, KeyIr, SplitIr } from "../../ir/index.ts";
import { type AffinityCookies, affinityCookiesOf } from "./affinity.ts";

/** Keys by cluster; those that do not hash have none. */
export type HashKeys = ReadonlyMap<string, KeyIr>;

/** What the fleet's clusters are hashed by. */
export function hashKeysOf(clusters: readonly ClusterIr[]): HashKeys {
  const keys = new Map<string, KeyIr>();
  for (const { name, balance } of clusters) if (balance.policy === "hash") keys.set(name, balance.key);
  return keys;
}

function http2ClustersOf(clusters: readonly ClusterIr[]): ReadonlySet<string> {
  return new Set(clusters.filter(({ protocol }) => protocol === "http2").map(({ name }) => name));
}

/** What routes have to say for the clusters that they lead to. */
export interface RouteKeys {
  readonly hashKeys: HashKeys;
  readonly cookies: AffinityCookies;
  /** Names of those that speak HTTP/2. */
  readonly http2: ReadonlySet<string>;
}

/** What the fleet's clusters ask of routes. */
export function routeKeysOf(clusters: readonly ClusterIr[]): RouteKeys {
  return { hashKeys: hashKeysOf(clusters), cookies: affinityCookiesOf(clusters), http2: http2ClustersOf(clusters) };
}

/** Sets of keys whose tables are kept: of 16 fleets with clusters of their own, or of edits that are taken back. */
const MAX_SETS = 16;

/** `make`, remembered for each of the last sets of keys. */
export function memoByKeys<Result>(make: (keys: RouteKeys) => Result): (keys: RouteKeys) => Result {
  const known = new Map<string, Result>();
  return (keys) => {
    const text = JSON.stringify([[...keys.hashKeys], [...keys.cookies], [...keys.http2]]);
    const result = known.get(text) ?? make(keys);
    known.delete(text);
    known.set(text, result);
    const [oldest] = known.keys();
    if (known.size > MAX_SETS && oldest !== undefined) known.delete(oldest);
    return result;
  };
}

type HashPolicy = MessageInitShape<typeof RouteAction_HashPolicySchema>;

/** The key of a rule's clusters that hash: one for all (MODEL-BALANCE). Null: none does. */
export function hashPolicyOf(split: SplitIr, keys: HashKeys): HashPolicy | null {
  if (keys.size === 0) return null;
  const key = split.map(({ cluster }) => keys.get(cluster)).find((own) => own !== undefined);
  return key === undefined ? null : { policySpecifier: specifierOf(key) };
}

function specifierOf(key: KeyIr): NonNullable<HashPolicy["policySpecifier"]> {
  switch (key.kind) {
    case "source":
      return { case: "connectionProperties", value: { sourceIp: true } };
    case "header":
      return { case: "header", value: { headerName: key.name } };
    case "cookie":
      return { case: "cookie", value: { name: key.name } };
    case "query":
      return { case: "queryParameter", value: { name: key.name } };
    case "path":
      return {
        case: "header",
        value: { headerName: ":path", regexRewrite: { pattern: { regex: "\\?.*" }, substitution: "" } },
      };
  }
}
