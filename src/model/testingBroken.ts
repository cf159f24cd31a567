/** For tests: what is no chain, bundle or revocation list, and why. */
import { AUTHORITY, CERTIFICATES } from "../suite/arbitrary/certificates.ts";
import { ODD } from "./testingPem.ts";

const { exampleEcdsa, exampleRsa } = CERTIFICATES;
const GOOD = exampleEcdsa.chain;
const BODY = GOOD.split("\n").slice(1, -2).join("\n");
const CUT_OFF = ODD.crl.replace(/(\S{8}\n-----END)/, "\n-----END");
const SEVENTEEN = Array.from({ length: 17 }, () => GOOD).join("");
/** Chains, each with why it is refused; the key is that of the first example. */
export const BROKEN_CHAINS: Readonly<Record<string, readonly [string, RegExp]>> = {
  "no PEM": ["certificate", /holds no PEM/],
  "a path": ["/etc/ssl/cert.pem", /holds no PEM/],
  "base64 alone": [BODY, /holds no PEM/],
  "an empty block": ["-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n", /no base64/],
  "no end": [GOOD.replace(/-----END.*/, ""), /does not end/],
  "another end": [GOOD.replace("END CERTIFICATE", "END X509 CRL"), /does not end as it begins \(line/],
  "an end only": [`-----END CERTIFICATE-----\n${GOOD}`, /begins nothing \(line 1\)/],
  "four dashes": [GOOD.replace("-----BEGIN CERTIFICATE-----", "----BEGIN CERTIFICATE-----"), /begins nothing/],
  "all in one line": [GOOD.replaceAll("\n", " "), /begins nothing \(line 1\)/],
  "line ends as text": [GOOD.replaceAll("\n", "\\n"), /begins nothing \(line 1\)/],
  "a second begin": [GOOD.replace(BODY, `${BODY}\n-----BEGIN CERTIFICATE-----`), /does not end as it begins/],
  "a cut line": [GOOD.replace(BODY, BODY.slice(0, -5)), /no base64|no certificate/],
  "a cut certificate": [GOOD.replace(BODY, BODY.split("\n").slice(0, -1).join("\n")), /no certificate/],
  "a character that is none of base64": [GOOD.replace(BODY, BODY.replace(/A/, "!")), /no base64/],
  "a changed byte of the form": [GOOD.replace(BODY, `AAAA${BODY.slice(4)}`), /no certificate/],
  "headers in a block": [GOOD.replace(BODY, `Proc-Type: 4,ENCRYPTED\n\n${BODY}`), /headers/],
  "a private key behind it": [
    `${GOOD}${exampleEcdsa.privateKey}`,
    /has a private key: it belongs into `privateKey` \(block 2\)/,
  ],
  "a key alone": [exampleRsa.privateKey, /has a private key/],
  "a key with a password": [ODD.encryptedKey, /has a private key/],
  "an old form of key": [ODD.ecKey, /has a private key/],
  "an old key with a password": [ODD.encryptedRsaKey, /headers/],
  "a request": [ODD.request, /request, which nobody has signed/],
  "PKCS #7": [ODD.pkcs7, /PKCS #7/],
  "OpenSSL's own form": [ODD.trusted, /OpenSSL's own form/],
  "a public key": [ODD.publicKey, /public key/],
  "a revocation list": [ODD.crl, /revocation list/],
  "something unknown": ["-----BEGIN AGE ENCRYPTED FILE-----\nAAAA\n-----END AGE ENCRYPTED FILE-----", /no certificate/],
  "the same twice": [`${GOOD}${GOOD}`, /same certificate twice \(1 and 2\)/],
  "the root first": [`${AUTHORITY}${GOOD}`, /out of order: certificate 2 did not issue certificate 1/],
  "in between is wrong": [`${ODD.below}${AUTHORITY}${ODD.intermediate}`, /certificate 3 did: put it there/],
  "a stranger behind it": [
    `${GOOD}${ODD.intermediate}`,
    /certificate 2 did not issue certificate 1; its issuer is not in the chain/,
  ],
  "too many": [SEVENTEEN, /more than 16/],
  "a short RSA key": [ODD.weakRsa, /RSA key of 1024 bits/],
  "a curve of few": [ODD.p521, /curve that not all proxies take/],
  "a key of few": [ODD.ed25519, /key that not all proxies take/],
  "a signature with SHA-1": [ODD.sha1, /SHA-1/],
};

/** Authorities, each with the field that is refused, and why. */
export const BROKEN_AUTHORITIES: readonly {
  readonly what: string;
  readonly bundle: string;
  readonly crl?: string;
  readonly field: "bundle" | "crl";
  readonly reason: RegExp;
}[] = [
  {
    what: "a certificate that is no authority's",
    bundle: `${AUTHORITY}${GOOD}`,
    field: "bundle",
    reason: /no authority's \(number 2\)/,
  },
  { what: "a private key", bundle: `${AUTHORITY}${exampleEcdsa.privateKey}`, field: "bundle", reason: /private key/ },
  { what: "nothing", bundle: "x", field: "bundle", reason: /holds no PEM/ },
  { what: "a certificate as list", bundle: AUTHORITY, crl: AUTHORITY, field: "crl", reason: /no revocation list/ },
  { what: "a list that is cut off", bundle: AUTHORITY, crl: CUT_OFF, field: "crl", reason: /cut off/ },
  { what: "a private key as list", bundle: AUTHORITY, crl: exampleRsa.privateKey, field: "crl", reason: /private key/ },
];
