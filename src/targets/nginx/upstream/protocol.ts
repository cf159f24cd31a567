/** What endpoints speak: HTTP/2 with them is of newer versions, and a location says so, not an upstream group. */
import { type ClusterIr, type FleetIr, REASON_BODIES } from "../../../ir/index.ts";
import { type Finding, foundByInspection, type Support, type Version } from "../../target.ts";
import { isBefore, parseVersion } from "../../version.ts";
import { block } from "../blocks.ts";
import { param } from "../quote.ts";
import { DEFAULT_VERSION } from "../version.ts";
import type { Block } from "../views.ts";

const HTTP2_SINCE: Version = [1, 29, 4];

/** Of the clusters that requests are forwarded to; TCP listeners pass any protocol. */
const http2Since = {
  refused: "`http2` needs nginx 1.29.4: set the fleet's `version` if it is newer",
  code: "L7-H2-UPSTREAM-NGINX",
  when: foundByInspection,
} as const satisfies Support;

/** What nginx says of `protocol` of clusters. */
export const protocolCapabilities = {
  "cluster.protocol": http2Since,
} as const satisfies Readonly<Record<string, Support>>;

/** Names of clusters. */
export type Http2Clusters = ReadonlySet<string>;

/** Those of a fleet that speak HTTP/2. */
export function http2Clusters(clusters: readonly ClusterIr[]): Http2Clusters {
  return new Set(clusters.filter(({ protocol }) => protocol === "http2").map(({ name }) => name));
}

const LINES: readonly Block[] = [block("http2Upstream", { forbidden: param(REASON_BODIES[403] as string) })];
const NONE: readonly Block[] = [];

/** What a location says that forwards to the cluster. */
export function protocolLines(cluster: string, http2: Http2Clusters): readonly Block[] {
  return http2.has(cluster) ? LINES : NONE;
}

/** Errors about clusters that an older nginx cannot reach. */
export function inspectProtocol({ version, clusters, ports }: FleetIr): readonly Finding[] {
  const http2 = http2Clusters(clusters);
  // Rules are looked at for these only.
  if (http2.size === 0) return [];
  if (!isBefore(version === null ? DEFAULT_VERSION : parseVersion(version), HTTP2_SINCE)) return [];
  const found = new Set<string>();
  for (const port of ports) {
    if (port.kind !== "http") continue;
    for (const { action, protocol } of port.virtualHosts.flatMap(({ rules }) => rules)) {
      // Calls of gRPC have always been forwarded over HTTP/2.
      if (action.kind !== "forward" || protocol === "grpc") continue;
      for (const { cluster } of action.split) if (http2.has(cluster)) found.add(cluster);
    }
  }
  const { code, refused } = http2Since;
  return [...found].sort().map((name) => ({
    code,
    severity: "error" as const,
    message: `cluster ${name}: \`protocol\` ${refused}`,
    resource: { kind: "cluster" as const, name },
    pointer: "/protocol",
  }));
}
