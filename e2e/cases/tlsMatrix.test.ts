/**
 * TLS as a table: each way in which it is used, and what may be wrong with it. A cell is a piece of data: whom a client asks for and where,
 * what it sees of the handshake, and which endpoint answers. The same on all three proxies.
 */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { e2e, type ProxyName, proxyAddresses, proxyNames } from "../harness/context.ts";
import { cluster, type Document } from "../harness/model.ts";
import { freePort } from "../harness/ports.ts";
import { connectionOn, connectTo, headerValues } from "../harness/rawHttp.ts";
import { echoOf, receivedList, serve } from "../harness/serve.ts";
import {
  certificateMaker,
  type Handshake,
  type Hello,
  type Made,
  type Maker,
  sayInTheClear,
  shake,
} from "../harness/tls.ts";
import { type BytesUpstream, firstLine, greet, helloFor, startBytes } from "../harness/tlsBytes.ts";
import { startEcho, type Upstream } from "../harness/upstream.ts";

const WAYS = ["terminate", "passthrough", "re-encrypt", "mTLS down", "mTLS up", "both on one port"] as const;
/** `both` has HTTPS, passthrough and TLS that ends, on one port. */
const PORTS = [
  "ended",
  "first",
  "passed",
  "again",
  "asked",
  "asked-bytes",
  "optional-bytes",
  "both",
  "headed",
  "quiet",
] as const;
/** Where clients may take so long for a head, and for a hello. */
const QUIET_MS = 1_000;
type PortName = (typeof PORTS)[number];

const EXPIRED = "CERT_HAS_EXPIRED";
const WRONG_NAME = "ERR_TLS_CERT_ALTNAME_INVALID";
const WRONG_CA = "UNABLE_TO_VERIFY_LEAF_SIGNATURE";
const PAST = { from: "20200101000000Z", until: "20200201000000Z" };

interface Cell {
  readonly way: (typeof WAYS)[number];
  readonly what: string;
  readonly port: PortName;
  /** Null: none is asked for. */
  readonly serverName: string | null;
  /** Null: there is no handshake. */
  readonly shown: string | null;
  /** Why the client does not trust what it is shown; null: it does. */
  readonly distrust?: string | null;
  /** Who answers; null: the connection ends without a word. */
  readonly by?: string | null;
  /** The certificate that the client shows, of `made`. */
  readonly shows?: string;
  /** CN of the certificate that the endpoint is shown. */
  readonly client?: string;
  /** By a request; else the endpoint speaks first. */
  readonly http?: boolean;
}

const cells = ([way, port]: readonly [Cell["way"], PortName], ...own: readonly Omit<Cell, "way" | "port">[]): Cell[] =>
  own.map((cell) => ({ way, port, ...cell }));

const table: readonly Cell[] = [
  ...cells(
    ["terminate", "ended"],
    { what: "right", serverName: "right.ended", shown: "right", by: "clear" },
    { what: "wrong CA", serverName: "ca.ended", shown: "foreign", distrust: WRONG_CA, by: "clear" },
    { what: "expired", serverName: "expired.ended", shown: "old", distrust: EXPIRED, by: "clear" },
    { what: "no SNI", serverName: null, shown: null },
    { what: "unknown SNI", serverName: "nobody.example", shown: null },
  ),
  ...cells(
    ["terminate", "first"],
    { what: "wrong name", serverName: "name.first", shown: "right", distrust: WRONG_NAME, by: "clear" },
    { what: "no SNI, first", serverName: null, shown: "right", distrust: WRONG_NAME, by: "clear" },
  ),
  ...cells(
    ["passthrough", "passed"],
    { what: "right", serverName: "right.up", shown: "inner", by: "right" },
    { what: "wrong name", serverName: "name.passed", shown: "inner", distrust: WRONG_NAME, by: "right" },
    { what: "wrong CA", serverName: "ca.up", shown: "foreign", distrust: WRONG_CA, by: "foreign" },
    { what: "expired", serverName: "expired.up", shown: "old", distrust: EXPIRED, by: "old" },
    { what: "no SNI", serverName: null, shown: null },
    { what: "unknown SNI", serverName: "nobody.example", shown: null },
  ),
  ...cells(
    ["re-encrypt", "again"],
    { what: "right", serverName: "right.again.example", shown: "right", by: "right" },
    { what: "wrong name", serverName: "name.again.example", shown: "right", by: null },
    { what: "wrong CA", serverName: "ca.again.example", shown: "right", by: null },
    { what: "expired", serverName: "expired.again.example", shown: "right", by: null },
    { what: "no SNI", serverName: null, shown: null },
    { what: "unknown SNI", serverName: "nobody.example", shown: null },
  ),
  ...cells(
    ["mTLS down", "asked"],
    { what: "right", serverName: "right.web", shown: "right", shows: "client", by: "web", http: true },
    { what: "wrong name", serverName: "name.web", shown: null, shows: "client" },
    // In TLS 1.3 a client is done before it is looked at.
    { what: "wrong CA", serverName: "right.web", shown: "right", shows: "stranger", by: null, http: true },
    { what: "expired", serverName: "right.web", shown: "right", shows: "client-old", by: null, http: true },
    { what: "no certificate", serverName: "right.web", shown: "right", by: null, http: true },
    { what: "no SNI", serverName: null, shown: null, shows: "client" },
    { what: "unknown SNI", serverName: "nobody.example", shown: null, shows: "client" },
  ),
  ...cells(
    ["mTLS down", "asked-bytes"],
    { what: "right, TLS", serverName: "right.bytes", shown: "right", shows: "client", by: "clear" },
    { what: "wrong name, TLS", serverName: "name.bytes", shown: null, shows: "client" },
    { what: "wrong CA, TLS", serverName: "right.bytes", shown: "right", shows: "stranger", by: null },
    { what: "expired, TLS", serverName: "right.bytes", shown: "right", shows: "client-old", by: null },
    { what: "revoked, TLS", serverName: "right.bytes", shown: "right", shows: "revoked", by: null },
    { what: "no certificate, TLS", serverName: "right.bytes", shown: "right", by: null },
    { what: "no SNI, TLS", serverName: null, shown: null, shows: "client" },
    { what: "unknown SNI, TLS", serverName: "nobody.example", shown: null, shows: "client" },
    // Beside it, on the same port.
    { what: "no certificate where none is asked for", serverName: "right.ended", shown: "right", by: "clear" },
    { what: "another authority", serverName: "right.other", shown: "right", shows: "stranger", by: "clear" },
    { what: "that of the listener beside it", serverName: "right.other", shown: "right", shows: "client", by: null },
  ),
  ...cells(
    ["mTLS down", "optional-bytes"],
    { what: "right, optional", serverName: "right.bytes", shown: "right", shows: "client", by: "right" },
    {
      what: "one of two authorities, optional",
      serverName: "right.bytes",
      shown: "right",
      shows: "stranger",
      by: "right",
    },
    { what: "no certificate, optional", serverName: "right.bytes", shown: "right", by: "right" },
    { what: "expired, optional", serverName: "right.bytes", shown: "right", shows: "client-old", by: null },
    {
      what: "no SNI, optional, first",
      serverName: null,
      shown: "right",
      distrust: WRONG_NAME,
      shows: "client",
      by: "right",
    },
    {
      what: "no SNI, expired, optional, first",
      serverName: null,
      shown: "right",
      distrust: WRONG_NAME,
      shows: "client-old",
      by: null,
    },
  ),
  ...cells(
    ["mTLS up", "again"],
    { what: "right", serverName: "right.mutual.example", shown: "right", by: "mutual", client: "client" },
    { what: "wrong name", serverName: "name.mutual.example", shown: "right", by: null },
    { what: "wrong CA", serverName: "ca.mutual.example", shown: "right", by: null },
    { what: "expired", serverName: "expired.mutual.example", shown: "right", by: null },
    { what: "no certificate", serverName: "none.mutual.example", shown: "right", by: null },
  ),
  ...cells(
    ["both on one port", "both"],
    { what: "right, HTTPS", serverName: "right.web", shown: "right", by: "web", http: true },
    { what: "right, passthrough", serverName: "right.up", shown: "inner", by: "right" },
    { what: "right, terminate", serverName: "right.ended", shown: "right", by: "clear" },
    { what: "wrong name, HTTPS", serverName: "name.web", shown: null },
    { what: "wrong name, passthrough", serverName: "name.up", shown: null },
    { what: "wrong CA, HTTPS", serverName: "ca.web", shown: "foreign", distrust: WRONG_CA, by: "web", http: true },
    { what: "expired, HTTPS", serverName: "expired.web", shown: "old", distrust: EXPIRED, by: "web", http: true },
    { what: "expired, passthrough", serverName: "expired.up", shown: "old", distrust: EXPIRED, by: "old" },
    { what: "no SNI", serverName: null, shown: null },
    { what: "unknown SNI", serverName: "nobody.example", shown: null },
    { what: "right, mTLS down", serverName: "right.asked", shown: "right", shows: "client", by: "web", http: true },
    { what: "wrong CA, mTLS down", serverName: "right.asked", shown: "right", shows: "stranger", by: null, http: true },
    { what: "no certificate, mTLS down", serverName: "right.asked", shown: "right", by: null, http: true },
    { what: "right, TLS, mTLS down", serverName: "right.bytes", shown: "right", shows: "client", by: "clear" },
    { what: "wrong CA, TLS, mTLS down", serverName: "right.bytes", shown: "right", shows: "stranger", by: null },
    { what: "no certificate, TLS, mTLS down", serverName: "right.bytes", shown: "right", by: null },
  ),
];

let own: Maker;
let other: Maker;
let echo: Upstream;
const upstreams: Record<string, BytesUpstream> = {};
const ports: Record<string, number> = {};
const made: Record<string, Made> = {};

function listener(name: string, port: PortName, more: object): Document {
  return { name, fleets: [...proxyNames], port: ports[port], protocol: "TLS", ...more };
}

function tlsRoute(name: string, listeners: readonly string[], hostname?: string): Document {
  const hosts = hostname === undefined ? {} : { hostnames: [hostname] };
  return {
    name: `${name}-${listeners[0]}`,
    listeners,
    protocol: "tls",
    ...hosts,
    rules: [{ split: [{ cluster: name }] }],
  };
}

/** Endpoints, and whom they are shown. */
async function startEndpoints(): Promise<void> {
  const inside = (name: string) => ({ cert: made[name]?.chain, key: made[name]?.privateKey });
  const asking = { ca: own.authority, requestCert: true, rejectUnauthorized: true };
  upstreams.right = await startBytes("right", inside("inner"));
  upstreams.foreign = await startBytes("foreign", inside("foreign"));
  upstreams.old = await startBytes("old", inside("old"));
  upstreams.mutual = await startBytes("mutual", { ...inside("inner"), ...asking });
  upstreams.clear = await startBytes("clear");
  echo = await startEcho("web");
}

function makeCertificates(): void {
  const folder = join(e2e().workDir, "tls-matrix");
  own = certificateMaker(join(folder, "own"));
  other = certificateMaker(join(folder, "other"), "another authority");
  made.right = own.make("right", {
    names:
      "DNS:right.ended,DNS:right.web,DNS:right.asked,DNS:right.bytes,DNS:right.other,DNS:*.again.example,DNS:*.mutual.example",
  });
  made.inner = own.make("inner", { names: "DNS:right.up" });
  made.foreign = other.make("foreign", { names: "DNS:ca.ended,DNS:ca.up,DNS:ca.web" });
  made.old = own.make("old", { names: "DNS:expired.ended,DNS:expired.up,DNS:expired.web", ...PAST });
  made.client = own.make("client", { names: "DNS:client.example" });
  made.stranger = other.make("stranger", { names: "DNS:client.example" });
  made.revoked = own.make("revoked", { names: "DNS:client.example" });
  made["client-old"] = own.make("client-old", { names: "DNS:client.example", ...PAST });
}

/** Clusters that are reached inside TLS: by the name of their route's host, to which endpoint, and how. */
const SECURED: Readonly<Record<string, readonly [string, object]>> = {
  "right.again.example": ["right", { serverName: "right.up" }],
  "name.again.example": ["right", { serverName: "name.up" }],
  "ca.again.example": ["foreign", { serverName: "ca.up" }],
  "expired.again.example": ["old", { serverName: "expired.up" }],
  "right.mutual.example": ["mutual", { serverName: "right.up", clientCertificate: "client" }],
  "name.mutual.example": ["mutual", { serverName: "name.up", clientCertificate: "client" }],
  "ca.mutual.example": ["mutual", { serverName: "right.up", clientCertificate: "stranger" }],
  "expired.mutual.example": ["mutual", { serverName: "right.up", clientCertificate: "client-old" }],
  "none.mutual.example": ["mutual", { serverName: "right.up" }],
};

beforeAll(async () => {
  for (const name of PORTS) ports[name] = await freePort(...Object.values(proxyAddresses));
  makeCertificates();
  await startEndpoints();
  const shown = ["right", "foreign", "old"];
  const at = (name: string): number => (upstreams[name] as BytesUpstream).port;
  const key = (host: string): string => host.replaceAll(".", "-");
  const asking = { certificates: shown, clientAuthentication: { mode: "require", authorities: ["own"] } };
  const passthrough = { tls: { mode: "passthrough" } };
  const asks = (mode: string, ...authorities: string[]) => ({
    certificates: ["right"],
    clientAuthentication: { mode, authorities },
  });
  await serve({
    certificates: Object.entries(made)
      .filter(([name]) => name !== "inner")
      .map(([name, pem]) => ({ name, ...pem })),
    authorities: [
      { name: "own", bundle: own.authority },
      { name: "other", bundle: other.authority },
      { name: "revoking", bundle: own.authority, crl: own.revoke("revoked") },
    ],
    listeners: [
      listener("ended", "ended", { tls: { certificates: shown } }),
      listener("first", "first", { tls: { certificates: ["right"], unknownServerName: "first" } }),
      listener("passed", "passed", passthrough),
      listener("again", "again", { tls: { certificates: ["right"] } }),
      listener("asked", "asked", { protocol: "HTTPS", tls: asking }),
      listener("asked-bytes", "asked-bytes", { hostname: "*.bytes", tls: asks("require", "revoking") }),
      listener("asked-other", "asked-bytes", { hostname: "*.other", tls: asks("require", "other") }),
      listener("asked-open", "asked-bytes", { hostname: "*.ended", tls: { certificates: ["right"] } }),
      listener("optional-bytes", "optional-bytes", {
        tls: { ...asks("optional", "own", "other"), unknownServerName: "first" },
      }),
      listener("both-bytes", "both", { hostname: "*.bytes", tls: asks("require", "own") }),
      listener("both-asked", "both", { protocol: "HTTPS", hostname: "*.asked", tls: asking }),
      listener("both", "both", { protocol: "HTTPS", tls: { certificates: shown } }),
      listener("both-passed", "both", { ...passthrough, hostname: "*.up" }),
      listener("both-ended", "both", { hostname: "*.ended", tls: { certificates: shown } }),
      listener("quiet", "quiet", {
        protocol: "HTTPS",
        http: { headersTimeout: `${QUIET_MS}ms` },
        tls: { certificates: ["right"] },
      }),
      listener("quiet-passed", "quiet", { ...passthrough, hostname: "*.up" }),
      listener("quiet-ended", "quiet", { hostname: "*.ended", tls: { certificates: ["right"] } }),
      ...["headed", "headed-passed"].map((name) =>
        listener(name, "headed", {
          proxyProtocol: { mode: "required" },
          connectionLimit: { max: 2 },
          ...(name === "headed" ? { protocol: "HTTPS", tls: { certificates: ["right"] } } : passthrough),
          ...(name === "headed" ? {} : { hostname: "*.up" }),
        }),
      ),
    ],
    clusters: [
      ...Object.keys(upstreams).map((name) => cluster(name, at(name))),
      ...Object.entries(SECURED).map(([host, [to, tls]]) => ({
        ...cluster(key(host), at(to)),
        tls: { authority: "own", ...tls },
      })),
      cluster("web", echo.port),
    ],
    routes: [
      tlsRoute("clear", ["ended", "first", "both-ended", "asked-bytes", "asked-other", "asked-open", "both-bytes"]),
      // Inside TLS again.
      tlsRoute("right-again-example", ["optional-bytes"]),
      tlsRoute("clear", ["quiet-ended"]),
      tlsRoute("right", ["passed", "both-passed", "headed-passed"], "right.up"),
      { ...tlsRoute("right", ["passed"], "name.passed"), name: "wrong-name" },
      tlsRoute("foreign", ["passed", "both-passed"], "ca.up"),
      tlsRoute("old", ["passed", "both-passed"], "expired.up"),
      ...Object.keys(SECURED).map((host) => tlsRoute(key(host), ["again"], host)),
      {
        name: "web",
        listeners: ["both", "headed", "quiet", "asked", "both-asked"],
        rules: [
          { matches: [{ path: { prefix: "/moved" } }], redirect: { path: { full: "/new" }, status: 302 } },
          { split: [{ cluster: "web" }] },
        ],
      },
    ],
  } as Record<string, Document[]>);
});

afterAll(async () => {
  await Promise.all([echo, ...Object.values(upstreams)].map((each) => each.close()));
});

function at(proxy: ProxyName, port: PortName): Pick<Hello, "address" | "port"> {
  return { address: proxyAddresses[proxy], port: ports[port] as number };
}

/** One request on a connection; its host is what was asked for. */
async function request(done: Handshake, path: string, host: string) {
  try {
    return await connectionOn(done.socket).request({ path, host });
  } finally {
    done.socket.destroy();
  }
}

/** What a cell says of a client. */
async function seen(proxy: ProxyName, { port, serverName, http = false, shows }: Cell) {
  const certificate = shows === undefined ? {} : { cert: made[shows]?.chain, key: made[shows]?.privateKey };
  const hello = { ...at(proxy, port), ca: own.authority, serverName, ...certificate };
  const done = await shake({ ...hello });
  if (done === null) return { shown: null };
  const { shown, distrust } = done;
  if (http) {
    const answer = await request(done, "/", serverName ?? "").catch(() => null);
    return { shown, distrust, by: answer === null ? null : (echoOf(answer)?.name ?? null), client: undefined };
  }
  done.socket.destroy();
  const greeted = await greet(hello);
  greeted?.socket.destroy();
  return { shown, distrust, by: greeted?.greeting.name ?? null, client: greeted?.greeting.client ?? undefined };
}

/** What openssl says of a client that speaks TLS 1.1 and nothing newer; true: there was a handshake. */
function speaksOld(proxy: ProxyName, port: PortName, serverName: string): Promise<boolean> {
  const { address, port: number } = at(proxy, port);
  const args = ["s_client", "-connect", `${address}:${number}`, "-servername", serverName, "-tls1_1"];
  return new Promise((resolve) => {
    const child = execFile("openssl", [...args, "-cipher", "DEFAULT@SECLEVEL=0"], (error) => resolve(error === null));
    child.stdin?.end();
  });
}

const named = (cell: Cell): { readonly title: string; readonly cell: Cell } => ({
  title: `${cell.way}: ${cell.what}`,
  cell,
});

describe.each(proxyNames)("%s", (proxy) => {
  it.each(table.map(named))("$title", async ({ cell }) => {
    const { shown, distrust = null, by = null, client } = cell;
    expect(await seen(proxy, cell)).toEqual(shown === null ? { shown } : { shown, distrust, by, client });
  });

  it.each(PORTS.filter((port) => port !== "headed" && port !== "quiet"))("plain HTTP on the port: %s", async (port) => {
    const before = Object.values(upstreams).map((each) => each.greeted());
    expect(await sayInTheClear(at(proxy, port), "GET / HTTP/1.1\r\nHost: right.web\r\n\r\n")).toBe("");
    expect(Object.values(upstreams).map((each) => each.greeted())).toEqual(before);
  });

  it.each([
    ["ended", "right.ended"],
    ["passed", "right.up"],
    ["again", "right.again.example"],
    ["asked", "right.web"],
    ["both", "right.web"],
    ["both", "right.ended"],
    ["both", "right.up"],
  ] as const)("TLS 1.1: %s, %s", async (port, serverName) => {
    expect(await speaksOld(proxy, port, serverName)).toBe(false);
  });

  it.each([
    ["nothing", ""],
    ["half a hello", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"],
  ])("both on one port: a client that says %s is closed", async (_, said) => {
    const started = performance.now();
    expect(await sayInTheClear(at(proxy, "quiet"), said)).toBe("");
    const took = performance.now() - started;
    expect(took).toBeGreaterThan(QUIET_MS * 0.9);
    expect(took).toBeLessThan(4 * QUIET_MS);
  });

  it.each(["TLSv1.2", "TLSv1.3"] as const)(
    "mTLS down: no session of %s stands for a certificate",
    async (maxVersion) => {
      const shows = { cert: made.client?.chain, key: made.client?.privateKey };
      const sessionOf = async (serverName: string, more: object): Promise<Buffer | undefined> => {
        const done = await shake({ ...at(proxy, "asked-bytes"), serverName, maxVersion, ...more });
        if (done === null) throw new Error("no handshake");
        const sessions: Buffer[] = [];
        done.socket.on("session", (session: Buffer) => sessions.push(session));
        expect(await firstLine(done.socket)).toContain("clear");
        const known = maxVersion === "TLSv1.2" ? done.socket.getSession() : undefined;
        done.socket.destroy();
        return known ?? sessions[0];
      };
      // Its own, and one of the listener beside it that asks for nothing.
      for (const [serverName, more] of [["right.bytes", shows] as const, ["right.ended", {}] as const]) {
        const session = await sessionOf(serverName, more);
        const again = {
          ...at(proxy, "asked-bytes"),
          serverName: "right.bytes",
          maxVersion,
          ...(session && { session }),
        };
        expect(await greet(again)).toBeNull();
        const greeted = await greet({ ...again, ...shows });
        expect(greeted?.socket.isSessionReused()).toBe(false);
        greeted?.socket.destroy();
      }
    },
  );

  it("both on one port: a client that says nothing after its hello is closed", async () => {
    const started = performance.now();
    const hello = (await helloFor("right.ended")).toString("latin1");
    expect(await sayInTheClear(at(proxy, "quiet"), hello)).not.toBe("");
    const took = performance.now() - started;
    expect(took).toBeGreaterThan(QUIET_MS * 0.9);
    expect(took).toBeLessThan(4 * QUIET_MS);
  });

  it("both on one port: a request for a host of another listener", async () => {
    const statuses = [];
    for (const host of ["right.web", "right.up", "x.ended", "nobody.example"]) {
      const done = await shake({ ...at(proxy, "both"), serverName: "right.web" });
      if (done === null) throw new Error("no handshake");
      statuses.push((await request(done, "/", host)).status);
    }
    expect(statuses).toEqual([200, 421, 421, 200]);
  });

  it("both on one port: requests know the client and the port", async () => {
    const header = Buffer.from("PROXY TCP4 192.0.2.7 192.0.2.254 4000 443\r\n");
    const socket = await connectTo(at(proxy, "headed"));
    socket.write(header);
    const done = await shake({ ...at(proxy, "headed"), serverName: "right.web", socket });
    if (done === null) throw new Error("no handshake");
    const echoed = echoOf(await request(done, "/", "right.web"));
    expect(receivedList(echoed, "x-forwarded-for")).toEqual(["192.0.2.7"]);
    expect(receivedList(echoed, "x-forwarded-proto")).toEqual(["https"]);
    const moved = await shake({ ...at(proxy, "both"), serverName: "right.web" });
    if (moved === null) throw new Error("no handshake");
    const answer = await request(moved, "/moved", "right.web");
    expect(headerValues(answer, "location")).toEqual([`https://right.web:${ports.both}/new`]);
    // Without a header there is nobody.
    expect(await shake({ ...at(proxy, "headed"), serverName: "right.web" })).toBeNull();
  });

  it("both on one port: HTTP/2 and WebSockets go through", async () => {
    const h2 = await shake({ ...at(proxy, "both"), serverName: "right.web", ALPNProtocols: ["h2", "http/1.1"] });
    h2?.socket.destroy();
    expect(h2?.alpn).toBe("h2");
    const done = await shake({ ...at(proxy, "both"), serverName: "right.web" });
    if (done === null) throw new Error("no handshake");
    const key =
      "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n";
    const opened = await connectionOn(done.socket).exchange(`GET / HTTP/1.1\r\nHost: right.web\r\n${key}\r\n`, true);
    done.socket.destroy();
    expect(opened.status).toBe(101);
  });
});
