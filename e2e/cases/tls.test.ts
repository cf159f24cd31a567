/**
 * Listeners that end TLS, with real handshakes: who is shown which certificate, what is agreed on, and what becomes of clients that ask
 * for the wrong thing. The rows are a matrix: what a client does, and what it sees on all three proxies.
 */
import { connect as connectHttp2 } from "node:http2";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { e2e, proxyAddresses, proxyNames } from "../harness/context.ts";
import { cluster, type Document } from "../harness/model.ts";
import { freePort } from "../harness/ports.ts";
import { until } from "../harness/process.ts";
import { connectionOn, headerValues, type RawRequest } from "../harness/rawHttp.ts";
import { echoOf, receivedList, serve } from "../harness/serve.ts";
import { certificateMaker, type Handshake, type Hello, type Maker, sayInTheClear, shake } from "../harness/tls.ts";
import { startEcho, type Upstream } from "../harness/upstream.ts";

type ProxyName = (typeof proxyNames)[number];

let echo: Upstream;
let maker: Maker;
const ports: Record<string, number> = {};
const LISTENERS = ["main", "first", "modern", "suite", "shared"] as const;
type ListenerName = (typeof LISTENERS)[number];

beforeAll(async () => {
  echo = await startEcho("inside");
  maker = certificateMaker(join(e2e().workDir, "tls-cases"));
  for (const name of LISTENERS) ports[name] = await freePort(...Object.values(proxyAddresses));
  const certificates = [
    { name: "wide-ecdsa", ...maker.make("wide-ecdsa", { names: "DNS:*.tls.example,DNS:tls.example" }) },
    { name: "wide-rsa", ...maker.make("wide-rsa", { names: "DNS:*.tls.example,DNS:tls.example", key: "rsa" }) },
    { name: "exact", ...maker.make("exact", { names: "DNS:exact.tls.example" }) },
    { name: "other", ...maker.make("other", { names: "DNS:other.example,DNS:*.other.example" }) },
    {
      name: "expired",
      ...maker.make("expired", { names: "DNS:expired.example", from: "20200101000000Z", until: "20200201000000Z" }),
    },
  ];
  /** `main` on its own port, or `shared-wide` on the port of `shared`. */
  const on = (name: string, tls: object, hostname?: string): Document => {
    const port = ports[name.split("-")[0] as string];
    return { name, fleets: [...proxyNames], port, protocol: "HTTPS", tls, ...(hostname && { hostname }) };
  };
  const all = ["wide-ecdsa", "wide-rsa", "exact", "other", "expired"];
  await serve({
    certificates,
    listeners: [
      on("main", { certificates: all }),
      on("first", { certificates: ["other", "exact"], unknownServerName: "first" }),
      on("modern", { certificates: ["exact"], profile: "modern" }),
      on("suite", {
        certificates: ["wide-rsa"],
        maxVersion: "1.2",
        cipherSuites: ["ECDHE-RSA-CHACHA20-POLY1305"],
      }),
      on("shared-wide", { certificates: ["wide-ecdsa"] }, "*.tls.example"),
      on("shared-exact", { certificates: ["exact"] }, "exact.tls.example"),
      on("shared-other", { certificates: ["other"] }, "other.example"),
    ],
    clusters: [cluster("inside", echo.port)],
    routes: [
      {
        name: "inside",
        listeners: ["main", "first", "modern", "suite", "shared-wide", "shared-exact", "shared-other"],
        rules: [
          { matches: [{ path: { prefix: "/moved" } }], redirect: { path: { full: "/new" }, status: 302 } },
          {
            matches: [{ path: { prefix: "/" } }],
            split: [{ cluster: "inside" }],
            responseHeaders: { set: [{ name: "Strict-Transport-Security", value: "max-age=31536000" }] },
          },
        ],
      },
    ],
  });
  for (const proxy of proxyNames)
    for (const name of LISTENERS)
      await until(`${proxy} ends TLS of ${name}`, async () => {
        const done = await shake({ ...at(proxy, name), serverName: name === "first" ? null : "exact.tls.example" });
        done?.socket.destroy();
        if (name === "suite") return true;
        return done;
      });
});

afterAll(() => echo.close());

function at(proxy: ProxyName, listener: ListenerName): Pick<Hello, "address" | "port"> {
  return { address: proxyAddresses[proxy], port: ports[listener] as number };
}

/** What a client sees of a handshake; null: there is none. */
async function seen(proxy: ProxyName, listener: ListenerName, hello: Omit<Hello, "address" | "port">) {
  const done = await shake({ ...at(proxy, listener), ca: maker.authority, ...hello });
  done?.socket.destroy();
  return done === null ? null : { shown: done.shown, distrust: done.distrust };
}

/** Of a connection on which a request for exact.tls.example was answered. */
async function sessionOf(proxy: ProxyName, hello: Omit<Hello, "address" | "port">): Promise<Buffer> {
  const done = await shake({ ...at(proxy, "shared"), ...hello });
  if (done === null) throw new Error("no handshake");
  const session = new Promise<Buffer>((resolve) => done.socket.once("session", resolve));
  await connectionOn(done.socket).request({ path: "/", host: "exact.tls.example" });
  const known = done.socket.getSession();
  const found = hello.maxVersion === "TLSv1.2" && known !== undefined ? known : await session;
  done.socket.destroy();
  return found;
}

/** Whether a session is taken again, and what a request for exact.tls.example is answered; 0: there was no handshake. */
async function resumed(proxy: ProxyName, hello: Omit<Hello, "address" | "port"> & { readonly session: Buffer }) {
  const done = await shake({ ...at(proxy, "shared"), ...hello });
  if (done === null) return { reused: false, status: 0 };
  const reused = done.socket.isSessionReused();
  const { status } = await connectionOn(done.socket).request({ path: "/", host: "exact.tls.example" });
  done.socket.destroy();
  return { reused, status };
}

/** The answers to a request for each host, all on this connection. */
async function statusesOver2(done: Handshake | null, hosts: readonly string[]): Promise<number[]> {
  if (done === null) throw new Error("no handshake");
  const client = connectHttp2("https://unused", { createConnection: () => done.socket });
  const statuses: number[] = [];
  for (const host of hosts) {
    const stream = client.request({ ":path": "/", ":authority": host });
    statuses.push(await new Promise((resolve) => stream.once("response", (head) => resolve(Number(head[":status"])))));
    stream.close();
  }
  client.destroy();
  return statuses;
}

interface Inside extends RawRequest {
  readonly serverName: string;
}

/** One request inside TLS. */
async function get(proxy: ProxyName, listener: ListenerName, { serverName, ...request }: Inside) {
  const done = await shake({ ...at(proxy, listener), serverName });
  if (done === null) throw new Error("no handshake");
  try {
    return await connectionOn(done.socket).request(request);
  } finally {
    done.socket.destroy();
  }
}

const WRONG_NAME = "ERR_TLS_CERT_ALTNAME_INVALID";
const OLD = { minVersion: "TLSv1", maxVersion: "TLSv1.1", ciphers: "DEFAULT@SECLEVEL=0" } as const;
const RSA_ONLY = { maxVersion: "TLSv1.2", ciphers: "ECDHE-RSA-AES128-GCM-SHA256" } as const;

/** A client that does something on a listener. */
const row = (what: string, listener: ListenerName, hello: Omit<Hello, "address" | "port">) => ({
  sees: (sees: Awaited<ReturnType<typeof seen>>) => ({ what, listener, hello, sees }),
});

/** What is asked for on which listener, and what the client sees; null: there is no handshake. */
const rows = [
  row("right", "main", { serverName: "a.tls.example" }).sees({ shown: "wide-ecdsa", distrust: null }),
  row("right, the apex", "main", { serverName: "tls.example" }).sees({ shown: "wide-ecdsa", distrust: null }),
  row("right, in capitals", "main", { serverName: "A.TLS.Example" }).sees({ shown: "wide-ecdsa", distrust: null }),
  row("right, RSA only", "main", { serverName: "a.tls.example", ...RSA_ONLY }).sees({
    shown: "wide-rsa",
    distrust: null,
  }),
  row("an exact name before a wildcard", "main", { serverName: "exact.tls.example" }).sees({
    shown: "exact",
    distrust: null,
  }),
  row("expired", "main", { serverName: "expired.example" }).sees({ shown: "expired", distrust: "CERT_HAS_EXPIRED" }),
  row("no name", "main", { serverName: null }).sees(null),
  row("an unknown name", "main", { serverName: "nobody.example" }).sees(null),
  row("TLS 1.1", "main", { serverName: "a.tls.example", ...OLD }).sees(null),
  row("no name, first", "first", { serverName: null }).sees({ shown: "other", distrust: WRONG_NAME }),
  row("an unknown name, first", "first", { serverName: "nobody.example" }).sees({
    shown: "other",
    distrust: WRONG_NAME,
  }),
  row("a known name, first", "first", { serverName: "exact.tls.example" }).sees({ shown: "exact", distrust: null }),
  row("TLS 1.1, first", "first", { serverName: null, ...OLD }).sees(null),
  row("TLS 1.2, modern", "modern", { serverName: "exact.tls.example", maxVersion: "TLSv1.2" }).sees(null),
  row("TLS 1.3, modern", "modern", { serverName: "exact.tls.example" }).sees({ shown: "exact", distrust: null }),
  row("another suite", "suite", { serverName: "a.tls.example", ciphers: "ECDHE-RSA-AES128-GCM-SHA256" }).sees(null),
  row("a name of one listener", "shared", { serverName: "exact.tls.example" }).sees({ shown: "exact", distrust: null }),
  row("a name of another", "shared", { serverName: "a.tls.example" }).sees({ shown: "wide-ecdsa", distrust: null }),
  row("a name of none", "shared", { serverName: "a.other.example" }).sees(null),
];

describe.each(proxyNames)("%s", (proxy) => {
  it.each(rows)("terminate: $what ($listener)", async ({ listener, hello, sees }) => {
    expect(await seen(proxy, listener, hello)).toEqual(sees);
  });

  it("agrees on TLS 1.3, or what the listener says", async () => {
    const usual = await shake({ ...at(proxy, "main"), serverName: "a.tls.example", ALPNProtocols: ["http/1.1"] });
    const told = await shake({ ...at(proxy, "suite"), serverName: "a.tls.example" });
    usual?.socket.destroy();
    told?.socket.destroy();
    expect(usual).toMatchObject({ version: "TLSv1.3", alpn: "http/1.1" });
    expect(told).toMatchObject({ version: "TLSv1.2", cipher: "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256" });
  });

  it("closes a request in the clear without an answer", async () => {
    expect(await sayInTheClear(at(proxy, "main"), "GET / HTTP/1.1\r\nHost: a.tls.example\r\n\r\n")).toBe("");
  });

  it("tells the endpoint, and the client where it is redirected", async () => {
    const hello = { serverName: "a.tls.example", host: "a.tls.example" };
    const answer = await get(proxy, "main", { ...hello, path: "/" });
    expect(receivedList(echoOf(answer), "x-forwarded-proto")).toEqual(["https"]);
    expect(headerValues(answer, "strict-transport-security")).toEqual(["max-age=31536000"]);
    const moved = await get(proxy, "main", { ...hello, path: "/moved" });
    expect(headerValues(moved, "location")).toEqual([`https://a.tls.example:${ports.main}/new`]);
  });

  it("speaks HTTP/2 where the client does, with the same 421", async () => {
    const ALPNProtocols = ["h2", "http/1.1"];
    const done = await shake({ ...at(proxy, "shared"), serverName: "exact.tls.example", ALPNProtocols });
    expect(done?.alpn).toBe("h2");
    expect(await statusesOver2(done, ["exact.tls.example", "a.tls.example", "nobody.example"])).toEqual([
      200, 421, 404,
    ]);
  });

  it.each(["TLSv1.2", "TLSv1.3"] as const)("a session of %s is resumed for its name only", async (maxVersion) => {
    const session = await sessionOf(proxy, { serverName: "exact.tls.example", maxVersion });
    const again = await resumed(proxy, { serverName: "exact.tls.example", maxVersion, session });
    expect(again).toEqual({ reused: true, status: 200 });
    const other = await resumed(proxy, { serverName: "other.example", maxVersion, session });
    // Whatever is resumed, the connection is the listener's of the name that was asked for.
    expect(other.status).toBe(421);
    expect(await resumed(proxy, { serverName: "nobody.example", maxVersion, session })).toEqual({
      reused: false,
      status: 0,
    });
  });

  it.each([
    ["exact.tls.example", "exact.tls.example", 200],
    ["exact.tls.example", "a.tls.example", 421],
    ["exact.tls.example", "other.example", 421],
    ["exact.tls.example", "nobody.example", 404],
    ["a.tls.example", "exact.tls.example:443", 421],
    ["a.tls.example", "b.tls.example.", 200],
    ["other.example", "A.tls.example", 421],
    ["other.example", "bad host", 400],
  ])("a connection for %s and a request for %s: %s", async (serverName, host, status) => {
    const answer = await get(proxy, "shared", { serverName, path: "/", host });
    expect(answer.status).toBe(status);
    if (status === 421) expect(answer.body).toBe("421 Misdirected Request\n");
  });
});
