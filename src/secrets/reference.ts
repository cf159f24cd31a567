/** What stands in a document in the place of a secret. Pure text: rules and targets read it too. */
import { createHash } from "node:crypto";

/**
 * `sealed:<type>:<fingerprint>`, and of a private key `:<public key>`: the fingerprint is keyed, so that nobody can guess a secret by
 * it; the hash of the public key is public, as the key itself is. Equal secrets of one vault have equal references.
 */
export interface SecretReference {
  /** As `privateKey`. */
  readonly type: string;
  readonly fingerprint: string;
  /** `publicKeyHash` of its public key; null: it has none. */
  readonly publicKey: string | null;
}

/** 128 bits of an HMAC, and a whole SHA-256, in base64url. */
const REFERENCE = /^sealed:([a-z][A-Za-z]{0,31}):([\w-]{22})(?::([\w-]{43}))?$/;

/** What every reference, and nothing that is a secret, begins with. */
const PREFIX = "sealed:";

/** The parts of a reference; null: the text is none. */
export function readReference(text: string): SecretReference | null {
  const [, type, fingerprint, publicKey = null] = REFERENCE.exec(text) ?? [];
  return type === undefined || fingerprint === undefined ? null : { type, fingerprint, publicKey };
}

/** The text of a reference. */
export function referenceText({ type, fingerprint, publicKey }: SecretReference): string {
  return [`${PREFIX}${type}`, fingerprint, ...(publicKey === null ? [] : [publicKey])].join(":");
}

/** Whether a text means to be a reference; it may be a broken one. */
export function looksSealed(text: string): boolean {
  return text.startsWith(PREFIX);
}

/** Stands for a secret that was refused, so that nothing repeats what was sent. It is no reference. */
export function refusedText(type: string): string {
  return `${PREFIX}${type}:refused`;
}

/** Of a public key (SPKI, in DER): what the reference of its private key ends with. */
export function publicKeyHash(spki: Uint8Array): string {
  return createHash("sha256").update(spki).digest("base64url");
}
