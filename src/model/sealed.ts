/** What references that stand in documents for secrets say. */
import { readReference } from "../secrets/reference.ts";

/** SHA-256 (base64url) of the public key that belongs to a sealed private key; null: it is not sealed. */
export function sealedPublicKey(reference: string): string | null {
  const read = readReference(reference);
  return read?.type === "privateKey" ? read.publicKey : null;
}
