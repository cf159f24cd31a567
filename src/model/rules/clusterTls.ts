import { isIP } from "node:net";
import { type OwnRule, problem, touchedOf, warning } from "./rule.ts";

const CODE = "MODEL-TLS";
const UNVERIFIED = "MODEL-TLS-INSECURE";

/** Whom an endpoint's certificate is to name has to be known, and nothing is verified where `insecure` is written. */
export const clusterTls: OwnRule = function* (_snapshot, touched) {
  for (const cluster of touchedOf(touched, "cluster")) {
    const { tls } = cluster.body;
    if (tls === undefined) continue;
    const at = (pointer: string, message: string) => problem(CODE, cluster, { pointer: `/tls${pointer}`, message });
    const { insecure = false, serverName, subjectAltNames = [], minVersion = "1.2", maxVersion = "1.3" } = tls;
    if (!insecure && serverName === undefined && subjectAltNames.length === 0)
      yield at("", "needs `serverName`: the name that endpoints are asked for, and that their certificates have");
    if (serverName !== undefined && isIP(serverName) !== 0)
      yield at("/serverName", "is an address; TLS asks for names, and certificates of endpoints have to have one");
    for (const [index, name] of subjectAltNames.entries())
      if (isIP(name) !== 0) yield at(`/subjectAltNames/${index}`, "is an address; names are compared, and URIs");
    if (insecure)
      yield warning(UNVERIFIED, cluster, {
        pointer: "/tls/insecure",
        message: "endpoints' certificates are not looked at: anybody in between can read and change what is sent",
      });
    for (const field of ["authority", "subjectAltNames"] as const) {
      if (insecure && tls[field] !== undefined)
        yield at(`/${field}`, "with `insecure: true` no certificate is looked at; remove one of the two");
    }
    if (minVersion > maxVersion) yield at("/maxVersion", `is older than the oldest version, ${minVersion}`);
  }
};
