/** TLS to a cluster's endpoints. */
import { defaults } from "../../gen/defaults.ts";
import type { CertificateNameIr, ClusterTlsIr, VerificationIr } from "../../ir/index.ts";
import type { Cluster, Resource } from "../../model/index.ts";

const DEFAULTS = {
  insecure: defaults["cluster.tls.insecure"],
  minVersion: defaults["cluster.tls.minVersion"],
  maxVersion: defaults["cluster.tls.maxVersion"],
};

/** What a cluster says of it, defaults filled in; null: endpoints are reached in the clear. */
export function clusterTlsOf({ tls }: Cluster, authority: Resource<"authority"> | undefined): ClusterTlsIr | null {
  if (tls === undefined) return null;
  const { insecure, minVersion, maxVersion, clientCertificate = null } = { ...DEFAULTS, ...tls };
  const serverName = tls.serverName?.toLowerCase() ?? null;
  const names = Object.freeze((tls.subjectAltNames ?? (serverName === null ? [] : [serverName])).map(nameOf));
  const verification = insecure ? null : Object.freeze({ names, authority: trustedBy(authority) });
  return Object.freeze({ serverName, verification, clientCertificate, minVersion, maxVersion });
}

/** A URI has a scheme. */
function nameOf(name: string): CertificateNameIr {
  return Object.freeze(
    name.includes("://") ? { kind: "uri" as const, value: name } : { kind: "dns" as const, value: name.toLowerCase() },
  );
}

function trustedBy(authority: Resource<"authority"> | undefined): VerificationIr["authority"] {
  if (authority === undefined) return null;
  return Object.freeze({ name: authority.name, revokes: authority.body.crl !== undefined });
}
