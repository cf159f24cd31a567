/**
 * Listeners that end TLS, with real handshakes: who is shown which certificate, what is agreed on, and what becomes of clients that ask
 * for the wrong thing. The rows are a matrix: what a client does, and what it sees on all three proxies.
 */
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { e2e, proxyAddresses, proxyNames } from "../harness/context.ts";
import { cluster, type Document } from "../harness/model.ts";
import { freePort } from "../harness/ports.ts";
import { until } from "../harness/process.ts";
import { connectionOn, headerValues, type RawRequest } from "../harness/rawHttp.ts";
import { echoOf, receivedList, serve } from "../harness/serve.ts";
import { certificateMaker, type Hello, type Maker, sayInTheClear, shake } from "../harness/tls.ts";
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
  const on = (name: string, port: ListenerName, tls: object, more: object = {}): Document => {
    return { name, fleets: [...proxyNames], port: ports[port], protocol: "HTTPS", tls, ...more };
  };
  const all = ["wide-ecdsa", "wide-rsa", "exact", "other", "expired"];
  await serve({
    certificates,
    listeners: [
      on("main", "main", { certificates: all }),
      on("first", "first", { certificates: ["other", "exact"], unknownServerName: "first" }),
      on("modern", "modern", { certificates: ["exact"], profile: "modern" }),
      on("suite", "suite", {
        certificates: ["wide-rsa"],
        maxVersion: "1.2",
        cipherSuites: ["ECDHE-RSA-CHACHA20-POLY1305"],
      }),
      on("shared-wide", "shared", { certificates: ["wide-ecdsa"] }, { hostname: "*.tls.example" }),
      on("shared-exact", "shared", { certificates: ["exact"] }, { hostname: "exact.tls.example" }),
      on("shared-other", "shared", { certificates: ["other"] }, { hostname: "other.example" }),
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

/** One request inside TLS. */
async function get(
  proxy: ProxyName,
  listener: ListenerName,
  hello: Omit<Hello, "address" | "port">,
  request: RawRequest,
) {
  const done = await shake({ ...at(proxy, listener), ...hello });
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

/** What is asked for on which listener, and what the client sees. */
const rows: readonly (readonly [
  string,
  ListenerName,
  Omit<Hello, "address" | "port">,
  Awaited<ReturnType<typeof seen>>,
])[] = [
  ["right", "main", { serverName: "a.tls.example" }, { shown: "wide-ecdsa", distrust: null }],
  ["right, the apex", "main", { serverName: "tls.example" }, { shown: "wide-ecdsa", distrust: null }],
  ["right, in capitals", "main", { serverName: "A.TLS.Example" }, { shown: "wide-ecdsa", distrust: null }],
  ["right, RSA only", "main", { serverName: "a.tls.example", ...RSA_ONLY }, { shown: "wide-rsa", distrust: null }],
  ["an exact name before a wildcard", "main", { serverName: "exact.tls.example" }, { shown: "exact", distrust: null }],
  ["expired", "main", { serverName: "expired.example" }, { shown: "expired", distrust: "CERT_HAS_EXPIRED" }],
  ["no name", "main", { serverName: null }, null],
  ["an unknown name", "main", { serverName: "nobody.example" }, null],
  ["TLS 1.1", "main", { serverName: "a.tls.example", ...OLD }, null],
  ["no name, first", "first", { serverName: null }, { shown: "other", distrust: WRONG_NAME }],
  ["an unknown name, first", "first", { serverName: "nobody.example" }, { shown: "other", distrust: WRONG_NAME }],
  ["a known name, first", "first", { serverName: "exact.tls.example" }, { shown: "exact", distrust: null }],
  ["TLS 1.1, first", "first", { serverName: null, ...OLD }, null],
  ["TLS 1.2, modern", "modern", { serverName: "exact.tls.example", maxVersion: "TLSv1.2" }, null],
  ["TLS 1.3, modern", "modern", { serverName: "exact.tls.example" }, { shown: "exact", distrust: null }],
  ["another suite", "suite", { serverName: "a.tls.example", ciphers: "ECDHE-RSA-AES128-GCM-SHA256" }, null],
  ["a name of one listener", "shared", { serverName: "exact.tls.example" }, { shown: "exact", distrust: null }],
  ["a name of another", "shared", { serverName: "a.tls.example" }, { shown: "wide-ecdsa", distrust: null }],
  ["a name of none", "shared", { serverName: "a.other.example" }, null],
];

describe.each(proxyNames)("%s", (proxy) => {
  it.each(rows)("terminate: %s (%s)", async (_, listener, hello, expected) => {
    expect(await seen(proxy, listener, hello)).toEqual(expected);
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
    const hello = { serverName: "a.tls.example" };
    const answer = await get(proxy, "main", hello, { path: "/", host: "a.tls.example" });
    expect(receivedList(echoOf(answer), "x-forwarded-proto")).toEqual(["https"]);
    expect(headerValues(answer, "strict-transport-security")).toEqual(["max-age=31536000"]);
    const moved = await get(proxy, "main", hello, { path: "/moved", host: "a.tls.example" });
    expect(headerValues(moved, "location")).toEqual([`https://a.tls.example:${ports.main}/new`]);
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
    const answer = await get(proxy, "shared", { serverName }, { path: "/", host });
    expect(answer.status).toBe(status);
    if (status === 421) expect(answer.body).toBe("421 Misdirected Request\n");
  });
});
