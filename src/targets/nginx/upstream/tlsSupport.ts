/** What nginx says of TLS to endpoints; `tls.ts` writes it. */
import { type FleetIr, passedBy } from "../../../ir/index.ts";
import {
  clusterTlsFinding,
  inspectNames,
  inspectClusterTls as inspectShared,
  isDnsName,
  otherNames,
  clusterTlsCapabilities as shared,
} from "../../clusterTls.ts";
import { type Capabilities, type Finding, foundByInspection, type Support } from "../../target.ts";

const subjectToo = {
  approximated: "is also found in the CN of a certificate that has no DNS names",
  code: "TLS-SUBJECT-CN",
  when: isDnsName,
} as const satisfies Support;

const mixed = {
  refused: "differs among the clusters of one TCP port, and nginx has one TLS for all of them; give each a listener",
  code: "TLS-SPLIT-NGINX",
  when: foundByInspection,
} as const satisfies Support;

/** What nginx says of its leaves. */
export const clusterTlsCapabilities = {
  ...shared,
  "cluster.tls.serverName": [...shared["cluster.tls.serverName"], subjectToo, mixed],
  "cluster.tls.subjectAltNames[]": [otherNames, subjectToo],
  "cluster.tls.insecure": [...shared["cluster.tls.insecure"], mixed],
} as const satisfies Partial<Capabilities>;

/** Errors about clusters whose TLS nginx cannot make. */
export function inspectClusterTls(ir: FleetIr): readonly Finding[] {
  const secured = new Map(
    ir.clusters.flatMap((cluster) => (cluster.tls === null ? [] : [[cluster.name, cluster] as const])),
  );
  if (secured.size === 0) return [];
  const found = new Map<string, Finding>();
  for (const { split } of ir.ports.flatMap(passedBy)) {
    const kinds = new Set(split.map(({ cluster }) => JSON.stringify(secured.get(cluster)?.tls ?? null)));
    if (kinds.size < 2) continue;
    for (const { cluster } of split) {
      if (secured.has(cluster)) found.set(cluster, clusterTlsFinding(cluster, mixed));
    }
  }
  return [...inspectShared(ir), ...inspectNames(ir.clusters), ...found.values()];
}
