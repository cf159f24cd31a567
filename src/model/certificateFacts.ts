/** What the certificates of a resource say, read once for each resource. */
import type { Resource } from "./types.ts";
import { type CertificateFacts, type Certificates, readBundle, readChain } from "./x509.ts";

const facts = new WeakMap<Resource, Certificates>();

/** The chain of a certificate, or an authority's bundle. */
export function certificatesOf(resource: Resource<"certificate"> | Resource<"authority">): Certificates {
  const known = facts.get(resource);
  if (known !== undefined) return known;
  const read =
    resource.kind === "certificate"
      ? readChain((resource as Resource<"certificate">).body.chain)
      : readBundle((resource as Resource<"authority">).body.bundle);
  facts.set(resource, read);
  return read;
}

/** When the first of them ends (RFC 3339, UTC), and with it the whole. Null: there is none. */
export function firstEnd(certificates: readonly CertificateFacts[]): string | null {
  return certificates.map(({ notAfter }) => notAfter).sort()[0] ?? null;
}
