/** The host inside TLS of a local run: its authority, when there is another certificate, and what the model gets. */
import { X509Certificate } from "node:crypto";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { scratchDir } from "../agent/testSupport.ts";
import { readDevConfig } from "./config.ts";
import { createHttps, HTTPS_HOST, HTTPS_NAME, type Https, withHttps } from "./https.ts";

const DAY_MS = 24 * 60 * 60 * 1000;
const TEXT = `fleets: [{name: a, proxy: nginx, bindAddress: 127.0.0.12}, {name: b, proxy: envoy}]
clusters: [{name: c, labels: {echo: http}, endpoints: [{address: 127.0.0.1, port: 9101}]}]
`;
const config = readDevConfig(TEXT);

let scratch: Awaited<ReturnType<typeof scratchDir>>;
beforeEach(async () => {
  scratch = await scratchDir();
});
afterEach(() => scratch.remove());

const open = (days: number): Promise<Https> =>
  createHttps({ port: 8443, folder: join(scratch.path, "https"), now: () => new Date(Date.now() + days * DAY_MS) });

function chainOf(https: Https): string {
  const [certificate] = https.resources(config).certificates as unknown as readonly { readonly chain: string }[];
  return certificate?.chain ?? "";
}

test("an authority whose certificate is good for the host, and keys for their owner only", async () => {
  const https = await open(0);
  const authority = new X509Certificate(readFileSync(https.authorityFile));
  const leaf = new X509Certificate(chainOf(https));
  expect([authority.ca, leaf.ca, leaf.checkIssued(authority), leaf.verify(authority.publicKey)]).toEqual([
    ...[true, false, true, true],
  ]);
  expect(leaf.checkHost(HTTPS_HOST)).toBe(HTTPS_HOST);
  for (const file of ["ca.key", "https.key"])
    expect((statSync(join(scratch.path, "https", file)).mode & 0o777).toString(8)).toBe("600");
  expect((statSync(join(scratch.path, "https")).mode & 0o777).toString(8)).toBe("700");
});

test("what is there is taken; another one when its end comes near, or when its file is no good; then by the same authority", async () => {
  const first = await open(0);
  const authority = readFileSync(first.authorityFile, "utf8");
  expect(chainOf(await open(59))).toBe(chainOf(first));
  const later = await open(61);
  expect(chainOf(later)).not.toBe(chainOf(first));
  writeFileSync(join(scratch.path, "https/https.pem"), "half");
  const mended = await open(0);
  expect(chainOf(mended)).not.toBe(chainOf(later));
  expect(readFileSync(first.authorityFile, "utf8")).toBe(authority);
  // Of ten years.
  const renewed = await open(3_630);
  expect(readFileSync(first.authorityFile, "utf8")).not.toBe(authority);
  expect(
    new X509Certificate(chainOf(renewed)).verify(new X509Certificate(readFileSync(first.authorityFile)).publicKey),
  ).toBe(true);
});

test("a listener of all fleets, and a rule to the first echo upstream, or one that answers", async () => {
  const https = await open(0);
  expect(withHttps(config, 8443).listeners.map(({ fleet, address, port }) => `${fleet} ${address}:${port}`)).toEqual([
    "a 127.0.0.12:8443",
    "b 0.0.0.0:8443",
  ]);
  expect(withHttps(config, undefined)).toBe(config);
  const { listeners, routes } = https.resources(config);
  expect(listeners).toEqual([
    { name: HTTPS_NAME, fleets: ["a", "b"], port: 8443, protocol: "HTTPS", tls: { certificates: [HTTPS_NAME] } },
  ]);
  expect(routes).toMatchObject([{ hostnames: [HTTPS_HOST], rules: [{ split: [{ cluster: "c" }] }] }]);
  const bare = readDevConfig("fleets: [{name: a, proxy: nginx}]");
  expect(https.resources(bare).routes).toMatchObject([{ rules: [{ respond: { status: 200 } }] }]);
  expect(https.resources(readDevConfig("{}"))).toEqual({});
});
