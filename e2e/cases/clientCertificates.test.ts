/**
 * Certificates of clients, with real handshakes: who is let in, what endpoints are told, and ways around it. The rows are a matrix: what
 * a client shows on which listener, and what it and the endpoint see on all three proxies.
 */
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { connect as connectHttp2 } from "node:http2";
import { join } from "node:path";
import type { ConnectionOptions } from "node:tls";
import { credentials, status } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Line, linesFor, loggingFleets } from "../harness/accessLog.ts";
import { type Issuer, issuer, type ShownByClient, signedByItself, toldOf } from "../harness/clientCertificates.ts";
import { e2e, type ProxyName, proxyAddresses, proxyNames } from "../harness/context.ts";
import { echoClient } from "../harness/grpcClient.ts";
import { type GrpcEcho, startGrpcEcho } from "../harness/grpcEcho.ts";
import { cluster, type Document } from "../harness/model.ts";
import { freePort } from "../harness/ports.ts";
import { until } from "../harness/process.ts";
import { connectionOn, type RawRequest } from "../harness/rawHttp.ts";
import { applyPart, ask, echoOf, serve } from "../harness/serve.ts";
import { certificateMaker, type Maker, shake } from "../harness/tls.ts";
import { startEcho, type Upstream } from "../harness/upstream.ts";

type Options = Omit<ConnectionOptions, "host" | "port" | "address">;

const FIELD = "X-Forwarded-Client-Cert";
const TLS_FIELDS = ["tls_cipher", "tls_client_fingerprint", "tls_client_subject", "tls_client_verified"];
const LOGGED = ["listener", "request_id", "status", ...TLS_FIELDS, "tls_server_name", "tls_version"];
const SPOOFED = 'Cert="spoofed";Subject="CN=admin"';

/** Each has a port of its own, but for the two that share one. nginx takes no report. */
const LISTENERS = ["require", "silent", "optional", "both", "first", "turning", "report", "shared"] as const;
type ListenerName = (typeof LISTENERS)[number];

let echo: Upstream;
let calls: GrpcEcho;
/** Of the servers' certificates. */
let servers: Maker;
let right: Issuer;
let other: Issuer;
const shown: Record<string, ShownByClient> = {};
const ports: Record<string, number> = {};

const ODD = {
  quotes: '/O=Quotes "and" back\\\\slashes/CN=a\\/b',
  commas: "/O=Comma, Inc.;<x>/OU=a+b/CN=#first",
  utf8: "/O=Z\u00fcrich \u20ac/CN=\u6f22\u5b57 \u{1f600}",
  blanks: "/O= blank at ends /CN=two  blanks",
  percent: "/CN=100%25 of %[src] ${host} $host",
  many: "/DC=example/DC=net/C=CH/L=Bern/O=One/OU=First/OU=Second/emailAddress=a@example.net/CN=many",
  people: "/GN=g/SN=s/title=t/UID=u/street=st/postalCode=pc/businessCategory=bc/CN=people",
  unnamed: "/1.2.3.4.5=x/CN=unnamed",
  control: "/CN=a\tb\u0001c",
  empty: "/",
  multiple: "/O=Multi/CN=one+serialNumber=7",
};

beforeAll(async () => {
  echo = await startEcho("behind");
  calls = await startGrpcEcho("calls");
  const folder = join(e2e().workDir, "client-certificates");
  right = issuer(join(folder, "right"), "right");
  other = issuer(join(folder, "other"), "other");
  const alternatives = [
    "DNS:client.example",
    "DNS:b.client.example",
    "URI:spiffe://example.org/app",
    "email:a@example.org",
  ];
  shown.good = right.issue("good");
  shown.names = right.issue("names", { extensions: [`subjectAltName=${alternatives.join(",")}`] });
  for (const [name, subject] of Object.entries(ODD)) shown[name] = right.issue(name, { subject });
  const hosts = Array.from({ length: 100 }, (_, index) => `DNS:host-${index}.of.a.large.certificate.example`);
  shown.large = right.issue("large", { extensions: [`subjectAltName=${hosts.join(",")}`] });
  shown.ids = right.issue("ids", { subject: "/organizationIdentifier=PSDCH-1/CN=ids" });
  shown.expired = right.issue("expired", { from: "20200101000000Z", until: "20200201000000Z" });
  shown.early = right.issue("early", { from: "20990101000000Z", until: "20990201000000Z" });
  shown.server = right.issue("server", { extensions: ["extendedKeyUsage=serverAuth"] });
  shown.revoked = right.issue("revoked");
  shown.below = right.below("inner").issue("below");
  shown.stranger = other.issue("stranger");
  shown.oldStranger = other.issue("oldStranger", { from: "20200101000000Z", until: "20200201000000Z" });
  shown.self = signedByItself(folder, "self");
  for (const name of LISTENERS) ports[name] = await freePort(...Object.values(proxyAddresses));
  await serve(model(folder));
  for (const proxy of proxyNames)
    for (const listener of LISTENERS.filter((name) => isOn(proxy, name)))
      await until(
        `${proxy} serves ${listener}`,
        async () => (await get([proxy, listener], shownBy("good"))) !== null || null,
      );
}, 60_000);

afterAll(() => {
  calls.close();
  return echo.close();
});

function model(folder: string) {
  servers = certificateMaker(join(folder, "servers"));
  const on = (
    name: string,
    clientAuthentication: object | null,
    more: { readonly hostname?: string; readonly tls?: object } = {},
  ): Document => ({
    name,
    fleets: name === "report" ? ["envoy", "haproxy"] : [...proxyNames],
    port: ports[name.split("-")[0] as string],
    protocol: "HTTPS",
    ...more,
    tls: { certificates: ["wide"], ...more.tls, ...(clientAuthentication !== null && { clientAuthentication }) },
  });
  const asks = (mode: string, authorities: readonly string[], forward = "xfcc") => ({ mode, authorities, forward });
  const listeners = [
    on("require", asks("require", ["revoking"])),
    on("silent", asks("require", ["right"], "none")),
    on("optional", asks("optional", ["revoking"])),
    on("both", asks("require", ["right", "other"])),
    on("first", asks("require", ["right"]), { tls: { unknownServerName: "first" } }),
    on("turning", asks("require", ["turning"])),
    on("report", asks("report", ["revoking"])),
    on("shared-asks", asks("require", ["right"]), { hostname: "a.mtls.example" }),
    on("shared-open", null, { hostname: "b.mtls.example" }),
  ];
  return {
    fleets: loggingFleets({ fields: LOGGED }),
    certificates: [{ name: "wide", ...servers.make("wide", { names: "DNS:*.mtls.example" }) }],
    authorities: [
      { name: "right", bundle: right.bundle },
      { name: "revoking", bundle: right.bundle, crl: right.revoke("revoked") },
      { name: "other", bundle: other.bundle },
      { name: "turning", bundle: right.bundle },
    ],
    listeners,
    clusters: [cluster("behind", echo.port), { ...cluster("calls", calls.port), protocol: "http2" }],
    routes: [
      {
        name: "calls",
        listeners: ["require"],
        protocol: "grpc",
        hostnames: ["calls.mtls.example"],
        rules: [{ split: [{ cluster: "calls" }] }],
      },
      {
        name: "behind",
        listeners: ["web", ...listeners.map(({ name }) => name as string)],
        hostnames: ["*.mtls.example"],
        rules: [
          {
            matches: [{ path: { prefix: "/changed" } }],
            split: [{ cluster: "behind" }],
            requestHeaders: { set: [{ name: "X-Own", value: "1" }] },
            responseHeaders: { set: [{ name: "X-Answered", value: "1" }] },
          },
          { matches: [{ path: { prefix: "/" } }], split: [{ cluster: "behind" }] },
        ],
      },
    ],
  };
}

function isOn(proxy: ProxyName, listener: ListenerName): boolean {
  return proxy !== "nginx" || listener !== "report";
}

const shownBy = (name: string): Options => shown[name] ?? {};

interface Asked extends Partial<RawRequest> {
  readonly serverName?: string | null;
}

/** What an endpoint was told of the client; null: there was no answer, and no request. */
interface Told {
  readonly status: number;
  readonly told: readonly string[];
}

/** A request on a connection of its own, with somebody else's certificate in a field. */
async function get(
  [proxy, listener]: readonly [ProxyName, ListenerName],
  options: Options,
  { serverName = "a.mtls.example", ...request }: Asked = {},
): Promise<(Told & { readonly reused: boolean }) | null> {
  const done = await shake({ address: proxyAddresses[proxy], port: ports[listener] as number, serverName, ...options });
  if (done === null) return null;
  const before = echo.seen();
  try {
    const headers = [[FIELD, SPOOFED]] as const;
    const host = serverName ?? "a.mtls.example";
    const answer = await connectionOn(done.socket).request({ path: "/", host, headers, ...request });
    return { status: answer.status, told: fieldsOf(answer), reused: done.socket.isSessionReused() };
  } catch {
    expect(echo.seen()).toBe(before);
    return null;
  } finally {
    done.socket.destroy();
  }
}

function fieldsOf(answer: Parameters<typeof echoOf>[0]): readonly string[] {
  const headers = echoOf(answer)?.headers ?? [];
  return headers.filter(([name]) => name.toLowerCase() === FIELD.toLowerCase()).map(([, value]) => value);
}

const TLS_1_2 = { maxVersion: "TLSv1.2" } as const;
const TLS_1_1 = { minVersion: "TLSv1", maxVersion: "TLSv1.1", ciphers: "DEFAULT@SECLEVEL=0" } as const;

type Sees = "served" | "served, told" | "closed";

/** What a client shows (empty: nothing) on which listener. */
const rows: readonly (readonly [ListenerName, string, Sees, Options?])[] = [
  ["require", "good", "served, told"],
  ["require", "good", "served, told", TLS_1_2],
  ["require", "good", "closed", TLS_1_1],
  ["require", "names", "served, told"],
  ["require", "large", "served, told"],
  ["require", "", "closed"],
  ["require", "", "closed", TLS_1_2],
  ["require", "stranger", "closed"],
  ["require", "stranger", "closed", TLS_1_2],
  ["require", "self", "closed"],
  ["require", "expired", "closed"],
  ["require", "early", "closed"],
  ["require", "server", "closed"],
  ["require", "revoked", "closed"],
  ["require", "below", "closed"],
  ["silent", "good", "served"],
  ["silent", "below", "served"],
  ["silent", "", "closed"],
  ["optional", "good", "served, told"],
  ["optional", "", "served"],
  ["optional", "", "served", TLS_1_2],
  ["optional", "stranger", "closed"],
  ["optional", "expired", "closed"],
  ["optional", "revoked", "closed"],
  ["both", "good", "served, told"],
  ["both", "stranger", "served, told"],
  ["both", "below", "served, told"],
  ["both", "self", "closed"],
  ["first", "good", "served, told"],
  ["first", "", "closed"],
  ["report", "good", "served, told"],
  ["report", "good", "served, told", TLS_1_2],
  ["report", "", "served"],
  ["report", "stranger", "served"],
  ["report", "self", "served"],
  ["report", "expired", "served"],
  ["report", "oldStranger", "served"],
  ["report", "server", "served"],
  ["report", "revoked", "served"],
  ["shared", "good", "served, told"],
  ["shared", "", "closed"],
];

describe.each(proxyNames)("%s", (proxy) => {
  const own = rows.filter(([listener]) => isOn(proxy, listener));
  it.each(
    own.map(([listener, who, sees, options = {}]) => ({ listener, who, sees, options, max: options.maxVersion ?? "" })),
  )("mTLS down: $who on $listener is $sees $max", async ({ listener, who, sees, options }) => {
    const answer = await get([proxy, listener], { ...shownBy(who), ...options });
    if (sees === "closed") expect(answer).toBeNull();
    else
      expect(answer).toMatchObject({
        status: 200,
        told: sees === "served" ? [] : [toldOf(shown[who] as ShownByClient)],
      });
  });

  it.each(Object.keys(ODD))("tells of an odd subject byte for byte: %s", async (who) => {
    const answer = await get([proxy, "require"], shownBy(who));
    expect(answer?.told).toEqual([toldOf(shown[who] as ShownByClient)]);
  });

  it("writes what BoringSSL has no name for by its number", async () => {
    const [told] = (await get([proxy, "require"], shownBy("ids")))?.told ?? [];
    const usual = toldOf(shown.ids as ShownByClient);
    const numbered = usual.replace("organizationIdentifier=PSDCH-1", "2.5.4.97=#0C0750534443482D31");
    expect(told).toBe(proxy === "envoy" ? numbered : usual);
  });

  it("tells where a rule changes other fields", async () => {
    const answer = await get([proxy, "require"], shownBy("good"), { path: "/changed" });
    expect(answer?.told).toEqual([toldOf(shown.good as ShownByClient)]);
  });

  it("lets no client pretend, in the clear neither", async () => {
    const headers = [
      [FIELD, SPOOFED],
      [FIELD.toLowerCase(), SPOOFED],
      ["X_Forwarded_Client_Cert", SPOOFED],
    ] as const;
    expect((await get([proxy, "silent"], shownBy("good"), { headers }))?.told).toEqual([]);
    expect((await get([proxy, "optional"], {}, { headers, path: "/changed" }))?.told).toEqual([]);
    expect((await get([proxy, "shared"], {}, { headers, serverName: "b.mtls.example" }))?.told).toEqual([]);
    const answer = await ask(proxy, { path: "/", host: "a.mtls.example", headers });
    expect(answer.status).toBe(200);
    expect(fieldsOf(answer)).toEqual([]);
  });

  it("tells also where a client names the field in Connection", async () => {
    const headers = [["Connection", `close, ${FIELD}`]] as const;
    const answer = await get([proxy, "require"], shownBy("good"), { headers });
    expect(answer).toMatchObject({ status: 200, told: [toldOf(shown.good as ShownByClient)] });
  });

  it("serves no host but the one that was asked for", async () => {
    const good = shownBy("good");
    const misdirected = { status: 421, told: [] };
    // Of the other listener of the port, by a connection that shows nothing, and the other way round.
    const open = { serverName: "b.mtls.example", host: "a.mtls.example" };
    expect(await get([proxy, "shared"], {}, open)).toMatchObject(misdirected);
    expect(await get([proxy, "shared"], good, open)).toMatchObject(misdirected);
    expect(await get([proxy, "shared"], good, { host: "b.mtls.example" })).toMatchObject(misdirected);
    // Of the same listener.
    expect(await get([proxy, "require"], good, { host: "c.mtls.example" })).toMatchObject(misdirected);
    expect(await get([proxy, "first"], good, { serverName: "x.other.example", host: "a.mtls.example" })).toMatchObject(
      misdirected,
    );
    for (const host of ["A.mtls.example", "a.mtls.example:443", "a.mtls.example."])
      expect(await get([proxy, "require"], good, { host })).toMatchObject({ status: 200 });
    expect(await get([proxy, "first"], good, { serverName: null })).toMatchObject({ status: 200 });
    expect(await get([proxy, "first"], {}, { serverName: null })).toBeNull();
  });

  it("adds nothing of the other host's rule to a 421", async () => {
    const answered = async (listener: ListenerName, own: Asked): Promise<readonly string[]> => {
      const to = { address: proxyAddresses[proxy], port: ports[listener] as number, serverName: "a.mtls.example" };
      const done = await shake({ ...to, ...shownBy("good") });
      if (done === null) throw new Error("no handshake");
      const answer = await connectionOn(done.socket).request({ path: "/changed", host: "a.mtls.example", ...own });
      done.socket.destroy();
      return [
        String(answer.status),
        ...answer.headers.filter(([name]) => /^x-answered$/i.test(name)).flat(),
        answer.body,
      ];
    };
    for (const [listener, host] of [
      ["require", "c.mtls.example"],
      ["optional", "c.mtls.example"],
      ["shared", "b.mtls.example"],
    ] as const) {
      expect((await answered(listener, {})).slice(0, 3)).toEqual(["200", expect.stringMatching(/x-answered/i), "1"]);
      expect(await answered(listener, { host })).toEqual(["421", "421 Misdirected Request\n"]);
    }
  });

  it.each(["TLSv1.2", "TLSv1.3"] as const)("resumes no session of %s", async (maxVersion) => {
    const sessionOf = async (listener: ListenerName, serverName: string, options: Options) => {
      const to = { address: proxyAddresses[proxy], port: ports[listener] as number, serverName };
      const done = await shake({ ...to, maxVersion, ...options });
      if (done === null) throw new Error("no handshake");
      const sessions: Buffer[] = [];
      done.socket.on("session", (session: Buffer) => sessions.push(session));
      await connectionOn(done.socket).request({ path: "/", host: serverName });
      const known = maxVersion === "TLSv1.2" ? done.socket.getSession() : undefined;
      done.socket.destroy();
      return known ?? sessions[0];
    };
    for (const listener of ["require", "optional"] as const) {
      const session = await sessionOf(listener, "a.mtls.example", shownBy("good"));
      const again = await get([proxy, listener], { maxVersion, ...shownBy("good"), ...(session && { session }) });
      expect(again).toMatchObject({ status: 200, reused: false, told: [toldOf(shown.good as ShownByClient)] });
      const without = await get([proxy, listener], { maxVersion, ...(session && { session }) });
      if (listener === "require") expect(without).toBeNull();
      else expect(without).toMatchObject({ reused: false, told: [] });
    }
    // Of the listener beside it, which asks for nothing.
    const session = await sessionOf("shared", "b.mtls.example", {});
    expect(await get([proxy, "shared"], { maxVersion, ...(session && { session }) })).toBeNull();
  });

  it("tells of the client of a call", async () => {
    const target = `${proxyAddresses[proxy]}:${ports.require}`;
    const { cert, key } = shown.good as ShownByClient;
    const [authority, ...own] = [servers.authority, key, cert].map((text) => Buffer.from(text));
    const metadata = { [FIELD.toLowerCase()]: SPOOFED };
    const known = echoClient(target, "calls.mtls.example", credentials.createSsl(authority, ...own));
    const before = calls.seen.length;
    expect(await known.unary({ text: "hello" }, { metadata })).toMatchObject({ code: status.OK });
    expect(await known.collect([{ text: "a" }, { text: "b" }], { metadata })).toMatchObject({ code: status.OK });
    known.close();
    const told = calls.seen.slice(before).map((call) => call.metadata[FIELD.toLowerCase()]);
    expect(told).toEqual([toldOf(shown.good as ShownByClient), toldOf(shown.good as ShownByClient)]);
    // nginx resets the stream; on the others there is no connection.
    const refused = proxy === "nginx" ? status.INTERNAL : status.UNAVAILABLE;
    const nobody = echoClient(target, "calls.mtls.example", credentials.createSsl(authority));
    expect(await nobody.unary({ text: "hello" }, { metadata })).toMatchObject({ code: refused });
    nobody.close();
    expect(calls.seen).toHaveLength(before + 2);
  });

  it("tells over HTTP/2, on each stream", async () => {
    const to = { address: proxyAddresses[proxy], port: ports.require as number, serverName: "a.mtls.example" };
    const done = await shake({ ...to, ALPNProtocols: ["h2"], ...shownBy("good") });
    if (done === null) throw new Error("no handshake");
    const client = connectHttp2("https://unused", { createConnection: () => done.socket });
    for (const [authority, status] of [
      ["a.mtls.example", 200],
      ["c.mtls.example", 421],
    ] as const) {
      const stream = client.request({ ":path": "/", ":authority": authority, [FIELD.toLowerCase()]: SPOOFED });
      let body = "";
      stream.setEncoding("utf8").on("data", (text) => {
        body += text;
      });
      const [head] = await once(stream, "response");
      await once(stream, "end");
      expect(head[":status"]).toBe(status);
      if (status === 200) expect(body).toContain(JSON.stringify(toldOf(shown.good as ShownByClient)));
    }
    client.destroy();
  });
});

describe.each(proxyNames)("the access log of %s", (proxy) => {
  const ID = "logged";
  /** Of the requests that are known by X-Request-Id, or, where nothing of them is told, by what they are answered. */
  const lineOf = async (listener: ListenerName, status: number, work: () => Promise<unknown>): Promise<Line> => {
    const isWanted = (line: Line): boolean =>
      String(line.listener).startsWith(listener) &&
      line.status === status &&
      line.request_id === (status === 200 ? ID : "");
    const [line] = await linesFor(proxy, { count: 1, isWanted }, work);
    return line as Line;
  };
  const agreed = { tls_cipher: "TLS_AES_256_GCM_SHA384", tls_server_name: "a.mtls.example", tls_version: "TLSv1.3" };
  const nobody = { tls_client_fingerprint: "", tls_client_subject: "", tls_client_verified: "" };
  const known = (who: string, verified: "yes" | "no") => {
    const { fingerprint, subject } = new X509Certificate((shown[who] as ShownByClient).cert);
    const hex = fingerprint.replaceAll(":", "").toLowerCase();
    return { tls_client_fingerprint: hex, tls_client_subject: subject, tls_client_verified: verified };
  };
  const headers = [["X-Request-Id", ID]] as const;

  it("tells of TLS and of the client's certificate", async () => {
    const good = shownBy("good");
    const served = { ...agreed, request_id: ID, status: 200 };
    expect(await lineOf("require", 200, () => get([proxy, "require"], good, { headers }))).toMatchObject({
      ...served,
      ...known("good", "yes"),
    });
    expect(await lineOf("optional", 200, () => get([proxy, "optional"], {}, { headers }))).toMatchObject({
      ...served,
      ...nobody,
    });
    const old = { ...served, tls_cipher: "ECDHE-ECDSA-AES128-GCM-SHA256", tls_version: "TLSv1.2" };
    expect(
      await lineOf("silent", 200, () => get([proxy, "silent"], { ...good, ...TLS_1_2 }, { headers })),
    ).toMatchObject({
      ...old,
      ...known("good", "yes"),
    });
    if (proxy === "nginx") return;
    expect(await lineOf("report", 200, () => get([proxy, "report"], shownBy("revoked"), { headers }))).toMatchObject({
      ...served,
      ...known("revoked", "no"),
    });
  });

  it("tells nothing of a certificate that is refused", async () => {
    const shows = ["", "stranger", "revoked", "expired"];
    const isWanted = (line: Line): boolean => line.listener === "require";
    const served = { ...agreed, ...known("good", "yes"), status: 200 };
    // nginx has a request to refuse, and HAProxy a line for what never becomes one.
    const refused = shows.map(() => ({ ...agreed, ...nobody, request_id: "", status: 0 }));
    const expected = [...(proxy === "envoy" ? [] : refused), served];
    const lines = await linesFor(proxy, { count: expected.length, isWanted }, async () => {
      for (const who of shows) expect(await get([proxy, "require"], shownBy(who), { headers })).toBeNull();
      expect(await get([proxy, "require"], shownBy("good"), { headers })).toMatchObject({ status: 200 });
    });
    expect(lines).toMatchObject(expected);
  });

  it("tells of what is refused only what was agreed on", async () => {
    const asked = { host: "c.mtls.example", headers };
    const other = await lineOf("require", 421, () => get([proxy, "require"], shownBy("good"), asked));
    expect(other).toMatchObject({ ...agreed, ...nobody, request_id: "", status: 421 });
    const bad = await lineOf("require", 400, () =>
      get([proxy, "require"], shownBy("good"), { path: "/%2e%2e", headers }),
    );
    expect(bad).toMatchObject({ ...agreed, ...nobody, request_id: "", status: 400 });
    const clear = { path: "/", host: "a.mtls.example", headers };
    const nothing = { tls_cipher: "", tls_server_name: "", tls_version: "" };
    const inTheClear = await linesFor(proxy, { count: 1, isWanted: (line) => line.request_id === ID }, () =>
      ask(proxy, clear),
    );
    expect(inTheClear[0]).toMatchObject({ ...nothing, ...nobody, status: 200 });
  });
});

it("trusts another authority, and nobody of the one before, when it has changed", async () => {
  for (const proxy of proxyNames) {
    expect(await get([proxy, "turning"], shownBy("good"))).toMatchObject({ status: 200 });
    expect(await get([proxy, "turning"], shownBy("stranger"))).toBeNull();
  }
  await applyPart({ authorities: [{ name: "turning", bundle: other.bundle }] });
  for (const proxy of proxyNames) {
    await until(
      `${proxy} trusts it`,
      async () => (await get([proxy, "turning"], shownBy("stranger"))) !== null || null,
    );
    await until(
      `${proxy} trusts no other`,
      async () => (await get([proxy, "turning"], shownBy("good"))) === null || null,
    );
  }
});
