/** What HAProxy says of TLS to endpoints; `tls.ts` writes it. */

import type { FleetIr } from "../../../ir/index.ts";
import {
  inspectNames,
  inspectClusterTls as inspectShared,
  isDnsName,
  otherNames,
  clusterTlsCapabilities as shared,
} from "../../clusterTls.ts";
import type { Capabilities, Finding, Support } from "../../target.ts";

const subjectToo = {
  approximated: "is also found in the CN of a certificate, whatever other names it has",
  code: "TLS-SUBJECT-CN",
  when: isDnsName,
} as const satisfies Support;

/** What HAProxy says of its leaves. */
export const clusterTlsCapabilities = {
  ...shared,
  "cluster.tls.serverName": [...shared["cluster.tls.serverName"], subjectToo],
  "cluster.tls.subjectAltNames[]": [otherNames, subjectToo],
} as const satisfies Partial<Capabilities>;

/** Errors about clusters whose TLS HAProxy cannot make. */
export function inspectClusterTls(ir: FleetIr): readonly Finding[] {
  return [...inspectShared(ir), ...inspectNames(ir.clusters)];
}
