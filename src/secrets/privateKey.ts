/** Private keys as people send them, and the one form in which they are kept. */
import { createPrivateKey, createPublicKey, type KeyObject, randomBytes, sign, verify } from "node:crypto";
import { publicKeyHash } from "./reference.ts";
import type { ReadSecret } from "./types.ts";

/** NIST SP 800-57: fewer bits are broken within reach of who can pay for it; proxies and clients refuse them. */
const MIN_RSA_BITS = 2048;
/** With 8192 bits each handshake, and our own look at the key, takes 30 ms of a core. */
const MAX_RSA_BITS = 4096;
/** As the schema says: an RSA key of 4096 bits, and text around it, is a tenth of it. */
const MAX_CHARACTERS = 32_768;
/** Those that every proxy and client takes, by OpenSSL's names. */
const CURVES: readonly (string | undefined)[] = ["prime256v1", "secp384r1"];

/** Blocks of private keys that are not locked. */
const PLAIN = ["PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY"];
/** OpenSSL writes it in front of a key, which says the same. */
const BESIDE = ["EC PARAMETERS"];

const OTHERS: Readonly<Record<string, string>> = {
  "ENCRYPTED PRIVATE KEY": "is locked with a password, which proxies cannot be asked for: openssl pkey unlocks it",
  "OPENSSH PRIVATE KEY": "is a key of OpenSSH: ssh-keygen -p -m PKCS8 turns a copy of it into one for TLS",
  "DSA PRIVATE KEY": "is a DSA key: TLS needs RSA or ECDSA",
  "PUBLIC KEY": "holds a public key: the private one is needed",
  "RSA PUBLIC KEY": "holds a public key: the private one is needed",
  CERTIFICATE: "holds a certificate: it belongs into the chain",
  "CERTIFICATE REQUEST": "holds a certificate request: the private key is needed",
};

const BLOCK = /-----BEGIN ([A-Z0-9 ]{1,40})-----[^-]*-----END \1-----/g;
const BEGIN = /-----BEGIN ([A-Z0-9 ]{1,40})-----/g;

/** One private key in PEM, in PKCS #8 however it was sent; or why it is refused. What was sent is never repeated. */
export function readPrivateKey(text: string): ReadSecret {
  const labels = [...text.matchAll(BEGIN)].map(([, label = ""]) => label);
  const refused = whyNotOne(text, labels);
  if (refused !== null) return { refused };
  const block = [...text.matchAll(BLOCK)].find(([, label = ""]) => PLAIN.includes(label))?.[0];
  if (block === undefined) return { refused: "ends before its END line: it is not complete" };
  let key: KeyObject;
  try {
    key = createPrivateKey({ key: block, format: "pem" });
  } catch {
    return { refused: "is no private key: what stands between its BEGIN and END lines cannot be read" };
  }
  const weak = whyUnfit(key);
  if (weak !== null) return { refused: weak };
  const open = createPublicKey(key);
  return {
    text: String(key.export({ type: "pkcs8", format: "pem" })),
    publicKey: publicKeyHash(open.export({ type: "spki", format: "der" })),
    check: () => whyBroken(key, open),
  };
}

function whyNotOne(text: string, labels: readonly string[]): string | null {
  if (text.length > MAX_CHARACTERS) return `is longer than ${MAX_CHARACTERS} characters`;
  if (!/^[\t\n\r\x20-\x7e]*$/.test(text)) return "holds characters that are not in PEM: it is ASCII text";
  if (labels.length === 0) return "is no PEM text: a private key begins with a line -----BEGIN PRIVATE KEY-----";
  if (text.includes("4,ENCRYPTED")) return OTHERS["ENCRYPTED PRIVATE KEY"] as string;
  for (const label of labels) {
    const what = OTHERS[label];
    if (what !== undefined) return what;
    if (!PLAIN.includes(label) && !BESIDE.includes(label))
      return "holds a PEM block that is no private key: only PRIVATE KEY, RSA PRIVATE KEY and EC PRIVATE KEY are";
  }
  const keys = labels.filter((label) => PLAIN.includes(label)).length;
  if (keys === 0) return "holds no private key";
  return keys === 1 ? null : `holds ${keys} private keys: one is needed, that of the first certificate`;
}

function whyUnfit({ asymmetricKeyType: type, asymmetricKeyDetails }: KeyObject): string | null {
  const { modulusLength: bits = 0, namedCurve: curve } = asymmetricKeyDetails ?? {};
  if (type === "rsa") {
    if (bits < MIN_RSA_BITS) return `is an RSA key of ${bits} bits: ${MIN_RSA_BITS} are needed`;
    return bits > MAX_RSA_BITS ? `is an RSA key of ${bits} bits: at most ${MAX_RSA_BITS} are taken` : null;
  }
  if (type !== "ec") return `is a key of the type ${type}: RSA or ECDSA (P-256, P-384) is needed`;
  return CURVES.includes(curve) ? null : `is a key on the curve ${curve ?? "?"}: P-256 (prime256v1) or P-384 is needed`;
}

/** A key whose parts do not belong together is read without complaint, and fails at the first handshake. */
function whyBroken(key: KeyObject, open: KeyObject): string | null {
  try {
    const sample = randomBytes(32);
    if (verify("sha256", sample, open, sign("sha256", sample, key))) return null;
  } catch {
    // Told below.
  }
  return "is damaged: what it signs does not verify with its own public key";
}
