/**
 * HTTP/2 to endpoints inside TLS: requests, and calls of gRPC with a real client and a server with credentials. Whom a proxy takes for
 * an endpoint is the same as over HTTP/1.1; what is new is what both agree on (ALPN).
 */
import { performServerHandshake } from "node:http2";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { createServer, type Server, type TlsOptions } from "node:tls";
import { ServerCredentials, status } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { e2e, type ProxyName, proxyNames } from "../harness/context.ts";
import { type EchoClient, echoClient, type Outcome } from "../harness/grpcClient.ts";
import { type GrpcEcho, startGrpcEcho } from "../harness/grpcEcho.ts";
import { type GrpcHealth, startGrpcHealth } from "../harness/grpcHealth.ts";
import { type Http2Echo, type Http2Endpoint, startHttp2Endpoint } from "../harness/http2Endpoint.ts";
import { cluster, type Document, route } from "../harness/model.ts";
import { freePort } from "../harness/ports.ts";
import { until } from "../harness/process.ts";
import { ask, serve } from "../harness/serve.ts";
import { certificateMaker, type Made } from "../harness/tls.ts";
import { startTlsUpstream, type TlsUpstream } from "../harness/tlsUpstream.ts";

const HOST = "h2tls.e2e.example";
const NAME = "up.example";
const VERIFIED = { serverName: NAME, authority: "own" };
/** nginx that is installed forwards only calls over HTTP/2. */
const able = ["envoy", "haproxy"] as const satisfies readonly ProxyName[];
const echo = { service: "trimtab.e2e.Echo" };
const UNAVAILABLE = "14 503 Service Unavailable";
const BROKEN = "14 502 Bad Gateway";
const FAST = { interval: "200ms", timeout: "2s", rise: 1, fall: 1 };

/** The endpoint, what its cluster says, and what clients of calls are told; null: they are answered. */
const rows: readonly (readonly [string, string, object, readonly string[] | null])[] = [
  ["right", "right", VERIFIED, null],
  ["right, TLS 1.2 only", "right", { ...VERIFIED, maxVersion: "1.2" }, null],
  ["a name alone", "right", { subjectAltNames: [NAME], authority: "own" }, null],
  ["wrong name", "right", { serverName: "down.example", authority: "own" }, [UNAVAILABLE]],
  ["wrong authority", "right", { serverName: NAME, authority: "other" }, [UNAVAILABLE]],
  ["expired", "expired", VERIFIED, [UNAVAILABLE]],
  ["expired, insecure", "expired", { insecure: true }, null],
  ["in the clear", "clear", VERIFIED, [UNAVAILABLE]],
  ["client certificate", "mutual", { ...VERIFIED, clientCertificate: "client" }, null],
  // The refusal comes behind the handshake of TLS 1.3.
  ["no client certificate", "mutual", VERIFIED, [UNAVAILABLE, BROKEN]],
  ["agrees on HTTP/1.1 alone", "http1", VERIFIED, [UNAVAILABLE]],
  ["speaks HTTP/1.1 and agrees on nothing", "mute1", VERIFIED, [BROKEN]],
  ["speaks HTTP/2 and agrees on nothing", "mute2", VERIFIED, null],
];

const servers: Record<string, GrpcEcho> = {};
const others: Record<string, { readonly port: number; readonly close: () => unknown }> = {};
let endpoint: Http2Endpoint;
let health: GrpcHealth;
let checkedPort: number;

beforeAll(async () => {
  const folder = join(e2e().workDir, "cluster-tls-http2");
  const [own, other] = [certificateMaker(join(folder, "own")), certificateMaker(join(folder, "other"))];
  const right = own.make("right", { names: `DNS:${NAME}` });
  const expired = own.make("expired", { names: `DNS:${NAME}`, from: "20200101000000Z", until: "20200201000000Z" });
  const client = own.make("client", { names: "DNS:client.example" });
  const asking = (made: Made, isAsking = false) =>
    ServerCredentials.createSsl(
      isAsking ? Buffer.from(own.authority) : null,
      [{ cert_chain: Buffer.from(made.chain), private_key: Buffer.from(made.privateKey) }],
      isAsking,
    );
  servers.right = await startGrpcEcho("right", asking(right));
  servers.expired = await startGrpcEcho("expired", asking(expired));
  servers.mutual = await startGrpcEcho("mutual", asking(right, true));
  servers.clear = await startGrpcEcho("clear");
  const tls = { cert: right.chain, key: right.privateKey };
  const http1: TlsUpstream = await startTlsUpstream("http1", { ...tls, ALPNProtocols: ["http/1.1"] });
  Object.assign(others, { http1, mute1: await startMute(tls, false), mute2: await startMute(tls, true) });
  endpoint = await startHttp2Endpoint("secured", tls);
  health = await startGrpcHealth("127.0.0.1:0", asking(right));
  health.set("", true);
  checkedPort = await freePort(...Object.values(e2e().proxies).map(({ address }) => address));
  await serve({
    certificates: [{ name: "client", ...client }],
    authorities: [
      { name: "own", bundle: own.authority },
      { name: "other", bundle: other.authority },
    ],
    listeners: [
      { name: "calls", fleets: [...proxyNames], port: e2e().ports.http2, protocol: "HTTP", http: { http2: "only" } },
      { name: "checked", fleets: [...able], port: checkedPort, protocol: "HTTP" },
    ],
    healthChecks: [
      { name: "serving", type: "grpc", ...FAST, port: health.port },
      { name: "page", type: "http", ...FAST, http: { path: "/health", host: HOST } },
      { name: "open", type: "tcp", ...FAST },
    ],
    clusters: [
      ...rows.map(([, name, settings], index) => secured(`row-${index}`, [portOf(name)], settings)),
      secured("several", [portOf("expired"), portOf("right")], VERIFIED),
      ...["serving", "page", "open"].map((check) => checked(check, VERIFIED)),
      ...["serving", "page", "open"].map((check) =>
        checked(check, { serverName: "down.example", authority: "own" }, "-wrong"),
      ),
      // A gRPC check of endpoints that speak HTTP/1.1.
      { ...cluster("older", http1.port), tls: VERIFIED, healthCheck: "serving" },
    ],
    routes: [
      {
        name: "calls",
        listeners: ["calls"],
        hostnames: [HOST],
        protocol: "grpc",
        rules: [...rows.map((_, index) => to(`row-${index}`)), to("several")],
      },
      ...["serving", "page", "open"].flatMap((check) => [onChecked(check), onChecked(`${check}-wrong`)]),
      onChecked("older"),
    ],
  });
});

afterAll(async () => {
  for (const server of Object.values(servers)) server.close();
  await Promise.all([...Object.values(others), endpoint, health].map((each) => each.close()));
});

function portOf(name: string): number {
  return (servers[name] ?? others[name])?.port as number;
}

function secured(name: string, ports: readonly number[], tls: object): Document {
  return { ...cluster(name, ...ports), protocol: "http2", tls };
}

/** A cluster of the endpoint with a check, named by it. */
function checked(check: string, tls: object, suffix = ""): Document {
  return { ...secured(`${check}${suffix}`, [endpoint.port], tls), healthCheck: check };
}

function onChecked(name: string): Document {
  return { ...route(`checked-${name}`, `${name}.${HOST}`, { split: [{ cluster: name }] }), listeners: ["checked"] };
}

/** Calls with `x-to`. */
function to(name: string) {
  return { matches: [{ grpc: echo, headers: [{ name: "x-to", exact: name }] }], split: [{ cluster: name }] };
}

/** Inside TLS, and nothing is said of what is spoken there. */
async function startMute(tls: TlsOptions, isHttp2: boolean) {
  const server: Server = createServer(tls, (socket) => {
    socket.on("error", () => {});
    if (!isHttp2) {
      socket.end("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
      return;
    }
    const session = performServerHandshake(socket);
    session.on("error", () => {});
    session.on("stream", (stream) => {
      stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
      stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
      // An empty message.
      stream.end(Buffer.alloc(5));
    });
  });
  server.on("tlsClientError", () => {});
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return { port: (server.address() as AddressInfo).port, close: () => server.close() };
}

/** Status and message. */
function toldBy({ code, details }: Outcome): string {
  return `${code} ${details}`;
}

describe.each(proxyNames)("%s", (proxy) => {
  let client: EchoClient;
  beforeAll(() => {
    client = echoClient(`${e2e().proxies[proxy].address}:${e2e().ports.http2}`, HOST);
  });
  afterAll(() => client.close());

  it.each(rows.map(([what, , , told], row) => ({ what, told, row })))("calls: $what", async ({ told, row }) => {
    const metadata = { "x-to": `row-${row}` };
    const outcome = toldBy(await client.unary({ text: "é" }, { metadata, within: 10_000 }));
    // One of the servers has no words for it.
    if (told === null) expect(outcome).toMatch(/^0 (?:OK)?$/);
    // HAProxy refuses the stream of a connection that breaks, and clients go on trying.
    else if (proxy === "haproxy" && told.includes(BROKEN)) expect(outcome).toMatch(/^(?:4|14) /);
    else expect(told).toContain(outcome);
  });

  it("calls: streams both ways, messages, errors and trailers", async () => {
    const metadata = { "x-to": "row-0" };
    const talk = client.talk({ metadata });
    await talk.say("a");
    await talk.say("b");
    talk.stream.end();
    expect((await talk.outcome).code).toBe(status.OK);
    const collected = await client.collect([{}, {}, {}], { metadata });
    expect([collected.code, collected.answers[0]?.count]).toEqual([status.OK, 3]);
    const spread = await client.spread({ count: 3, delay: 5 }, { metadata });
    expect([spread.code, spread.answers.map(({ count }) => count)]).toEqual([status.OK, [0, 1, 2]]);
    const payload = Buffer.alloc(5 * 1024 * 1024, "trimtab ");
    expect((await client.unary({ payload }, { metadata })).answers[0]?.payload.equals(payload)).toBe(true);
    const failed = await client.unary({ status: status.FAILED_PRECONDITION }, { metadata });
    expect(toldBy(failed)).toBe("9 as asked: 100 % é");
    expect(failed.last.get("x-trailer")).toEqual(["right"]);
  });

  it("calls: another endpoint is tried where one is not verified", async () => {
    for (let asked = 0; asked < 8; asked++) {
      const { code, first } = await client.unary({}, { metadata: { "x-to": "several" } });
      expect([code, first.get("x-server")]).toEqual([status.OK, ["right"]]);
    }
  });
});

describe.each(able)("%s", (proxy) => {
  const asked = (name: string) => ask(proxy, { path: "/a?b", host: `${name}.${HOST}`, port: checkedPort });
  const untilStatus = (name: string, wanted: number) =>
    until(`${name} is ${wanted}`, async () => ((await asked(name)).status === wanted ? true : null));

  it("requests: the endpoint is told the host, how it was reached, and agrees on HTTP/2", async () => {
    await untilStatus("page", 200);
    const { headers, tls } = JSON.parse((await asked("page")).body) as Http2Echo;
    expect(headers).toMatchObject({ ":scheme": "https", ":authority": `page.${HOST}`, ":path": "/a?b" });
    expect(headers).toMatchObject({ "x-forwarded-proto": "http" });
    expect(tls).toEqual({ serverName: NAME, alpn: "h2" });
  });

  it.each(["serving", "page", "open"])("probes verify as requests do: %s", async (check) => {
    await untilStatus(check, 200);
    await untilStatus(`${check}-wrong`, 503);
  });

  it("probes over HTTP/2 follow the endpoint's health", async () => {
    endpoint.setHealth(500);
    health.set("", false);
    for (const name of ["page", "serving"]) await untilStatus(name, 503);
    endpoint.setHealth(200);
    health.set("", true);
    for (const name of ["page", "serving"]) await untilStatus(name, 200);
  });

  it("a gRPC check goes over HTTP/2 where requests go over HTTP/1.1", async () => {
    await untilStatus("older", 200);
    expect(JSON.parse((await asked("older")).body)).toMatchObject({ name: "http1", serverName: NAME });
  });
});
