/** References that stand in documents for secrets, as the room `secrets` makes them: see its contract. */

const PRIVATE_KEY = /^sealed:privateKey:[A-Za-z0-9_-]+:([A-Za-z0-9_-]{43})$/;

/** SHA-256 (base64url) of the public key that belongs to a sealed private key; null: it is not sealed. */
export function sealedPublicKey(reference: string): string | null {
  return PRIVATE_KEY.exec(reference)?.[1] ?? null;
}
