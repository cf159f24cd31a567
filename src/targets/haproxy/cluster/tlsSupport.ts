/** What HAProxy says of TLS to endpoints; `tls.ts` writes it. */
import { clusterTlsCapabilities as shared } from "../../clusterTls.ts";
import type { Capabilities, Support } from "../../target.ts";

const subjectToo = {
  approximated: "is also found in the CN of a certificate, whatever other names it has",
  code: "TLS-SUBJECT-CN",
} as const satisfies Support;

/** What HAProxy says of its leaves. */
export const clusterTlsCapabilities = {
  ...shared,
  "cluster.tls.serverName": [...shared["cluster.tls.serverName"], subjectToo],
} as const satisfies Partial<Capabilities>;
