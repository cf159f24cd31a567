/** For tests: X.509 certificates (RFC 5280) written byte by byte, for Node makes none. Keys live as long as the test. */
import { generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";

/** A certificate with its key, both PEM. */
export interface Issued {
  readonly cert: string;
  readonly key: string;
}

export interface Wanted {
  readonly uris?: readonly string[];
  readonly dns?: readonly string[];
  /** IPv4 only. */
  readonly ips?: readonly string[];
  /** For servers only (extended key usage). Default: for whatever. */
  readonly serverOnly?: boolean;
  /** Days from now. Default: from yesterday to tomorrow. */
  readonly from?: number;
  readonly to?: number;
}

export interface Authority {
  /** Its own certificate. */
  readonly cert: string;
  issue(wanted: Wanted): Issued;
}

const DAY_MS = 24 * 60 * 60 * 1000;
const SEQUENCE = 0x30;
const SET = 0x31;
const INTEGER = 0x02;
const BIT_STRING = 0x03;
const OCTET_STRING = 0x04;
const OID = 0x06;
const UTF8_STRING = 0x0c;
const GENERALIZED_TIME = 0x18;
const BOOLEAN_TRUE = der(0x01, Buffer.from([0xff]));
/** Context tags: `[0]`, `[3]`, and those of general names. */
const VERSION_TAG = 0xa0;
const EXTENSIONS_TAG = 0xa3;
const DNS_NAME = 0x82;
const URI_NAME = 0x86;
const IP_ADDRESS = 0x87;

const ECDSA_WITH_SHA256 = der(SEQUENCE, oid("2a8648ce3d040302"));
const COMMON_NAME = oid("550403");
const BASIC_CONSTRAINTS = oid("551d13");
const SUBJECT_ALT_NAME = oid("551d11");
const EXTENDED_KEY_USAGE = oid("551d25");
const SERVER_AUTH = oid("2b06010505070301");

/** A new authority with a key of its own. */
export function createAuthority(name: string): Authority {
  const own = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const issuer = distinguishedName(name);
  const isAuthority = extension(BASIC_CONSTRAINTS, der(SEQUENCE, BOOLEAN_TRUE), true);
  return {
    cert: certificate({
      issuer,
      signer: own.privateKey,
      subject: issuer,
      key: own.publicKey,
      wanted: { from: -30, to: 30 },
      extensions: isAuthority,
    }),
    issue(wanted) {
      const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
      const names = Buffer.concat([
        ...(wanted.uris ?? []).map((uri) => der(URI_NAME, Buffer.from(uri))),
        ...(wanted.dns ?? []).map((host) => der(DNS_NAME, Buffer.from(host))),
        ...(wanted.ips ?? []).map((ip) => der(IP_ADDRESS, Buffer.from(ip.split(".").map(Number)))),
      ]);
      const extensions = Buffer.concat([
        ...(names.length === 0 ? [] : [extension(SUBJECT_ALT_NAME, der(SEQUENCE, names), false)]),
        ...(wanted.serverOnly === true ? [extension(EXTENDED_KEY_USAGE, der(SEQUENCE, SERVER_AUTH), false)] : []),
      ]);
      const key = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
      const subject = distinguishedName("holder");
      const signer = own.privateKey;
      return { cert: certificate({ issuer, signer, subject, key: publicKey, wanted, extensions }), key };
    },
  };
}

function certificate(parts: {
  readonly issuer: Buffer;
  readonly signer: KeyObject;
  readonly subject: Buffer;
  readonly key: KeyObject;
  readonly wanted: Wanted;
  readonly extensions: Buffer;
}): string {
  const { issuer, signer, subject, key, wanted, extensions } = parts;
  const { from = -1, to = 1 } = wanted;
  const toBeSigned = der(
    SEQUENCE,
    der(VERSION_TAG, der(INTEGER, Buffer.from([2]))),
    // Positive: the first bit is 0.
    der(INTEGER, Buffer.concat([Buffer.from([1]), randomBytes(8)])),
    ECDSA_WITH_SHA256,
    issuer,
    der(SEQUENCE, time(from), time(to)),
    subject,
    key.export({ type: "spki", format: "der" }),
    ...(extensions.length === 0 ? [] : [der(EXTENSIONS_TAG, der(SEQUENCE, extensions))]),
  );
  const bytes = der(SEQUENCE, toBeSigned, ECDSA_WITH_SHA256, bits(sign("sha256", toBeSigned, signer)));
  const lines = bytes.toString("base64").replaceAll(/.{64}/g, "$&\n").trimEnd();
  return `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`;
}

function der(tag: number, ...content: readonly Buffer[]): Buffer {
  const body = Buffer.concat(content);
  const { length } = body;
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), body]);
}

function oid(hex: string): Buffer {
  return der(OID, Buffer.from(hex, "hex"));
}

function bits(bytes: Buffer): Buffer {
  return der(BIT_STRING, Buffer.from([0]), bytes);
}

function distinguishedName(commonName: string): Buffer {
  return der(SEQUENCE, der(SET, der(SEQUENCE, COMMON_NAME, der(UTF8_STRING, Buffer.from(commonName)))));
}

function extension(id: Buffer, value: Buffer, isCritical: boolean): Buffer {
  return der(SEQUENCE, id, ...(isCritical ? [BOOLEAN_TRUE] : []), der(OCTET_STRING, value));
}

/** RFC 5280 asks for the shorter UTCTime before 2050; every reader takes this one too. */
function time(days: number): Buffer {
  const text = new Date(Date.now() + days * DAY_MS).toISOString().replaceAll(/[-:T]|\.\d+/g, "");
  return der(GENERALIZED_TIME, Buffer.from(text));
}
