/** The file of a vault's key. */
import { chmodSync, closeSync, existsSync, fsyncSync, openSync, renameSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { readSecretFile } from "../util/secretFile.ts";
import { KEY_BYTES, type RandomBytes, systemRandom } from "./box.ts";

/** Its name in a data directory. */
export const SECRET_KEY_FILE = "secret-key";

/** 32 bytes as they are, or in base64. Refused like every secret's file that others may read. */
export async function readSecretKey(path: string): Promise<Uint8Array> {
  const bytes = await readSecretFile(path);
  if (bytes.length === KEY_BYTES) return bytes;
  const text = bytes.toString("latin1").trim();
  const key = /^[A-Za-z0-9+/]{43}=?$/.test(text) ? Buffer.from(text, "base64") : null;
  if (key?.length === KEY_BYTES) return key;
  throw new Error(
    `${path} holds no key: it has to be ${KEY_BYTES} bytes, or these in base64 (head -c ${KEY_BYTES} /dev/urandom | base64)`,
  );
}

/** Writes a new key, in base64, for its owner alone; durable when it returns. Throws when something is there already. */
export function makeSecretKey(path: string, random: RandomBytes = systemRandom): Uint8Array {
  const key = random(KEY_BYTES);
  const handle = openSync(path, "wx", 0o600);
  try {
    chmodSync(path, 0o600);
    writeSync(handle, `${Buffer.from(key).toString("base64")}\n`);
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
  syncFolder(dirname(path));
  return key;
}

/** A new key has this name until the data are sealed with it. */
export function nextKeyFile(path: string): string {
  return `${path}.new`;
}

/** The new key, in the place of the old; null: there is none, or it is not the right one. */
export async function finishRotation(path: string, isRight: (key: Uint8Array) => boolean): Promise<Uint8Array | null> {
  const next = nextKeyFile(path);
  if (!hasSecretKey(next)) return null;
  const key = await readSecretKey(next);
  if (!isRight(key)) return null;
  renameSync(next, path);
  syncFolder(dirname(path));
  return key;
}

/** Whether there is one. */
export function hasSecretKey(path: string): boolean {
  return existsSync(path);
}

/** The name of a new file must survive a power cut as its content does. */
function syncFolder(folder: string): void {
  const handle = openSync(folder, "r");
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
