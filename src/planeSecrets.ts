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
  SecretError,
  type Vault,
} from "./secrets/index.ts";
import type { StoredSecrets } from "./store/index.ts";
import { reasonOf } from "./util/reason.ts";

/** Where the data and their key are. */
export interface SecretsPlace {
  readonly data: string;
  /** Undefined: a file in the data directory, which is made when there is none. */
  readonly secretKeyFile?: string | undefined;
  /** What that file holds. Default: it is read now. */
  readonly secretKey?: Uint8Array | undefined;
}

/** Throws one line for a person when the key is not there, not safe, or not that of the data. */
export async function openSecrets(place: SecretsPlace, stored: StoredSecrets): Promise<Keeper> {
  const { data, secretKeyFile, secretKey } = place;
  const path = secretKeyFile ?? join(data, SECRET_KEY_FILE);
  const head = stored.head();
  const isEmpty = stored.count() === 0;
  const isOurs = secretKeyFile === undefined;
  if (isOurs && !isEmpty && !hasSecretKey(path))
    throw new Error(
      `the data hold secrets, but the key that sealed them is gone: ${path} is not there. Put it back, or name it with --secret-key-file`,
    );
  if (isOurs && !hasSecretKey(path)) return begin(() => makeSecretKey(path), stored);
  const key = secretKey ?? (await readSecretKey(path));
  const vault = head === null ? null : (openVault({ key }, head) ?? (await rotated(path, head)));
  if (vault !== null) return createKeeper(vault, stored);
  if (!isEmpty)
    throw new Error(
      `${path} is not the key of these data: it opens none of their ${stored.count()} secrets. --secret-key-file names another`,
    );
  return begin(() => key, stored);
}

/** A disk that takes nothing keeps nobody from serving what is stored: there is no secret yet, and none can come. */
function begin(makeKey: () => Uint8Array, stored: StoredSecrets): Keeper {
  try {
    return createKeeper(begun(makeKey(), stored), stored);
  } catch (error) {
    if (!isNoRoom(error)) throw error;
    return keyless(
      `cannot be sealed, as the server could not keep a key when it started (${reasonOf(error)}): start it anew`,
    );
  }
}

/** SQLite's number for a full disk. */
const SQLITE_FULL = 13;

function isNoRoom(error: unknown): boolean {
  const { code = "", errcode } = error as { readonly code?: string; readonly errcode?: number };
  return ["ENOSPC", "EDQUOT", "EROFS"].includes(code) || errcode === SQLITE_FULL;
}

function keyless(refused: string): Keeper {
  return {
    seal: () => ({ refused }),
    knows: () => false,
    open: () => {
      throw new SecretError("there are no secrets here");
    },
  };
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
