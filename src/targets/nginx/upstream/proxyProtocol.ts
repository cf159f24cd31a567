/** The PROXY header with which connections to endpoints begin: nginx says so of a TCP port, not of an upstream group. */
import { type FleetIr, type PortIr, type ProxyVersion, passedBy, type SplitIr } from "../../../ir/index.ts";
import { type Finding, foundByInspection, type Support, type Version } from "../../target.ts";
import { isBefore } from "../../version.ts";

const V2_SINCE: Version = [1, 31, 4];

const v2Since = {
  refused: "`v2` needs nginx 1.31.4: set the fleet's `version` if it is newer, or take v1",
  code: "PP-V2-NGINX",
  when: (value: unknown, version: Version) => value === "v2" && isBefore(version, V2_SINCE),
} as const satisfies Support;

const overHttp = {
  refused: "cannot be done for HTTP: nginx sends no PROXY header with requests; endpoints have X-Forwarded-For",
  code: "PP-HTTP-NGINX",
  when: foundByInspection,
} as const satisfies Support;

const mixed = {
  refused: "differs among the clusters of one TCP port: nginx has one header for all of them",
  code: "PP-SPLIT-NGINX",
  when: foundByInspection,
} as const satisfies Support;

/** What nginx says of `proxyProtocol` of clusters. */
export const proxyProtocolCapabilities = {
  "cluster.proxyProtocol": [v2Since, overHttp, mixed],
} as const satisfies Readonly<Record<string, Support>>;

/** Errors about clusters whose header nginx cannot send. */
export function inspectProxyProtocol({ clusters, ports }: FleetIr): readonly Finding[] {
  const sent = new Map(
    clusters.flatMap(({ name, proxyProtocol }) => (proxyProtocol === null ? [] : [[name, proxyProtocol] as const])),
  );
  // Rules are looked at for these only.
  if (sent.size === 0) return [];
  const at = (name: string, { code, refused }: { readonly code: string; readonly refused: string }): Finding => ({
    code,
    severity: "error",
    message: `cluster ${name}: \`proxyProtocol\` ${refused}`,
    resource: { kind: "cluster", name },
    pointer: "/proxyProtocol",
  });
  const found = new Map<string, Finding>();
  for (const port of ports) {
    const own = clustersOf(port).filter((name) => sent.has(name));
    if (port.kind === "http") for (const name of own) found.set(`${name} http`, at(name, overHttp));
    for (const passed of passedBy(port)) {
      if (!isMixed(passed.split, sent)) continue;
      for (const name of own) if (namesIn(passed.split).includes(name)) found.set(`${name} tcp`, at(name, mixed));
    }
  }
  return [...found.values()];
}

function isMixed(split: SplitIr, sent: ReadonlyMap<string, ProxyVersion>): boolean {
  return new Set(split.map(({ cluster }) => sent.get(cluster))).size > 1;
}

function namesIn(split: SplitIr): readonly string[] {
  return split.map(({ cluster }) => cluster);
}

function clustersOf(port: PortIr): readonly string[] {
  if (port.kind === "udp") return namesIn(port.split);
  if (port.kind !== "http") return passedBy(port).flatMap(({ split }) => namesIn(split));
  const splits = port.virtualHosts.flatMap(({ rules }) =>
    rules.flatMap(({ action }) => (action.kind === "forward" ? action.split : [])),
  );
  return [...new Set(splits.map(({ cluster }) => cluster))];
}
