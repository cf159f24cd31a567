/** What the certificates of a resource say: read once for each resource, and once for what is written again, as after a plan. */
import { createRecent } from "../util/recent.ts";
import type { Resource } from "./types.ts";
import { type CertificateFacts, type Certificates, readBundle, readChain } from "./x509.ts";

const facts = new WeakMap<Resource, Certificates>();
/** A thousand chains of usual length, or a bundle of all that systems trust. */
const MAX_RECENT_BYTES = 8 * 1024 * 1024;
/** Of what is said of a text, as a multiple of it: the same PEM once more, names and hashes. */
const FACTS_FACTOR = 3;
const recent = createRecent<Certificates>(MAX_RECENT_BYTES);

/** The chain of a certificate, or an authority's bundle. */
export function certificatesOf(resource: Resource<"certificate"> | Resource<"authority">): Certificates {
  const known = facts.get(resource);
  if (known !== undefined) return known;
  const read =
    resource.kind === "certificate"
      ? readOf("chain", (resource as Resource<"certificate">).body.chain)
      : readOf("bundle", (resource as Resource<"authority">).body.bundle);
  facts.set(resource, read);
  return read;
}

function readOf(as: "chain" | "bundle", text: string): Certificates {
  const key = `${as} ${text}`;
  const known = recent.get(key);
  if (known !== undefined) return known;
  const read = as === "chain" ? readChain(text) : readBundle(text);
  // What is read there and not given on would stay with it.
  const { certificates, problems } = read;
  const kept = { certificates, problems };
  recent.set(key, kept, text.length * FACTS_FACTOR);
  return kept;
}

/** When the first of them ends (RFC 3339, UTC), and with it the whole. Null: there is none. */
export function firstEnd(certificates: readonly CertificateFacts[]): string | null {
  return certificates.map(({ notAfter }) => notAfter).sort()[0] ?? null;
}
