/** For tests: private keys made on the spot, and a search for what of them is left somewhere. */
import { generateKeyPairSync } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** A new private key, in PEM. */
export function newPrivateKey(curve = "P-256"): string {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: curve });
  return String(privateKey.export({ type: "pkcs8", format: "pem" }));
}

/** The same of RSA, in OpenSSL's older form. */
export function newRsaKey(modulusLength: number): string {
  return String(generateKeyPairSync("rsa", { modulusLength }).privateKey.export({ type: "pkcs1", format: "pem" }));
}

/** So many characters of a key's text are never there by chance, and say something of the key. */
const WINDOW = 16;
/** What each EC key of a curve begins with in base64: its form, not its content. */
const COMMON_HEAD = 36;

/** Pieces of a key's content: where one of them is, the key was. */
export function piecesOfKey(pem: string): readonly string[] {
  const body = pem.replace(/-----[^-]+-----|\s/g, "").slice(COMMON_HEAD);
  // Up to where the public key begins, which is public.
  const secret = body.slice(0, 43);
  return Array.from({ length: secret.length - WINDOW + 1 }, (_, at) => secret.slice(at, at + WINDOW));
}

/** The first piece of the key that stands in the bytes: as text, or as the bytes that it says; null: none. */
export function leakIn(bytes: Buffer | string, pem: string): string | null {
  const text = typeof bytes === "string" ? bytes : bytes.toString("latin1");
  const found = piecesOfKey(pem).find((piece) => text.includes(piece));
  if (found !== undefined) return found;
  const der = Buffer.from(pem.replace(/-----[^-]+-----|\s/g, ""), "base64");
  const at = der.indexOf(Buffer.of(0x04, 0x20)) + 2;
  const scalar = der.subarray(at, at + 32).toString("latin1");
  return text.includes(scalar.slice(0, WINDOW)) ? "the bytes of the key" : null;
}

/** Files below a folder that hold a piece of the key. */
export function leaksBelow(folder: string, pem: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
    .filter((path) => leakIn(readFileSync(path), pem) !== null);
}
