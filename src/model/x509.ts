/** What a certificate (X.509, RFC 5280) says, read by OpenSSL; and which ones all proxies take. No message quotes what was read. */
import { X509Certificate } from "node:crypto";
import { publicKeyHash } from "../secrets/reference.ts";
import type { PemBlock } from "./pem.ts";
import { readPem } from "./pem.ts";

/** Of one certificate. */
export interface CertificateFacts {
  /** Distinguished names as RFC 4514 writes them, the last part first: `CN=a.example.com,O=Example`. */
  readonly subject: string;
  readonly issuer: string;
  /** DNS names of subjectAltName in lower case, ascending, each once; what is no hostname is left out. The subject's CN is no name. */
  readonly serverNames: readonly string[];
  /** All its names as Node writes them: `DNS:a.example.com`, `URI:spiffe://...`. */
  readonly names: readonly string[];
  /** RFC 3339, UTC. */
  readonly notBefore: string;
  readonly notAfter: string;
  /** SHA-256 of the whole certificate, hex. */
  readonly fingerprint: string;
  /** SHA-256 of the public key (SubjectPublicKeyInfo), base64url: the same for all certificates of a key. */
  readonly publicKey: string;
  readonly keyType: "rsa" | "ecdsa";
  readonly isAuthority: boolean;
  /** Whether it may be shown by servers; and by clients (extended key usage). */
  readonly forServers: boolean;
  readonly forClients: boolean;
  /** PEM without anything else. */
  readonly pem: string;
}

/** Certificates in order, or what is wrong; each completes a sentence that begins with the field. */
export interface Certificates {
  readonly certificates: readonly CertificateFacts[];
  readonly problems: readonly string[];
}

/** Longer chains are refused by proxies anyway: nginx verifies five links, and each is sent with every handshake. */
export const MAX_CHAIN = 16;
/** As many as systems trust by default come to 150. */
export const MAX_BUNDLE = 512;

/** The chain of a certificate: the first is what is shown, each issued by the next. */
export function readChain(text: string): Certificates {
  const found = readAll(text, { most: MAX_CHAIN, keyGoes: "it belongs into `privateKey`" });
  if (found.problems.length > 0) return found;
  const links = orderProblem(found.parsed);
  return { certificates: found.certificates, problems: links === null ? [] : [links] };
}

/** Authorities that are trusted, in any order. */
export function readBundle(text: string): Certificates {
  const found = readAll(text, { most: MAX_BUNDLE, keyGoes: "nobody needs the key of an authority here" });
  const problems = [...found.problems];
  for (const [index, { isAuthority }] of found.certificates.entries())
    if (!isAuthority)
      problems.push(`has a certificate that is no authority's (number ${index + 1}): it may issue none`);
  return { certificates: found.certificates, problems };
}

interface Read extends Certificates {
  readonly parsed: readonly X509Certificate[];
}

function readAll(text: string, { most, keyGoes }: { readonly most: number; readonly keyGoes: string }): Read {
  const pem = readPem(text, most);
  if ("problem" in pem) return { certificates: [], parsed: [], problems: [pem.problem] };
  const certificates: CertificateFacts[] = [];
  const parsed: X509Certificate[] = [];
  const problems: string[] = [];
  const seen = new Map<string, number>();
  for (const [index, block] of pem.blocks.entries()) {
    const number = index + 1;
    const label = labelProblem(block, keyGoes);
    if (label !== null) {
      problems.push(`${label} (block ${number})`);
      continue;
    }
    const read = parse(block.der);
    const facts = read === null ? null : factsOf(read);
    if (read === null || facts === null) {
      problems.push(`has a block that is no certificate (number ${number})`);
      continue;
    }
    const weak = weakness(read);
    if (weak !== null) problems.push(`${weak} (certificate ${number})`);
    const twin = seen.get(facts.fingerprint);
    if (twin !== undefined) problems.push(`has the same certificate twice (${twin} and ${number})`);
    seen.set(facts.fingerprint, number);
    certificates.push(facts);
    parsed.push(read);
  }
  return { certificates, parsed, problems };
}

/** Of blocks that are something else. */
const OTHERS: Readonly<Record<string, string>> = {
  "X509 CERTIFICATE": "has a certificate with an old mark: write `-----BEGIN CERTIFICATE-----`",
  "TRUSTED CERTIFICATE": "has a certificate in OpenSSL's own form: convert it with `openssl x509`",
  "CERTIFICATE REQUEST": "has a certificate request, which nobody has signed",
  "NEW CERTIFICATE REQUEST": "has a certificate request, which nobody has signed",
  "X509 CRL": "has a revocation list: it belongs into an authority's `crl`",
  PKCS7: "has a PKCS #7 bundle: convert it with `openssl pkcs7 -print_certs`",
  "PUBLIC KEY": "has a public key and not its certificate",
};

function labelProblem({ label }: PemBlock, keyGoes: string): string | null {
  if (label === "CERTIFICATE") return null;
  if (label.endsWith("PRIVATE KEY")) return `has a private key: ${keyGoes}`;
  return OTHERS[label] ?? "has a PEM block that is no certificate";
}

function parse(der: Buffer): X509Certificate | null {
  try {
    const read = new X509Certificate(der);
    // Bytes behind the certificate are none of it; and what has no key that is known is read late.
    return read.raw.length === der.length && read.publicKey !== undefined ? read : null;
  } catch {
    return null;
  }
}

const SERVER_AUTH = "1.3.6.1.5.5.7.3.1";
const CLIENT_AUTH = "1.3.6.1.5.5.7.3.2";
const ANY_USAGE = "2.5.29.37.0";
/** An entry of subjectAltName as Node writes it (a value with special characters stands in quotes, as in JSON). */
const ALTERNATIVE_NAME = /([A-Za-z ]+):("(?:[^"\\]|\\.)*"|[^,"]*)(?:, |$)/g;
const SERVER_NAME = /^(?:\*\.)?(?:[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?\.)*[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?$/;

function factsOf(read: X509Certificate): CertificateFacts | null {
  const { asymmetricKeyType } = read.publicKey;
  const from = dateOf(read.validFrom);
  const to = dateOf(read.validTo);
  if (from === null || to === null) return null;
  const names = [...(read.subjectAltName ?? "").matchAll(ALTERNATIVE_NAME)];
  const serverNames = names.flatMap(([, kind, value = ""]) => {
    const name = value.toLowerCase();
    return kind === "DNS" && SERVER_NAME.test(name) ? [name] : [];
  });
  const usages = read.keyUsage as readonly string[] | undefined;
  const may = (usage: string): boolean => usages === undefined || usages.includes(usage) || usages.includes(ANY_USAGE);
  return {
    subject: distinguishedName(read.subject),
    issuer: distinguishedName(read.issuer),
    serverNames: [...new Set(serverNames)].sort(),
    names: names.map(([text]) => text.replace(/, $/, "")),
    notBefore: from,
    notAfter: to,
    fingerprint: read.fingerprint256.replaceAll(":", "").toLowerCase(),
    publicKey: publicKeyHash(read.publicKey.export({ type: "spki", format: "der" })),
    keyType: asymmetricKeyType === "ec" ? "ecdsa" : "rsa",
    isAuthority: read.ca,
    forServers: may(SERVER_AUTH),
    forClients: may(CLIENT_AUTH),
    pem: pemOf(read.raw),
  };
}

function dateOf(text: string): string | null {
  const date = new Date(text);
  return Number.isNaN(date.getTime()) ? null : date.toISOString().replace(".000Z", "Z");
}

function distinguishedName(text: string): string {
  return text
    .split("\n")
    .filter((part) => part !== "")
    .reverse()
    .join(",");
}

const PEM_COLUMNS = 64;

function pemOf(der: Buffer): string {
  const lines = der.toString("base64").match(new RegExp(`.{1,${PEM_COLUMNS}}`, "g")) ?? [];
  return ["-----BEGIN CERTIFICATE-----", ...lines, "-----END CERTIFICATE-----", ""].join("\n");
}

/** Envoy (BoringSSL) refuses others at once: measured with 1.40. */
const MIN_RSA_BITS = 2048;
/** Larger keys make each handshake a matter of tens of milliseconds. */
const MAX_RSA_BITS = 8192;
const CURVES: ReadonlySet<string> = new Set(["prime256v1", "secp384r1"]);

/** Why some proxy would not take it; null: all do. */
function weakness(read: X509Certificate): string | null {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = read.publicKey;
  if (type === "rsa") {
    const bits = details?.modulusLength ?? 0;
    if (bits < MIN_RSA_BITS || bits > MAX_RSA_BITS)
      return `has an RSA key of ${bits} bits: proxies take ${MIN_RSA_BITS} to ${MAX_RSA_BITS}`;
  } else if (type === "ec") {
    if (!CURVES.has(details?.namedCurve ?? ""))
      return "has an ECDSA key of a curve that not all proxies take: P-256 or P-384";
  } else return "has a key that not all proxies take: RSA, or ECDSA with P-256 or P-384";
  const { subject, issuer } = read;
  // Nobody checks a root's own signature.
  return subject !== issuer && hasWeakSignature(read.raw) ? "is signed with MD5 or SHA-1, which proxies refuse" : null;
}

/** Object identifiers of signatures with MD5 and SHA-1, DER: RSA's and ECDSA's. */
const WEAK_SIGNATURES = ["2a864886f70d010104", "2a864886f70d010105", "2a8648ce3d0401"];

/** The algorithm stands behind the part that is signed: SEQUENCE { tbs SEQUENCE, SEQUENCE { OID ... } ... }. */
function hasWeakSignature(der: Buffer): boolean {
  const outer = contentAt(der, 0);
  const signed = contentAt(der, outer.start);
  const algorithm = contentAt(der, signed.end);
  const oid = contentAt(der, algorithm.start);
  return WEAK_SIGNATURES.includes(der.subarray(oid.start, oid.end).toString("hex"));
}

/** Where the content of the DER element at `offset` begins and ends. OpenSSL has read it whole before. */
function contentAt(der: Buffer, offset: number): { readonly start: number; readonly end: number } {
  const first = der[offset + 1] ?? 0;
  if (first < 0x80) return { start: offset + 2, end: offset + 2 + first };
  const bytes = first & 0x7f;
  const start = offset + 2 + bytes;
  return { start, end: start + der.readUIntBE(offset + 2, bytes) };
}

/** What is wrong with the order of a chain; null: each is issued by the next. */
function orderProblem(chain: readonly X509Certificate[]): string | null {
  for (const [index, certificate] of chain.entries()) {
    const next = chain[index + 1];
    if (next === undefined || isIssuedBy(certificate, next)) continue;
    const issuer = chain.findIndex((other, place) => place !== index && isIssuedBy(certificate, other));
    const hint = issuer < 0 ? "its issuer is not in the chain" : `certificate ${issuer + 1} did: put it there`;
    return `is out of order: certificate ${index + 2} did not issue certificate ${index + 1}; ${hint}`;
  }
  return null;
}

function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
}
