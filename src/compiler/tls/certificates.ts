/** Certificates and authorities in one form, however their documents are written. */
import type { AuthorityIr, CertificateIr } from "../../ir/index.ts";
import { certificateFacts, type Resource, type Snapshot } from "../../model/index.ts";
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
  const { chain, privateKey } = certificate.body;
  // What is no certificate is refused when it is written.
  const { serverNames, keyType } = certificateFacts(chain) ?? { serverNames: [], keyType: "rsa" };
  const ir: CertificateIr = Object.freeze({
    name: certificate.name,
    chain: pemBlocks(chain),
    privateKey: pemBlocks(privateKey),
    serverNames,
    keyType,
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
  const { bundle, crl = null } = authority.body;
  const ir: AuthorityIr = Object.freeze({
    name: authority.name,
    bundle: pemBlocks(bundle),
    crl: crl === null ? null : pemBlocks(crl),
  });
  authorities.set(authority, ir);
  return ir;
}

const BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----[^-]*-----END \1-----/g;

/** The blocks without what stands around them, or the text itself when it has none, as a reference of a secret has not. */
function pemBlocks(text: string): string {
  const blocks = text.replace(/\r\n?/g, "\n").match(BLOCK) ?? [text];
  return blocks.map((block) => `${block.replace(/[ \t]+$/gm, "").trim()}\n`).join("");
}
