/** What seals the secrets of documents and opens them at delivery: a vault, and where its boxes are. */
import { KEY_BYTES, systemRandom } from "./box.ts";
import { readPrivateKey } from "./privateKey.ts";
import { looksSealed } from "./reference.ts";
import type { Keeper, ReadSecret, Sealed } from "./types.ts";
import { createVault, type Vault } from "./vault.ts";

/** How the secrets of each type are read: `x-secret` of the schemas names the type. */
const TYPES: Readonly<Record<string, (text: string) => ReadSecret>> = {
  privateKey: readPrivateKey,
};

/** A secret cannot be had. */
export class SecretError extends Error {}

/** Where boxes are kept. */
export interface Boxes {
  /** Null: there is none of this reference. */
  find(reference: string): Uint8Array | null;
}

/** Seals with the vault; opens what `boxes` holds. */
export function createKeeper(vault: Vault, boxes: Boxes): Keeper {
  const knows = (reference: string): boolean => boxes.find(reference) !== null;
  return {
    knows,
    seal(type, text) {
      const read = TYPES[type];
      if (read === undefined) throw new Error(`there are no secrets of the type ${type}`);
      const secret = read(text);
      if ("refused" in secret) return secret;
      const reference = vault.refer(type, secret);
      // What is stored was looked at when it came.
      const refused = knows(reference) ? null : secret.check();
      return refused === null ? vault.seal(reference, secret.text) : { refused };
    },
    open(reference) {
      const box = boxes.find(reference);
      if (box === null) throw new SecretError(`the secret ${shown(reference)} is not stored here`);
      const text = vault.open(reference, box);
      if (text === null)
        throw new SecretError(`the secret ${shown(reference)} does not open: its ciphertext is damaged`);
      return text;
    },
  };
}

/** Only a reference is repeated. */
function shown(reference: string): string {
  return looksSealed(reference) ? reference : "that was asked for";
}

/** A keeper for one command: what it seals it keeps in memory, as ciphertext. */
export interface MemoryKeeper extends Keeper {
  keep(sealed: readonly Sealed[]): void;
}

/**
 * The fingerprints of commands that work on files, without a server: references are compared with each other, from one run to the next,
 * and hide nothing, as the files that such a command reads hold the secrets themselves. A private key cannot be guessed by one.
 */
const FILES_KEY = Buffer.alloc(KEY_BYTES, "trimtab: secrets of files");

/** The same secrets have the same references in every run, and so the same files the same generation. */
export function createMemoryKeeper(): MemoryKeeper {
  const boxes = new Map<string, Uint8Array>();
  const vault = createVault({ key: systemRandom(KEY_BYTES) }, FILES_KEY);
  return {
    ...createKeeper(vault, { find: (reference) => boxes.get(reference) ?? null }),
    keep(sealed) {
      for (const { reference, box } of sealed) boxes.set(reference, box);
    },
  };
}
