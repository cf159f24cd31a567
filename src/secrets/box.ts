/** Ciphertext: AES-256-GCM with a nonce of its own, and keys by HKDF, one for each purpose. */
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from "node:crypto";

/** Gives unguessable bytes. */
export type RandomBytes = (bytes: number) => Uint8Array;

/** The system's. */
export const systemRandom: RandomBytes = randomBytes;

/** AES-256. */
export const KEY_BYTES = 32;
/** GCM's own: random ones are good for 2^32 boxes of one key (NIST SP 800-38D, 8.3), and a model has some thousand secrets. */
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const ALGORITHM = "aes-256-gcm";
/** The first byte of a box, so that another form can follow. */
const VERSION = 1;

/** A key for one purpose out of a key for all. */
export function subkey(key: Uint8Array, purpose: string): Buffer {
  return Buffer.from(hkdfSync("sha256", key, Buffer.alloc(0), `trimtab ${purpose} v1`, KEY_BYTES));
}

/** `version, nonce, tag, ciphertext`. `label` is not hidden, and must be the same at opening: a box opens under its own name only. */
export function closeBox(
  key: Uint8Array,
  { label, content, random }: { readonly label: string; readonly content: Uint8Array; readonly random: RandomBytes },
): Uint8Array {
  const nonce = random(NONCE_BYTES);
  const cipher = createCipheriv(ALGORITHM, key, nonce).setAAD(Buffer.from(label));
  const hidden = [cipher.update(content), cipher.final()];
  return new Uint8Array(Buffer.concat([Buffer.of(VERSION), nonce, cipher.getAuthTag(), ...hidden]));
}

/** The content; null: another key or label, or the box is damaged. */
export function openBox(key: Uint8Array, label: string, box: Uint8Array): Buffer | null {
  const from = 1 + NONCE_BYTES + TAG_BYTES;
  if (box[0] !== VERSION || box.length < from) return null;
  const decipher = createDecipheriv(ALGORITHM, key, box.subarray(1, 1 + NONCE_BYTES), { authTagLength: TAG_BYTES });
  decipher.setAAD(Buffer.from(label)).setAuthTag(box.subarray(1 + NONCE_BYTES, from));
  try {
    return Buffer.concat([decipher.update(box.subarray(from)), decipher.final()]);
  } catch {
    return null;
  }
}
