/** Another key for the secrets of a data directory. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import {
  createVault,
  finishRotation,
  makeSecretKey,
  nextKeyFile,
  openVault,
  readSecretKey,
  SECRET_KEY_FILE,
  type Vault,
} from "../secrets/index.ts";
import { type Resealing, resealStore } from "../store/index.ts";

/** Where the data are, and their keys. */
export interface Rotation {
  readonly data: string;
  /** Undefined: the one in the data directory. */
  readonly secretKeyFile: string | undefined;
  /** Undefined: a new key is made, in the place of the old. */
  readonly newKeyFile: string | undefined;
}

/** What was done. */
export interface Rotated {
  readonly secrets: number;
  /** Holds the key from now on. */
  readonly keyFile: string;
}

/**
 * Seals all secrets with another key. References stay, so nothing changes for proxies. A run that was cut off leaves the data with one of
 * the two keys, and both files: the next start, or the next run, finds the right one.
 */
export async function rotateKey({ data, secretKeyFile, newKeyFile }: Rotation): Promise<Rotated> {
  const path = secretKeyFile ?? join(data, SECRET_KEY_FILE);
  const old = await readSecretKey(path);
  const left = await readSecretKey(nextKeyFile(path)).catch(() => null);
  const next = newKeyFile === undefined ? newKey(path, left) : await readSecretKey(newKeyFile);
  const secrets = resealStore(data, (head) =>
    resealing({ head, keys: left === null ? [old] : [old, left], next, path }),
  );
  if (newKeyFile === undefined) await finishRotation(path, () => true);
  return { secrets, keyFile: newKeyFile ?? path };
}

/** Beside the old one, until the data have it. One that is left of a run that was cut off may be theirs: it is kept, and used. */
function newKey(path: string, left: Uint8Array | null): Uint8Array {
  if (left !== null) return left;
  rmSync(nextKeyFile(path), { force: true });
  return makeSecretKey(nextKeyFile(path));
}

interface Keys {
  readonly head: Uint8Array | null;
  /** One of them is the data's. */
  readonly keys: readonly Uint8Array[];
  readonly next: Uint8Array;
  readonly path: string;
}

function resealing({ head, keys, next, path }: Keys): Resealing {
  const opened = head === null ? createVault({ key: next }) : vaultOf(head, keys);
  if (opened === null) throw new Error(`${path} is not the key of these data: nothing was changed`);
  const vault = opened.rekeyed({ key: next });
  return {
    head: vault.head(),
    reseal({ reference, box }) {
      const text = opened.open(reference, box);
      if (text === null) throw new Error(`the secret ${reference} does not open: nothing was changed`);
      return vault.seal(reference, text);
    },
  };
}

function vaultOf(head: Uint8Array, keys: readonly Uint8Array[]): Vault | null {
  for (const key of keys) {
    const vault = openVault({ key }, head);
    if (vault !== null) return vault;
  }
  return null;
}
