/**
 * Health checks inside TLS, with the three proxies as `trimtab dev` runs them: Envoy and HAProxy probe by themselves, for nginx its agent
 * does. Whom requests would not take for an endpoint does not pass a probe either.
 */
import { mkdir, mkdtemp, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ServerCredentials } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { must } from "../harness/api.ts";
import { e2e, type ProxyName, proxyNames } from "../harness/context.ts";
import { type GrpcHealth, startGrpcHealth } from "../harness/grpcHealth.ts";
import { cluster, type Document, type Model, route } from "../harness/model.ts";
import { freePort } from "../harness/ports.ts";
import { type Child, startChild, stopChild, until } from "../harness/process.ts";
import { programEntry } from "../harness/program.ts";
import { send } from "../harness/rawHttp.ts";
import { certificateMaker, type Made, type Maker } from "../harness/tls.ts";
import { startTlsUpstream, type TlsUpstream } from "../harness/tlsUpstream.ts";

/** Of the proxies that `trimtab dev` starts here. */
const addresses: Readonly<Record<ProxyName, string>> = {
  envoy: "127.0.0.44",
  nginx: "127.0.0.45",
  haproxy: "127.0.0.46",
};
const NAME = "up.example";
const VERIFIED = { serverName: NAME, authority: "own" };
const FAST = { interval: "500ms", timeout: "3s", rise: 1, fall: 1 };
const PATIENCE_MS = 30_000;

/** Cluster, its check, the endpoint, what it says of TLS; why the agent beside nginx takes the endpoint out, null: it serves. */
const rows: readonly (readonly [string, string, string, object, RegExp | null])[] = [
  ["open", "open", "right", VERIFIED, null],
  ["page", "page", "right", VERIFIED, null],
  ["calls", "calls", "right", VERIFIED, null],
  ["alone", "page", "right", { subjectAltNames: [NAME], authority: "own" }, null],
  ["insecure", "page", "self", { insecure: true }, null],
  ["mutual", "page", "mutual", { ...VERIFIED, clientCertificate: "client" }, null],
  ["older", "open", "mutual", { ...VERIFIED, clientCertificate: "client", maxVersion: "1.2" }, null],
  ["open-named", "open", "right", { ...VERIFIED, serverName: "down.example" }, /another name/],
  ["page-named", "page", "right", { ...VERIFIED, serverName: "down.example" }, /another name/],
  ["calls-named", "calls", "right", { ...VERIFIED, serverName: "down.example" }, /another name/],
  ["authority", "open", "right", { serverName: NAME, authority: "other" }, /not of the authority/],
  ["system", "open", "right", { serverName: NAME }, /not of the authority/],
  ["expired", "page", "expired", VERIFIED, /has expired/],
  ["self", "page", "self", VERIFIED, /not of the authority|signed by itself/],
  ["newer", "open", "old", { ...VERIFIED, minVersion: "1.3" }, /PROTOCOL_VERSION/],
  ["stranger", "page", "mutual", { ...VERIFIED, maxVersion: "1.2" }, /./],
];

let program: Child;
let api: string;
let port: number;
let health: GrpcHealth;
let client: Made;
const upstreams: Record<string, TlsUpstream> = {};

async function startUpstreams(own: Maker, other: Maker): Promise<void> {
  const names = `DNS:${NAME}`;
  const of = ({ chain, privateKey }: Made) => ({ cert: chain, key: privateKey });
  const right = own.make("right", { names });
  const expired = own.make("expired", { names, from: "20200101000000Z", until: "20200201000000Z" });
  const started = {
    right: of(right),
    old: { ...of(right), maxVersion: "TLSv1.2" },
    expired: of(expired),
    self: of(other.make("self", { names })),
    mutual: { ...of(right), ca: own.authority, requestCert: true, rejectUnauthorized: true },
  } as const;
  for (const [name, options] of Object.entries(started)) upstreams[name] = await startTlsUpstream(name, options);
  const credentials = ServerCredentials.createSsl(null, [
    { cert_chain: Buffer.from(right.chain), private_key: Buffer.from(right.privateKey) },
  ]);
  health = await startGrpcHealth("127.0.0.1:0", credentials);
  health.set("", true);
}

function model(own: Maker, other: Maker): Model {
  return {
    fleets: proxyNames.map((name) => ({
      name,
      proxy: name,
      bindAddress: addresses[name],
      ...(name === "nginx" ? { healthChecks: "agent" } : {}),
    })),
    listeners: [{ name: "web", fleets: [...proxyNames], port, protocol: "HTTP" }],
    geoTables: [],
    healthChecks: [
      { name: "open", type: "tcp", ...FAST },
      { name: "page", type: "http", ...FAST, http: { path: "/health", host: NAME } },
      { name: "calls", type: "grpc", ...FAST, port: health.port },
    ],
    clusters: rows.map(([name, healthCheck, endpoint, tls]): Document => {
      return { ...cluster(name, (upstreams[endpoint] as TlsUpstream).port), tls, healthCheck };
    }),
    routes: rows.map(([name]) => route(name, `${name}.checks`, { split: [{ cluster: name }] })),
    canaries: [],
    certificates: [{ name: "client", ...client }],
    authorities: [
      { name: "own", bundle: own.authority },
      { name: "other", bundle: other.authority },
    ],
  };
}

let log: string;

beforeAll(async () => {
  const dir = await mkdtemp(join(e2e().workDir, "cluster-tls-checks-"));
  const [own, other] = [certificateMaker(join(dir, "own")), certificateMaker(join(dir, "other"))];
  client = own.make("client", { names: "DNS:client.example" });
  await startUpstreams(own, other);
  port = await freePort(...Object.values(addresses));
  const [http, xds] = [await freePort(), await freePort()];
  api = `http://127.0.0.1:${http}`;
  await mkdir(join(dir, "data"));
  const file = join(dir, "config.yaml");
  await writeFile(file, stringify(model(own, other)));
  const sockets = ["--http", `127.0.0.1:${http}`, "--xds", `127.0.0.1:${xds}`, "--data", join(dir, "data")];
  log = join(dir, "dev.log");
  program = startChild(process.execPath, [programEntry(), "dev", file, ...sockets], { logFile: log });
});

afterAll(async () => {
  await stopChild(program);
  await health.close();
  await Promise.all(Object.values(upstreams).map((upstream) => upstream.close()));
});

async function statusOf(proxy: ProxyName, name: string): Promise<number> {
  return (await send({ address: addresses[proxy], port }, { path: "/", host: `${name}.checks` })).status;
}

async function untilStatus(proxy: ProxyName, name: string, wanted: number): Promise<void> {
  const look = async () => ((await statusOf(proxy, name)) === wanted ? true : null);
  await until(`${proxy} answers ${wanted} for ${name}`, look, { timeoutMs: PATIENCE_MS });
}

interface Down {
  readonly cluster: string;
  readonly reason: string | null;
}

/** The endpoints that the agent beside nginx says are down. */
async function down(): Promise<readonly Down[]> {
  const { items } = (await must(api, "GET /v1/fleets/nginx/proxies")).json as { items: { endpointsDown?: Down[] }[] };
  return items[0]?.endpointsDown ?? [];
}

describe.each(proxyNames)("%s", (proxy) => {
  it("serves who passes, and nobody else", async () => {
    for (const [name, , , , reason] of rows) await untilStatus(proxy, name, reason === null ? 200 : 503);
  });
});

it("the agent beside nginx says why", async () => {
  const failing = rows.filter(([, , , , reason]) => reason !== null);
  const found = await until("all are probed", async () => {
    const told = await down();
    return told.length === failing.length && told.every(({ reason }) => reason !== null) ? told : null;
  });
  for (const [name, , , , reason] of failing)
    expect(found.find((each) => each.cluster === name)?.reason, name).toMatch(reason as RegExp);
});

it("probes follow: one that goes, and who is trusted", async () => {
  health.set("", false);
  await Promise.all(proxyNames.map((proxy) => untilStatus(proxy, "calls", 503)));
  health.set("", true);
  await must(api, "PUT /v1/clusters/authority", {
    body: {
      ...cluster("authority", (upstreams.right as TlsUpstream).port),
      tls: VERIFIED,
      healthCheck: "open",
    },
  });
  for (const name of ["calls", "authority", "mutual"])
    await Promise.all(proxyNames.map((proxy) => untilStatus(proxy, name, 200)));
});

it("no key stands in the log", async () => {
  const [, line = ""] = client.privateKey.split("\n");
  expect(line.length).toBeGreaterThan(40);
  expect(await readFile(log, "utf8")).not.toContain(line);
});
