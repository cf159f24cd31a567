/** For tests: what is no private key that every proxy takes, and why. */
import { createPublicKey, generateKeyPairSync } from "node:crypto";
import { newPrivateKey, newRsaKey } from "./testing.ts";

const pkcs8 = (type: "ed25519" | "x25519" | "ed448"): string =>
  String(generateKeyPairSync(type as "ed25519").privateKey.export({ type: "pkcs8", format: "pem" }));
const locked = (type: "pkcs8" | "sec1"): string =>
  String(
    generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({
      type,
      format: "pem",
      cipher: "aes-256-cbc",
      passphrase: "secret",
    }),
  );

/** Made of a good key: name, text, why it is refused. */
export function brokenKeys(pem: string): readonly (readonly [string, string, RegExp])[] {
  const body = pem.split("\n").slice(1, -2).join("\n");
  return [
    ["nothing", "", /no PEM text/],
    ["a word", "hunter2", /no PEM text/],
    ["base64 without its frame", body, /no PEM text/],
    ["DER", Buffer.from(body, "base64").toString("latin1"), /not in PEM/],
    ["a certificate", "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n", /holds a certificate/],
    [
      "a key and a certificate",
      `${pem}-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n`,
      /holds a certificate/,
    ],
    ["a public key", String(createPublicKey(pem).export({ type: "spki", format: "pem" })), /public key/],
    ["a request", "-----BEGIN CERTIFICATE REQUEST-----\nMIIB\n-----END CERTIFICATE REQUEST-----\n", /request/],
    ["two keys", pem + newPrivateKey(), /holds 2 private keys/],
    ["a locked key (PKCS 8)", locked("pkcs8"), /locked with a password/],
    ["a locked key (SEC 1)", locked("sec1"), /locked with a password/],
    ["a key of OpenSSH", "-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl\n-----END OPENSSH PRIVATE KEY-----\n", /OpenSSH/],
    ["a DSA key", "-----BEGIN DSA PRIVATE KEY-----\nMIIB\n-----END DSA PRIVATE KEY-----\n", /DSA/],
    ["a key without its end", pem.slice(0, -30), /not complete/],
    ["a key with another end", pem.replace("END PRIVATE", "END EC PRIVATE"), /not complete/],
    ["a key cut in the middle", pem.replace(body, body.slice(0, 60)), /cannot be read/],
    ["a key with letters changed", pem.replace(body, body.replace("M", "!")), /cannot be read/],
    ["an RSA key of 1024 bits", newRsaKey(1024), /1024 bits/],
    ["an Ed25519 key", pkcs8("ed25519"), /type ed25519/],
    ["an X25519 key", pkcs8("x25519"), /type x25519/],
    ["a key on P-521", newPrivateKey("P-521"), /secp521r1/],
    ["a key on secp256k1", newPrivateKey("secp256k1"), /secp256k1/],
  ];
}
