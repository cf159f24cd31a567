/**
 * TLS to endpoints: whom the system trusts, names that Envoy alone compares, the PROXY header before TLS, and a client certificate that is
 * replaced while requests come.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { call, problemsOf } from "../harness/api.ts";
import { e2e, type ProxyName, proxyAddresses, proxyNames } from "../harness/context.ts";
import { load } from "../harness/load.ts";
import { cluster, type Document, route } from "../harness/model.ts";
import { freePort } from "../harness/ports.ts";
import { until } from "../harness/process.ts";
import { type Reader, startSecureReader } from "../harness/proxyProtocol.ts";
import { send } from "../harness/rawHttp.ts";
import { applyPart, ask, serve } from "../harness/serve.ts";
import { certificateMaker, type Made, type Maker } from "../harness/tls.ts";
import { type Reached, startTlsUpstream, type TlsUpstream } from "../harness/tlsUpstream.ts";
import { canTrust, trusting } from "../harness/trust.ts";
import type { RunningProxy } from "../proxies/adapter.ts";
import { adapters } from "../proxies/index.ts";

const NAME = "up.example";
const SPIFFE = "spiffe://example.org/ns/edge/sa/app";
const VERIFIED = { serverName: NAME, authority: "own" };
const VERSIONS = ["v1", "v2"] as const;
/** Proxies that send a header with requests. */
const sending = ["envoy", "haproxy"] as const;
/** Of the proxies that are started here. */
const trustAddresses: Readonly<Record<ProxyName, string>> = {
  envoy: "127.0.0.47",
  nginx: "127.0.0.48",
  haproxy: "127.0.0.49",
};
const REPLACED = 4;

/** Names of which a certificate has to have one, and whether the endpoint's does. */
const names: readonly (readonly [string, readonly string[], boolean])[] = [
  ["one of several", ["other.example", NAME], true],
  ["another than is asked for", ["second.example"], true],
  ["none", ["other.example", "spiffe://example.org/ns/edge/sa/other"], false],
  ["a URI", [SPIFFE], true],
  ["a URI in upper case", [SPIFFE.toUpperCase().replace("SPIFFE", "spiffe")], false],
  ["a segment of a URI", ["spiffe://example.org/ns/*/sa/app"], true],
  ["a segment that is two", ["spiffe://example.org/*/sa/app"], false],
  ["the rest of a URI", ["spiffe://example.org/ns/**"], true],
  ["the rest of another URI", ["spiffe://example.com/**"], false],
  ["a label", ["*.example"], true],
  ["a label too few", ["*.up.example"], false],
];

let own: Maker;
let bundle: string;
let readers: Record<(typeof VERSIONS)[number], Reader>;
let upstream: TlsUpstream;
let mutual: TlsUpstream;
let clients: readonly [Made, Made];
let ports: Record<"tcp" | "outer" | "load" | "trust", number>;
const trustingProxies: Partial<Record<ProxyName, RunningProxy>> = {};

beforeAll(async () => {
  const folder = join(e2e().workDir, "cluster-tls-trust");
  own = certificateMaker(join(folder, "own"));
  bundle = join(folder, "bundle.pem");
  await writeFile(bundle, own.authority);
  const { chain: cert, privateKey: key } = own.make("right", { names: `DNS:${NAME},DNS:second.example,URI:${SPIFFE}` });
  upstream = await startTlsUpstream("right", { cert, key });
  mutual = await startTlsUpstream("mutual", {
    ...{ cert, key, ca: own.authority },
    ...{ requestCert: true, rejectUnauthorized: true },
  });
  readers = { v1: await startSecureReader({ cert, key }), v2: await startSecureReader({ cert, key }) };
  const client = (name: string) => own.make(name, { names: `DNS:${name}.example` });
  clients = [client("first"), client("second")];
  const all = [...Object.values(proxyAddresses), ...Object.values(trustAddresses)];
  const free = async () => await freePort(...all);
  ports = { tcp: await free(), outer: await free(), load: await free(), trust: await free() };
  await serve({
    fleets: proxyNames.map((name) => ({ name: `trust-${name}`, proxy: name, bindAddress: trustAddresses[name] })),
    certificates: [{ name: "replaced", ...clients[0] }],
    authorities: [{ name: "own", bundle: own.authority }],
    listeners: [
      { name: "tcp", fleets: [...proxyNames], port: ports.tcp, protocol: "TCP" },
      { name: "outer", fleets: ["envoy", "haproxy"], port: ports.outer, protocol: "HTTP" },
      { name: "load", fleets: [...proxyNames], port: ports.load, protocol: "HTTP" },
      { name: "trust", fleets: proxyNames.map((name) => `trust-${name}`), port: ports.trust, protocol: "HTTP" },
      { name: "names", fleets: ["envoy"], port: ports.trust, protocol: "HTTP" },
    ],
    clusters: [
      ...VERSIONS.map((version) => ({ ...secured(version, readers[version].port), proxyProtocol: version })),
      secured("replaced", mutual.port, { ...VERIFIED, clientCertificate: "replaced" }),
      secured("system", upstream.port, { serverName: NAME }),
      secured("system-named", upstream.port, { serverName: "down.example" }),
      ...names.map(([, subjectAltNames], row) =>
        secured(`names-${row}`, upstream.port, { ...VERIFIED, subjectAltNames }),
      ),
    ],
    routes: [
      { name: "tcp", listeners: ["tcp"], protocol: "tcp", rules: [{ split: [{ cluster: "v1" }] }] },
      ...VERSIONS.map((version) => on("outer", version)),
      { name: "load", listeners: ["load"], rules: [{ split: [{ cluster: "replaced" }] }] },
      ...["system", "system-named"].map((name) => on("trust", name)),
      ...names.map((_, row) => on("names", `names-${row}`)),
    ],
  });
});

afterAll(async () => {
  for (const name of proxyNames) {
    const proxy = trustingProxies[name];
    if (proxy !== undefined) await adapters[name].stop(proxy);
  }
  await Promise.all([upstream, mutual, ...Object.values(readers)].map((each) => each.close()));
});

function secured(name: string, port: number, tls: object = VERIFIED): Document {
  return { ...cluster(name, port), tls };
}

function on(listener: string, name: string): Document {
  return { ...route(`${listener}-${name}`, `${name}.trust`, { split: [{ cluster: name }] }), listeners: [listener] };
}

describe.skipIf(!isApart())("the authorities that the system trusts", () => {
  it.each(proxyNames)("%s", async (name) => {
    const dir = join(e2e().workDir, `trust-${name}`);
    await mkdir(dir);
    const { program } = e2e();
    const start = { program, fleet: `trust-${name}`, address: trustAddresses[name], dir, under: trusting(bundle) };
    trustingProxies[name] = await adapters[name].start(start);
    const get = (host: string) =>
      send({ address: trustAddresses[name], port: ports.trust }, { path: "/", host: `${host}.trust` });
    const { body } = await until("it answers", async () => {
      const answer = await get("system");
      return answer.status === 200 ? answer : null;
    });
    expect(JSON.parse(body)).toMatchObject({ name: "right", serverName: NAME } satisfies Partial<Reached>);
    expect((await get("system-named")).status).toBe(503);
  });
});

/** Whether a process may have files of its own here: any file does for the question. */
function isApart(): boolean {
  return canTrust(import.meta.filename);
}

describe("names", () => {
  it.each(names.map(([what, , isFound], row) => ({ what, isFound, row })))("Envoy: $what", async ({ isFound, row }) => {
    const answer = await ask("envoy", { path: "/", host: `names-${row}.trust`, port: ports.trust });
    expect(answer.status).toBe(isFound ? 200 : 503);
    if (isFound) expect(JSON.parse(answer.body)).toMatchObject({ serverName: NAME });
  });

  it("nginx and HAProxy refuse what they do not compare", async () => {
    const { api } = e2e().program;
    for (const names of [[NAME, "other.example"], [SPIFFE], ["second.example"], ["*.example"]]) {
      const body = secured("replaced", mutual.port, { ...VERIFIED, subjectAltNames: names });
      const answer = await call(api, "PUT /v1/clusters/replaced?dryRun=true", { body });
      expect(answer.status).toBe(422);
      const found = problemsOf(answer).filter(({ code }) => code === "TLS-SUBJECT-NAMES");
      expect(found).toMatchObject([{ pointer: "/tls/subjectAltNames" }, { pointer: "/tls/subjectAltNames" }]);
    }
  });
});

describe("the PROXY header comes before TLS", () => {
  it.each(proxyNames)("%s, TCP", async (proxy) => {
    const answer = await send({ address: proxyAddresses[proxy], port: ports.tcp }, { path: "/", host: "any" });
    expect(JSON.parse(answer.body)).toEqual({ version: "v1", client: "127.0.0.1" });
  });

  it.each(sending.flatMap((proxy) => VERSIONS.map((version) => ({ proxy, version }))))(
    "$proxy, requests, $version",
    async ({ proxy, version }) => {
      const answer = await ask(proxy, { path: "/", host: `${version}.trust`, port: ports.outer });
      expect(JSON.parse(answer.body)).toEqual({ version, client: "127.0.0.1" });
    },
  );
});

it(`a client certificate is replaced ${REPLACED} times, and no request fails`, { timeout: 120_000 }, async () => {
  const loads = proxyNames.map((proxy) => ({
    proxy,
    fresh: load({ host: proxyAddresses[proxy], port: ports.load, path: "/" }, false),
  }));
  const kept = load({ host: proxyAddresses.envoy, port: ports.load, path: "/" }, true);
  for (let change = 1; change <= REPLACED; change++) {
    const name = change % 2 === 0 ? "first" : "second";
    await applyPart({ certificates: [{ name: "replaced", ...(clients[change % 2] as Made) }] });
    for (const proxy of proxyNames)
      await until(`${proxy} shows the ${name}`, async () => {
        const { body } = await ask(proxy, { path: "/", host: "any", port: ports.load });
        return (JSON.parse(body) as Reached).client === name || null;
      });
  }
  const results = await Promise.all([...loads.map(({ fresh }) => fresh), kept].map(({ stop }) => stop()));
  for (const { sent, failed, reasons } of results) {
    expect({ failed, reasons }).toEqual({ failed: 0, reasons: [] });
    expect(sent).toBeGreaterThan(REPLACED);
  }
});
