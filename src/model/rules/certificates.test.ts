import { createPublicKey } from "node:crypto";
import { expect, test } from "vitest";
import { publicKeyHash } from "../../secrets/reference.ts";
import { AUTHORITY, CERTIFICATES } from "../../suite/arbitrary/certificates.ts";
import { applyChanges, type Change, certificateTimes, checkSnapshot, emptySnapshot, validateConfig } from "../index.ts";
import { BROKEN_AUTHORITIES, BROKEN_CHAINS } from "../testingBroken.ts";
import { ODD } from "../testingPem.ts";

const { exampleEcdsa, exampleRsa } = CERTIFICATES;
const GOOD = exampleEcdsa.chain;

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

test.each(Object.entries(BROKEN_CHAINS))("a chain: %s", (_, [chain, reason]) => {
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

test.each(BROKEN_AUTHORITIES)("an authority: $what", ({ bundle, crl, field, reason }) => {
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
