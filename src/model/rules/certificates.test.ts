import { createPublicKey } from "node:crypto";
import { expect, test } from "vitest";
import { publicKeyHash } from "../../secrets/reference.ts";
import { AUTHORITY, CERTIFICATES } from "../../suite/arbitrary/certificates.ts";
import { applyChanges, type Change, certificateTimes, checkSnapshot, emptySnapshot, validateConfig } from "../index.ts";
import { ODD } from "../testingPem.ts";

const { exampleEcdsa, exampleRsa } = CERTIFICATES;
const GOOD = exampleEcdsa.chain;
const BODY = GOOD.split("\n").slice(1, -2).join("\n");

/** As the room `secrets` would make it of this key. */
function sealed(key: string): string {
  const spki = createPublicKey(key).export({ type: "spki", format: "der" });
  return `sealed:privateKey:${"A".repeat(22)}:${publicKeyHash(spki)}`;
}

/** `severity code resource pointer: message`. */
function told(document: object): string[] {
  const { resources, diagnostics } = validateConfig(document);
  if (diagnostics.length > 0) return diagnostics.map(({ code, pointer }) => `error ${code} ${pointer}`);
  const changes = resources.map((resource) => ({ kind: resource.kind, name: resource.name, resource }) as Change);
  return checkSnapshot(applyChanges(emptySnapshot, changes), changes).map(
    ({ severity, code, resource, pointer, message }) =>
      `${severity} ${code} ${resource?.kind}/${resource?.name} ${pointer}: ${message}`,
  );
}

const chainOf = (chain: string) =>
  told({ certificates: [{ name: "c", chain, privateKey: sealed(exampleEcdsa.privateKey) }] });
const bundleOf = (bundle: string, crl?: string) => told({ authorities: [{ name: "a", bundle, crl }] });

test("chains as they should be, with text for people between the blocks", () => {
  expect(chainOf(GOOD)).toEqual([]);
  expect(chainOf(`subject=CN = example\r\n${GOOD.replaceAll("\n", "\r\n")}`)).toEqual([]);
  expect(chainOf(`${GOOD}${AUTHORITY}`)).toEqual([]);
  const below = {
    name: "c",
    chain: `${ODD.below}\n${ODD.intermediate}\n${AUTHORITY}`,
    privateKey: sealed(ODD.belowKey),
  };
  expect(told({ certificates: [below] })).toEqual([]);
});

const CUT_OFF = ODD.crl.replace(/(\S{8}\n-----END)/, "\n-----END");
const SEVENTEEN = Array.from({ length: 17 }, () => GOOD).join("");
const BROKEN: Readonly<Record<string, readonly [string, RegExp]>> = {
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

test.each(Object.entries(BROKEN))("a chain: %s", (_, [chain, reason]) => {
  const found = chainOf(chain);
  expect(found.filter((line) => line.startsWith("error MODEL-CERTIFICATE certificate/c /chain: "))[0]).toMatch(reason);
  // What was sent is never repeated.
  const secret = exampleEcdsa.privateKey.split("\n")[1] as string;
  expect(found.join()).not.toContain(secret);
});

test.each<readonly [string, string, RegExp]>([
  ["of another certificate", exampleRsa.privateKey, /is not the key of the chain's first certificate$/],
  ["of the next one", ODD.belowKey, /is not the key/],
])("a key %s", (_, key, reason) => {
  const [first] = told({ certificates: [{ name: "c", chain: GOOD, privateKey: sealed(key) }] });
  expect(first).toMatch(reason);
  expect(first).toContain("certificate/c /privateKey");
});

test("the key of a certificate further up", () => {
  const [, message] = told({
    certificates: [{ name: "c", chain: `${ODD.intermediate}`, privateKey: sealed(ODD.belowKey) }],
  });
  expect(message).toBeUndefined();
  const chain = `${GOOD}${ODD.below}`;
  expect(told({ certificates: [{ name: "c", chain, privateKey: sealed(ODD.belowKey) }] }).join()).toMatch(
    /it is the key of certificate 2, and this has to come first/,
  );
});

test.each([
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
])("an authority: $what", ({ bundle, crl, field, reason }) => {
  const [first] = bundleOf(bundle, crl);
  expect(first).toMatch(reason);
  expect(first).toContain(`error MODEL-CERTIFICATE authority/a /${field}: `);
});

test("an authority with a revocation list, and with several in any order", () => {
  expect(bundleOf(AUTHORITY, ODD.crl)).toEqual([]);
  expect(bundleOf(`${ODD.intermediate}${AUTHORITY}`)).toEqual([]);
});

test("very long texts are refused by their length", () => {
  expect(chainOf(GOOD.repeat(200))).toEqual(["error SCHEMA-LIMIT /certificates/0/chain"]);
  expect(bundleOf(AUTHORITY.repeat(2000))).toEqual(["error SCHEMA-LIMIT /authorities/0/bundle"]);
});

test("certificates are shown for their names by those for whom they were issued", () => {
  const certificate = (name: string, chain: string) => ({ name, chain, privateKey: "sealed:privateKey:A:B" });
  const document = (hostnames: string[], hostname?: string, shown: string[] = ["example"]) => ({
    fleets: [{ name: "edge", proxy: "envoy" }],
    listeners: [
      { name: "web", fleets: ["edge"], port: 443, protocol: "HTTPS", hostname, tls: { certificates: shown } },
    ],
    routes: [{ name: "r", listeners: ["web"], hostnames, rules: [{ respond: { status: 204 } }] }],
    certificates: [
      certificate("example", GOOD),
      certificate("clients", ODD.clientsOnly),
      certificate("nameless", ODD.nameless),
      certificate("servers", ODD.serversOnly),
    ],
  });
  expect(told(document(["example.com", "A.example.com", "*.example.com"]))).toEqual([]);
  expect(told(document(["a.example.com"], "*.example.com", ["servers"]))).toEqual([]);
  expect(told(document(["a.b.example.com"]))).toEqual([
    'warning MODEL-CERTIFICATE-USE route/r /hostnames/0: no certificate of listener "web" is for a.b.example.com; a wildcard in a certificate stands for one label',
  ]);
  expect(told(document(["example.com"], "example.org")).filter((line) => line.includes("/hostname:"))).toEqual([
    "warning MODEL-CERTIFICATE-USE listener/web /hostname: no certificate of this listener is for example.org: clients that ask for it see a certificate of another name, or none",
  ]);
  expect(told(document(["example.com"], undefined, ["example", "clients", "nameless"]))).toEqual([
    'error MODEL-CERTIFICATE-USE listener/web /tls/certificates/1: certificate "clients" was issued for clients, not for servers (extended key usage)',
    'warning MODEL-CERTIFICATE-USE listener/web /tls/certificates/2: certificate "nameless" has no DNS name (subjectAltName): no client that looks would take it for any host',
  ]);
});

test("a cluster shows what was issued for clients", () => {
  const clusters = [{ name: "one", endpoints: [], tls: { serverName: "a.example.com", clientCertificate: "c" } }];
  const certificates = (chain: string) => [{ name: "c", chain, privateKey: "sealed:privateKey:A:B" }];
  expect(told({ clusters, certificates: certificates(ODD.clientsOnly) })).toEqual([]);
  expect(told({ clusters, certificates: certificates(ODD.serversOnly) })).toEqual([
    'error MODEL-CERTIFICATE-USE cluster/one /tls/clientCertificate: certificate "c" was issued for servers, not for clients (extended key usage)',
  ]);
});

test("what is not good today is told, with the day", () => {
  const { resources } = validateConfig({
    certificates: [
      { name: "expired", chain: ODD.expired, privateKey: "x" },
      { name: "future", chain: ODD.future, privateKey: "x" },
      { name: "good", chain: `${GOOD}${AUTHORITY}`, privateKey: "x" },
    ],
    authorities: [{ name: "a", bundle: AUTHORITY }],
    clusters: [{ name: "c", endpoints: [] }],
  });
  const at = (day: string) =>
    certificateTimes(resources, new Date(day)).map(
      ({ resource, pointer, message }) => `${resource?.name}${pointer} ${message}`,
    );
  expect(at("2030-01-01T00:00:00Z")).toEqual([
    "expired/chain has expired on 2021-01-01T00:00:00Z",
    "future/chain is not valid before 2100-01-01T00:00:00Z",
  ]);
  expect(at("2020-12-25T00:00:00Z")[0]).toBe("expired/chain expires on 2021-01-01T00:00:00Z");
  expect(at("2119-12-20T00:00:00Z").slice(2)).toEqual([
    "good/chain certificate 1 (CN=example-ecdsa,O=Trimtab tests) expires on 2119-12-31T00:00:00Z",
    "good/chain certificate 2 (CN=authority,O=Trimtab tests) expires on 2119-12-31T00:00:00Z",
    "a/bundle expires on 2119-12-31T00:00:00Z",
  ]);
});
