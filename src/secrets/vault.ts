/**
 * A vault: what is sealed with one key. The key of the fingerprints is random, and stands in the data sealed like a secret: it stays when
 * the vault's key is changed, and so do all references, for which no proxy reloads.
 */
import { createHmac } from "node:crypto";
import { closeBox, KEY_BYTES, openBox, type RandomBytes, subkey, systemRandom } from "./box.ts";
import { readReference, referenceText } from "./reference.ts";
import type { ReadSecret, Sealed } from "./types.ts";

/** Sealing and opening, without a memory. */
export interface Vault {
  /** The reference that a secret has here. */
  refer(type: string, secret: Pick<Exclude<ReadSecret, { refused: string }>, "text" | "publicKey">): string;
  seal(reference: string, text: string): Sealed;
  /** Null: it was sealed with another key or under another reference, or is damaged. */
  open(reference: string, box: Uint8Array): string | null;
  /** The key of the fingerprints, sealed: what the data keep. Sealed anew each time. */
  head(): Uint8Array;
  /** The same under another key: references stay, boxes are to be sealed anew. */
  rekeyed(options: VaultOptions): Vault;
}

/** What a vault is opened with. */
export interface VaultOptions {
  /** Of KEY_BYTES. */
  readonly key: Uint8Array;
  /** Default: the system's. */
  readonly random?: RandomBytes;
}

const HEAD_LABEL = "head";
/** Of an HMAC-SHA-256: 128 bits, in 22 characters. */
const FINGERPRINT_BYTES = 16;

/** A new vault. Its references are like nobody else's, unless the key of the fingerprints is given. */
export function createVault({ key, random = systemRandom }: VaultOptions, fingerprintKey?: Uint8Array): Vault {
  return vaultOf({ key, random }, fingerprintKey ?? random(KEY_BYTES));
}

/** The vault that gave this head; null: its key is another. */
export function openVault({ key, random = systemRandom }: VaultOptions, head: Uint8Array): Vault | null {
  const fingerprintKey = openBox(subkey(key, "head"), HEAD_LABEL, head);
  return fingerprintKey === null ? null : vaultOf({ key, random }, fingerprintKey);
}

function vaultOf({ key, random }: Required<VaultOptions>, fingerprintKey: Uint8Array): Vault {
  const boxKey = subkey(key, "box");
  const headKey = subkey(key, "head");
  return {
    refer(type, { text, publicKey }) {
      const mac = createHmac("sha256", fingerprintKey).update(`${type}\0${text}`).digest();
      return referenceText({ type, fingerprint: mac.toString("base64url", 0, FINGERPRINT_BYTES), publicKey });
    },
    seal: (reference, text) => ({
      reference,
      box: closeBox(boxKey, { label: reference, content: Buffer.from(text), random }),
    }),
    open(reference, box) {
      if (readReference(reference) === null) return null;
      return openBox(boxKey, reference, box)?.toString("utf8") ?? null;
    },
    head: () => closeBox(headKey, { label: HEAD_LABEL, content: fingerprintKey, random }),
    rekeyed: (options) => createVault(options, fingerprintKey),
  };
}
