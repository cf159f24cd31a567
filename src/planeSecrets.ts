/** The secrets of a control plane: its key, and whether that is the key of the data. */
import { join } from "node:path";
import {
  createKeeper,
  createVault,
  finishRotation,
  hasSecretKey,
  type Keeper,
  makeSecretKey,
  openVault,
  readSecretKey,
  SECRET_KEY_FILE,
  type Vault,
} from "./secrets/index.ts";
import type { StoredSecrets } from "./store/index.ts";

/** Where the data and their key are. */
export interface SecretsPlace {
  readonly data: string;
  /** Undefined: a file in the data directory, which is made when there is none. */
  readonly secretKeyFile?: string | undefined;
}

/** Throws one line for a person when the key is not there, not safe, or not that of the data. */
export async function openSecrets({ data, secretKeyFile }: SecretsPlace, stored: StoredSecrets): Promise<Keeper> {
  const path = secretKeyFile ?? join(data, SECRET_KEY_FILE);
  const head = stored.head();
  const isEmpty = stored.count() === 0;
  const isOurs = secretKeyFile === undefined;
  if (isOurs && !isEmpty && !hasSecretKey(path))
    throw new Error(
      `the data hold secrets, but the key that sealed them is gone: ${path} is not there. Put it back, or name it with --secret-key-file`,
    );
  const key = isOurs && !hasSecretKey(path) ? makeSecretKey(path) : await readSecretKey(path);
  const vault = head === null ? null : (openVault({ key }, head) ?? (await rotated(path, head)));
  if (vault !== null) return createKeeper(vault, stored);
  if (!isEmpty)
    throw new Error(
      `${path} is not the key of these data: it opens none of their ${stored.count()} secrets. --secret-key-file names another`,
    );
  return createKeeper(begun(key, stored), stored);
}

function begun(key: Uint8Array, stored: StoredSecrets): Vault {
  const vault = createVault({ key });
  stored.begin(vault.head());
  return vault;
}

/** After a rotation that was cut off when the data had the new key already: its file gets its name. */
async function rotated(path: string, head: Uint8Array): Promise<Vault | null> {
  const next = await finishRotation(path, (key) => openVault({ key }, head) !== null);
  return next === null ? null : openVault({ key: next }, head);
}
