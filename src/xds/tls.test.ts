/** The port with client certificates, over the wire: who is turned away and with which words, and new certificates without an end. */
import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { connect as connectTcp } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect as connectTls } from "node:tls";
import { fromBinary } from "@bufbuild/protobuf";
import { Client, credentials } from "@grpc/grpc-js";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { type ClientStatusResponse, ClientStatusResponseSchema } from "../gen/proto/envoy/service/status/v3/csds_pb.js";
import { TLS_FILES_MS, type TlsFilesEvent } from "../util/tlsFiles.ts";
import type { RefusalEvent, XdsServer } from "./index.ts";
import { CLUSTER, connect, fleet, NODE, resource, startServer, subscriber, type TestClient } from "./testing.ts";
import { createAuthority, type Issued } from "./testingCertificates.ts";
import { systemClock } from "./transport.ts";

const clientCa = createAuthority("clients");
const serverCa = createAuthority("servers");
const other = createAuthority("others");
const EDGE = "spiffe://td/fleet/edge";
const good = clientCa.issue({ uris: [EDGE], dns: ["envoy-1.example.org"] });

const dir = mkdtempSync(join(tmpdir(), "trimtab-tls-"));
const files = { cert: join(dir, "server.pem"), key: join(dir, "server.key"), clientCa: join(dir, "ca.pem") };
const refused: RefusalEvent[] = [];
const read: TlsFilesEvent[] = [];
/** Looks at the files now, not in seconds. */
const looks: (() => void)[] = [];
let daysOn = 0;
const clock = {
  ...systemClock,
  now: () => new Date(Date.now() + daysOn * 24 * 60 * 60 * 1000),
  after(milliseconds: number, callback: () => void): () => void {
    if (milliseconds !== TLS_FILES_MS) return systemClock.after(milliseconds, callback);
    looks.push(callback);
    return () => {};
  },
};
let server: XdsServer;
let address: string;
let edge: ReturnType<typeof fleet>;
const clients: TestClient[] = [];
/** Who is refused does not try again within a test. */
const ONE_TRY = { "grpc.initial_reconnect_backoff_ms": 600_000, "grpc.max_reconnect_backoff_ms": 600_000 };

/** As secrets are swapped: never half a file. */
function put(path: string, text: string): void {
  writeFileSync(`${path}.new`, text, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

function putServer({ cert, key }: Issued): void {
  put(files.cert, cert);
  put(files.key, key);
}

/** Looks at the files and gives what came of it. */
async function look(): Promise<TlsFilesEvent | undefined> {
  const before = read.length;
  const waiting = looks.length;
  for (const each of looks.splice(0)) each();
  await expect.poll(() => looks.length).toBe(waiting);
  return read[before];
}

function client(holder: Issued | null, trust = serverCa): TestClient {
  const pem = holder === null ? [] : [Buffer.from(holder.key), Buffer.from(holder.cert)];
  const channel = credentials.createSsl(Buffer.from(trust.cert), ...pem);
  const made = connect(address.replace("127.0.0.1", "localhost"), ONE_TRY, channel);
  clients.push(made);
  return made;
}

/** How a stream to this fleet ends. */
async function ending(holder: Issued | null, cluster = "edge", trust = serverCa) {
  const mine = client(holder, trust);
  const stream = mine.stream({ delta: true, ads: true });
  stream.send({ node: { ...NODE, cluster }, typeUrl: CLUSTER });
  const status = await stream.ended();
  // It would try again.
  mine.close();
  return status;
}

/** The one refusal that was told. */
async function told(): Promise<RefusalEvent> {
  await expect.poll(() => refused).toHaveLength(1);
  return refused[0] as RefusalEvent;
}

beforeAll(async () => {
  putServer(serverCa.issue({ dns: ["localhost"], ips: ["127.0.0.1"] }));
  put(files.clientCa, clientCa.cert);
  const onRefused = (event: RefusalEvent): void => void refused.push(event);
  const started = await startServer({ tls: files, clock, onRefused, onTlsFiles: (event) => void read.push(event) });
  ({ server, address } = started);
  server.setAccess("edge", [EDGE]);
  edge = fleet(server);
  edge.set(resource(CLUSTER, "a"));
  server.setView("closed", new Map(), 1);
});

beforeEach(() => {
  refused.length = 0;
});

afterAll(async () => {
  for (const each of clients) each.close();
  await server.close();
  rmSync(dir, { recursive: true });
});

test("a client whose certificate the fleet allows is served, in every variant", async () => {
  for (const delta of [true, false]) {
    for (const ads of [true, false]) {
      const stream = client(good).stream({ delta, ads }, CLUSTER);
      stream.send({ node: NODE, typeUrl: CLUSTER });
      expect((await stream.next()).names).toEqual(["a"]);
    }
  }
  expect(refused).toEqual([]);
});

test("client status tells a client of the fleets that its certificate may pull, and of no others", async () => {
  const stream = client(good).stream({ delta: true, ads: true });
  stream.send({ node: NODE, typeUrl: CLUSTER });
  await stream.next();
  const FETCH = "/envoy.service.status.v3.ClientStatusDiscoveryService/FetchClientStatus";
  const fetchStatus = (holder: Issued): Promise<ClientStatusResponse> => {
    const channel = credentials.createSsl(
      Buffer.from(serverCa.cert),
      Buffer.from(holder.key),
      Buffer.from(holder.cert),
    );
    const status = new Client(address.replace("127.0.0.1", "localhost"), channel, ONE_TRY);
    const decode = (bytes: Buffer): ClientStatusResponse => fromBinary(ClientStatusResponseSchema, bytes);
    return new Promise<ClientStatusResponse>((resolve, reject) => {
      status.makeUnaryRequest(
        FETCH,
        (bytes: Buffer) => bytes,
        decode,
        Buffer.alloc(0),
        (error, answer) => {
          if (error === null) resolve(answer!);
          else reject(error);
        },
      );
    }).finally(() => status.close());
  };
  const ids = ({ config }: ClientStatusResponse) => config.map(({ node }) => node!.id);
  expect(new Set(ids(await fetchStatus(good)))).toEqual(new Set([NODE.id]));
  const elsewhere = clientCa.issue({ uris: ["spiffe://td/fleet/other"] });
  expect(ids(await fetchStatus(elsewhere))).toEqual([]);
  await expect(fetchStatus(other.issue({ uris: [EDGE] }))).rejects.toMatchObject({ code: 14 });
  await expect.poll(() => refused.map(({ reason }) => reason)).toEqual(["unknownAuthority"]);
  stream.cancel();
});

test.each([
  ["of another authority", other.issue({ uris: [EDGE] }), ["unknownAuthority", "UNABLE_TO_VERIFY_LEAF_SIGNATURE"]],
  ["that has expired", clientCa.issue({ uris: [EDGE], from: -3, to: -2 }), ["expired", "CERT_HAS_EXPIRED"]],
  ["for servers only", clientCa.issue({ uris: [EDGE], serverOnly: true }), ["badCertificate", "INVALID_PURPOSE"]],
  ["that is not valid yet", clientCa.issue({ uris: [EDGE], from: 2, to: 3 }), ["notYetValid", "CERT_NOT_YET_VALID"]],
] as const)("a certificate %s ends in the handshake", async (_what, holder, [reason, code]) => {
  expect(await ending(holder)).toMatchObject({ code: 14 });
  const event = refused[0] as RefusalEvent;
  expect(event).toMatchObject({ reason, message: expect.stringContaining(code), nodeId: null, group: null });
  expect(event.peer).toMatch(/^127\.0\.0\.1:\d+$/);
  expect(server.metrics().refusals.get(reason)).toBeGreaterThan(0);
});

test("no certificate ends in the handshake", async () => {
  expect(await ending(null)).toMatchObject({ code: 14 });
  expect(refused[0]).toMatchObject({
    reason: "noCertificate",
    message: expect.stringContaining("showed no client cert"),
  });
  expect(server.metrics().refusals.get("noCertificate")).toBeGreaterThan(0);
});

test("plaintext gRPC on the TLS port is told as such", async () => {
  const plain = connect(address, ONE_TRY);
  const stream = plain.stream({ delta: true, ads: true });
  stream.send({ node: NODE, typeUrl: CLUSTER });
  expect(await stream.ended()).toMatchObject({ code: 14 });
  plain.close();
  expect(refused[0]).toMatchObject({ reason: "plaintext" });
});

test("handshakes with an old TLS, without HTTP/2, or given up half way are told", async () => {
  const port = Number(address.split(":")[1]);
  const close = (socket: { once(event: "close", call: () => void): unknown }): Promise<void> =>
    new Promise((resolve) => socket.once("close", () => resolve()));
  const shown = { port, host: "127.0.0.1", ca: serverCa.cert, ...good };
  const http1 = connectTls({ ...shown, ALPNProtocols: ["http/1.1"] }).on("error", () => {});
  await close(http1);
  expect(await told()).toMatchObject({ reason: "protocol", message: expect.stringContaining("APPLICATION_PROTOCOL") });
  refused.length = 0;
  const old = { minVersion: "TLSv1.1", maxVersion: "TLSv1.1", ciphers: "DEFAULT@SECLEVEL=0" } as const;
  await close(connectTls({ ...shown, ...old, ALPNProtocols: ["h2"] }).on("error", () => {}));
  expect(await told()).toMatchObject({ reason: "protocol", message: expect.stringContaining("UNSUPPORTED_PROTOCOL") });
  refused.length = 0;
  const half = connectTcp(port, "127.0.0.1");
  half.once("connect", () => half.end());
  half.resume();
  await close(half);
  expect(await told()).toMatchObject({ reason: "handshake" });
});

test.each(["TLSv1.2", "TLSv1.3"] as const)(
  "no session of %s is resumed: each connection's certificate is judged",
  async (version) => {
    const port = Number(address.split(":")[1]);
    const shown = {
      port,
      host: "127.0.0.1",
      servername: "localhost",
      ca: serverCa.cert,
      ...good,
      ALPNProtocols: ["h2"],
    };
    const reused: boolean[] = [];
    let session: Buffer | undefined;
    for (let turn = 0; turn < 2; turn++) {
      const socket = connectTls({ ...shown, minVersion: version, maxVersion: version, ...(session && { session }) });
      socket.on("session", (next) => {
        session = next;
      });
      await new Promise((resolve) => socket.once("data", resolve));
      reused.push(socket.isSessionReused());
      session ??= socket.getSession();
      socket.destroy();
    }
    expect(reused).toEqual([false, false]);
  },
);

test("the right authority but another fleet: PERMISSION_DENIED with the reason, and nothing is sent", async () => {
  const shop = clientCa.issue({ uris: ["spiffe://td/fleet/shop"] });
  const message = 'fleet "edge" does not allow spiffe://td/fleet/shop (xds.allow)';
  expect(await ending(shop)).toMatchObject({ code: 7, details: message });
  expect(await told()).toMatchObject({
    reason: "notAllowed",
    message,
    identities: ["spiffe://td/fleet/shop"],
    nodeId: "n1",
    group: "edge",
  });
  expect(server.metrics().refusals.get("notAllowed")).toBe(1);
  expect(server.nodes("edge").map(({ nodeId }) => nodeId)).not.toContain("shop");
});

test("a refused client connects anew, and streams of its connection that are allowed go on", async () => {
  server.setView("mine", new Map([[CLUSTER, new Map([["b", resource(CLUSTER, "b")]])]]), 1);
  server.setAccess("mine", [EDGE]);
  server.setAccess("closed", ["spiffe://td/other"]);
  const mine = client(good);
  const open = mine.stream({ delta: true, ads: true });
  open.send({ node: { ...NODE, cluster: "mine" }, typeUrl: CLUSTER });
  await open.next();
  const before = server.nodes("mine")[0]!.connectedAt;
  const refusedStream = mine.stream({ delta: true, ads: true });
  refusedStream.send({ node: { ...NODE, cluster: "closed" }, typeUrl: CLUSTER });
  expect(await refusedStream.ended()).toMatchObject({ code: 7 });
  const next = mine.stream({ delta: true, ads: true });
  next.send({ node: { ...NODE, cluster: "closed" }, typeUrl: CLUSTER });
  expect(await next.ended()).toMatchObject({ code: 7 });
  expect(new Set(refused.map(({ peer }) => peer)).size).toBe(2);
  server.setView("mine", new Map([[CLUSTER, new Map([["b", resource(CLUSTER, "b", "2")]])]]), 2);
  expect((await open.next()).names).toEqual(["b"]);
  expect(server.nodes("mine")[0]!.connectedAt).toBe(before);
  server.setAccess("closed", null);
});

test("a fleet that allows nobody, a certificate without a name and an unknown fleet are refused", async () => {
  expect(await ending(good, "closed")).toMatchObject({ code: 7, details: expect.stringContaining("has no xds.allow") });
  expect(await ending(clientCa.issue({}))).toMatchObject({ code: 7, details: expect.stringContaining("names nobody") });
  expect(refused.map(({ reason }) => reason)).toEqual(["noRules", "noIdentity"]);
  expect(await ending(good, "unknown")).toMatchObject({ code: 5 });
});

test("changed rules end open streams that they no longer allow, and those only", async () => {
  const streams = [good, clientCa.issue({ uris: ["spiffe://td/fleet/two"] })].map((holder) =>
    client(holder).stream({ delta: true, ads: true }),
  );
  server.setAccess("edge", ["spiffe://td/fleet/*"]);
  for (const stream of streams) {
    stream.send({ node: NODE, typeUrl: CLUSTER });
    await stream.next();
  }
  server.setAccess("edge", [EDGE]);
  edge.set(resource(CLUSTER, "a", "secret"));
  expect(await streams[1]!.ended()).toMatchObject({ code: 7, details: expect.stringContaining("does not allow") });
  expect(streams[1]!.received).toHaveLength(1);
  expect((await streams[0]!.next()).resources[0]!.bytes.toString()).toBe("a|secret");
  expect(await told()).toMatchObject({ reason: "notAllowed", identities: ["spiffe://td/fleet/two"] });
  server.setAccess("edge", null);
  expect(await streams[0]!.ended()).toMatchObject({ code: 7, details: expect.stringContaining("has no xds.allow") });
  server.setAccess("edge", [EDGE]);
});

test("new server certificates and authorities are taken for new connections, and no stream ends", async () => {
  const open = client(good).stream({ delta: true, ads: true });
  const sub = subscriber(open, CLUSTER);
  sub.wantAll();
  sub.ack(await open.next());
  const expires = server.metrics().tlsExpires;
  const newServerCa = createAuthority("new servers");
  const newClientCa = createAuthority("new clients");
  putServer(newServerCa.issue({ dns: ["localhost"], to: 5 }));
  put(files.clientCa, newClientCa.cert);
  expect(await look()).toMatchObject({ ok: true });
  expect(server.metrics()).toMatchObject({ tlsReloads: 1, tlsReloadFailures: 0 });
  expect(server.metrics().tlsExpires).toBeGreaterThan(expires);

  const fresh = client(newClientCa.issue({ uris: [EDGE] }), newServerCa).stream({ delta: true, ads: true });
  fresh.send({ node: { ...NODE, id: "n2" }, typeUrl: CLUSTER });
  expect((await fresh.next()).names).toEqual(["a"]);
  // What was good before is not any more, for connections that are new.
  expect(await ending(good, "edge", newServerCa)).toMatchObject({ code: 14 });
  expect(refused[0]).toMatchObject({ reason: "unknownAuthority" });
  expect(await ending(newClientCa.issue({ uris: [EDGE] }), "edge", serverCa)).toMatchObject({ code: 14 });

  edge.set(resource(CLUSTER, "a", "after"));
  for (const stream of [open, fresh]) expect((await stream.next()).resources[0]!.bytes.toString()).toBe("a|after");
});

test("files that are no good leave the ones before in use, and are told once", async () => {
  const failures = server.metrics().tlsReloadFailures;
  const words = async (): Promise<string> => {
    const event = await look();
    return event?.ok === false ? event.message : String(event?.ok);
  };
  const { cert, key } = serverCa.issue({ dns: ["localhost"] });
  put(files.cert, cert);
  // The key comes later.
  expect(await words()).toContain("cannot be used together");
  expect(await look()).toBeUndefined();
  put(files.cert, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
  expect(await words()).toContain("cannot be read");
  putServer(serverCa.issue({ dns: ["localhost"], from: -3, to: -2 }));
  expect(await words()).toContain("has expired");
  putServer({ cert, key });
  put(files.clientCa, "no certificate");
  expect(await words()).toContain("holds no certificate in PEM");
  rmSync(files.clientCa);
  expect(await words()).toContain("no such file");
  daysOn = 10;
  putServer({ cert, key });
  put(files.clientCa, clientCa.cert);
  expect(await words()).toContain("has expired");
  daysOn = 0;
  expect(server.metrics().tlsReloadFailures).toBe(failures + 6);
  expect(JSON.stringify(read)).not.toContain("PRIVATE");
  expect(await words()).toBe("true");
  // The one in use grows old, and nobody renews it.
  daysOn = 10;
  expect(await words()).toContain("has expired");
  expect(await look()).toBeUndefined();
  daysOn = 0;
  expect(await look()).toBeUndefined();
  const stream = client(good).stream({ delta: true, ads: true });
  stream.send({ node: NODE, typeUrl: CLUSTER });
  expect((await stream.next()).names).toEqual(["a"]);
});

test("strangers are counted all, and told in bounded number", async () => {
  const port = Number(address.split(":")[1]);
  const knock = (): Promise<void> =>
    new Promise((resolve) => {
      const socket = connectTcp(port, "127.0.0.1", () => socket.end("GET / HTTP/1.1\r\n\r\n"));
      socket.on("error", () => {}).on("close", () => resolve());
      socket.resume();
    });
  const before = server.metrics().refusals.get("plaintext")!;
  for (let turn = 0; turn < 60; turn++) await knock();
  await expect.poll(() => server.metrics().refusals.get("plaintext")).toBe(before + 60);
  expect(refused.length).toBeLessThanOrEqual(20);
  // They hide nobody else.
  await ending(null);
  expect(refused.at(-1)).toMatchObject({ reason: "noCertificate" });
});

test("who is in the middle of a handshake does not hold up the end", async () => {
  const silent = connectTcp(Number(address.split(":")[1]), "127.0.0.1");
  await new Promise((resolve) => silent.once("connect", resolve));
  const gone = new Promise((resolve) => silent.on("error", () => {}).once("close", resolve));
  for (const each of clients.splice(0)) each.close();
  const since = performance.now();
  await server.close();
  await gone;
  expect(performance.now() - since).toBeLessThan(5_000);
});
