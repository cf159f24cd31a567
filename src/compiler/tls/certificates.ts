/** Certificates and authorities in one form, however their documents are written. */
import type { AuthorityIr, CertificateIr } from "../../ir/index.ts";
import { certificatesOf, type Resource, type Snapshot } from "../../model/index.ts";
import type { Steps } from "../../util/steps.ts";
import type { CompilerMemory } from "../memory.ts";

/** One is read in 0.1 ms. */
const READ_PER_STEP = 8;

/** Those of these names, in their order. */
export function* certificatesNamed(
  names: readonly string[],
  snapshot: Snapshot,
  memory: Pick<CompilerMemory, "certificates">,
): Steps<readonly CertificateIr[]> {
  const found: CertificateIr[] = [];
  for (const [index, name] of names.entries()) {
    const certificate = snapshot.certificate.get(name);
    if (certificate === undefined)
      throw new Error(`certificate ${name} is referred to but missing: the model's rules did not run`);
    found.push(certificateIr(certificate, memory));
    if (index % READ_PER_STEP === READ_PER_STEP - 1) yield;
  }
  return found;
}

/** A certificate is read once for each version of its document. */
function certificateIr(
  certificate: Resource<"certificate">,
  { certificates }: Pick<CompilerMemory, "certificates">,
): CertificateIr {
  const known = certificates.get(certificate);
  if (known !== undefined) return known;
  const { certificates: chain } = certificatesOf(certificate);
  const [leaf] = chain;
  if (leaf === undefined) throw new Error(`certificate ${certificate.name} is none: the model's rules did not run`);
  const ir: CertificateIr = Object.freeze({
    name: certificate.name,
    chain: chain.map(({ pem }) => pem).join(""),
    privateKey: ended(certificate.body.privateKey.replace(/\r\n?/g, "\n")),
    serverNames: leaf.serverNames,
    keyType: leaf.keyType,
  });
  certificates.set(certificate, ir);
  return ir;
}

/** Made once for each version of its document. */
export function authorityIr(
  authority: Resource<"authority">,
  { authorities }: Pick<CompilerMemory, "authorities">,
): AuthorityIr {
  const known = authorities.get(authority);
  if (known !== undefined) return known;
  const { crl = null } = authority.body;
  const ir: AuthorityIr = Object.freeze({
    name: authority.name,
    bundle: certificatesOf(authority)
      .certificates.map(({ pem }) => pem)
      .join(""),
    crl: crl === null ? null : ended(crl.replace(/\r\n?/g, "\n")),
  });
  authorities.set(authority, ir);
  return ir;
}

/** With one line break at its end. */
function ended(text: string): string {
  return `${text.trim()}\n`;
}
