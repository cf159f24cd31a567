import { certificatesOf } from "../certificateFacts.ts";
import { readPem } from "../pem.ts";
import { sealedPublicKey } from "../sealed.ts";
import { type OwnRule, problem, touchedOf } from "./rule.ts";

const CODE = "MODEL-CERTIFICATE";
/** One of each authority, and the deltas beside it. */
const MAX_LISTS = 512;

/** A chain is one that proxies take, its key is the first certificate's, and bundles hold authorities only. */
export const certificates: OwnRule = function* (_snapshot, touched) {
  for (const certificate of touchedOf(touched, "certificate")) {
    const { certificates: chain, problems } = certificatesOf(certificate);
    for (const message of problems) yield problem(CODE, certificate, { pointer: "/chain", message });
    yield undefined;
    const key = sealedPublicKey(certificate.body.privateKey);
    if (key === null || chain[0] === undefined || chain[0].publicKey === key) continue;
    const owner = chain.findIndex(({ publicKey }) => publicKey === key);
    const hint = owner < 0 ? "" : `; it is the key of certificate ${owner + 1}, and this has to come first`;
    const message = `is not the key of the chain's first certificate${hint}`;
    yield problem(CODE, certificate, { pointer: "/privateKey", message, related: { pointer: "/chain" } });
  }
  for (const authority of touchedOf(touched, "authority")) {
    for (const message of certificatesOf(authority).problems)
      yield problem(CODE, authority, { pointer: "/bundle", message });
    yield undefined;
    const message = authority.body.crl === undefined ? null : crlProblem(authority.body.crl);
    if (message !== null) yield problem(CODE, authority, { pointer: "/crl", message });
  }
};

const SEQUENCE = 0x30;

/** Node reads no revocation lists: their form is looked at, what they say the proxies' own checkers see. */
function crlProblem(text: string): string | null {
  const pem = readPem(text, MAX_LISTS);
  if ("problem" in pem) return pem.problem;
  for (const [index, { label, der }] of pem.blocks.entries()) {
    if (label.endsWith("PRIVATE KEY")) return `has a private key (block ${index + 1}): nobody needs it here`;
    if (label !== "X509 CRL") return `has a block that is no revocation list (block ${index + 1})`;
    if (der[0] !== SEQUENCE || !fillsSequence(der)) return `has a revocation list that is cut off (block ${index + 1})`;
  }
  return null;
}

/** Whether the length in front is the length that is there. */
function fillsSequence(der: Buffer): boolean {
  const first = der[1] ?? 0;
  const bytes = first < 0x80 ? 0 : first & 0x7f;
  if (bytes > 4 || der.length < 2 + bytes) return false;
  const length = bytes === 0 ? first : der.readUIntBE(2, bytes);
  return der.length === 2 + bytes + length;
}
