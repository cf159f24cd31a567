/**
 * What the access log says of the TLS of connections whose bytes are passed on: of what ends here, of what is passed through, of what is in
 * the clear, and of what is refused. The same lines on all three proxies.
 */
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Line, linesFor, loggingFleets } from "../harness/accessLog.ts";
import { type Issuer, issuer, type ShownByClient } from "../harness/clientCertificates.ts";
import { e2e, type ProxyName, proxyAddresses, proxyNames } from "../harness/context.ts";
import { cluster, type Document } from "../harness/model.ts";
import { freePort } from "../harness/ports.ts";
import { until } from "../harness/process.ts";
import { connectTo } from "../harness/rawHttp.ts";
import { serve } from "../harness/serve.ts";
import { certificateMaker, type Hello } from "../harness/tls.ts";
import { type BytesUpstream, firstLine, greet, rest, startBytes } from "../harness/tlsBytes.ts";

const TLS_FIELDS = ["tls_cipher", "tls_client_fingerprint", "tls_client_subject", "tls_client_verified"];
const LOGGED = ["bytes_received", "cluster", "endpoint", "listener", ...TLS_FIELDS, "tls_server_name", "tls_version"];
/** `mixed` has one that ends TLS and one that passes it through; `report` is not on nginx, and here not on Envoy, which cannot tell. */
const LISTENERS = ["asked", "open", "clear", "mixed", "report"] as const;
type ListenerName = (typeof LISTENERS)[number];
const TLS_1_2 = { maxVersion: "TLSv1.2" } as const;
const TLS_1_1 = { minVersion: "TLSv1", maxVersion: "TLSv1.1", ciphers: "DEFAULT@SECLEVEL=0" } as const;

let right: Issuer;
const upstreams: Record<string, BytesUpstream> = {};
const ports: Record<string, number> = {};
const shown: Record<string, ShownByClient> = {};

beforeAll(async () => {
  const folder = join(e2e().workDir, "connection-log");
  const maker = certificateMaker(join(folder, "servers"));
  right = issuer(join(folder, "right"), "right");
  shown.good = right.issue("good", { subject: '/O=Quotes "and" back\\\\slashes/OU=Z\u00fcrich/CN=good' });
  shown.long = right.issue("long", {
    subject: `/${Array.from({ length: 30 }, (_, at) => `OU=${`${at}`.padStart(60, "x")}`).join("/")}/CN=long`,
  });
  shown.revoked = right.issue("revoked");
  shown.expired = right.issue("expired", { from: "20200101000000Z", until: "20200201000000Z" });
  shown.stranger = issuer(join(folder, "other"), "other").issue("stranger");
  for (const name of LISTENERS) ports[name] = await freePort(...Object.values(proxyAddresses));
  const behind = maker.make("behind", { names: "DNS:a.passed.example" });
  upstreams.clear = await startBytes("clear");
  upstreams.inside = await startBytes("inside", { cert: behind.chain, key: behind.privateKey });
  const on = (name: string, protocol: string, more: object): Document => ({
    name,
    fleets: name === "report" ? ["haproxy"] : [...proxyNames],
    port: ports[name.split("-")[0] as string],
    protocol,
    ...more,
  });
  const asks = (mode: string) => ({ mode, authorities: ["right"] });
  const ending = { certificates: ["wide"] };
  const passed = { tls: { mode: "passthrough" }, hostname: "*.passed.example" };
  await serve({
    fleets: loggingFleets({ fields: LOGGED }),
    certificates: [{ name: "wide", ...maker.make("wide", { names: "DNS:*.ended.example" }) }],
    authorities: [{ name: "right", bundle: right.bundle, crl: right.revoke("revoked") }],
    listeners: [
      on("asked", "TLS", { tls: { ...ending, clientAuthentication: asks("require") } }),
      on("open", "TLS", { tls: { ...ending, clientAuthentication: asks("optional"), unknownServerName: "first" } }),
      on("clear", "TCP", {}),
      on("mixed", "TLS", { tls: { ...ending, clientAuthentication: asks("optional") }, hostname: "*.ended.example" }),
      on("mixed-passed", "TLS", passed),
      on("report", "TLS", { tls: { ...ending, clientAuthentication: asks("report") } }),
    ],
    clusters: Object.entries(upstreams).map(([name, { port }]) => cluster(name, port)),
    routes: [
      { name: "clear", listeners: ["clear"], protocol: "tcp", rules: [{ split: [{ cluster: "clear" }] }] },
      {
        name: "ended",
        listeners: ["asked", "open", "mixed", "report"],
        protocol: "tls",
        rules: [{ split: [{ cluster: "clear" }] }],
      },
      { name: "passed", listeners: ["mixed-passed"], protocol: "tls", rules: [{ split: [{ cluster: "inside" }] }] },
    ],
  } as Record<string, Document[]>);
  for (const proxy of proxyNames)
    await until(`${proxy} serves`, () => say(proxy, "asked", shown.good ?? {}).catch(() => null));
}, 60_000);

afterAll(() => Promise.all(Object.values(upstreams).map((each) => each.close())));

const at = (proxy: ProxyName, listener: ListenerName) => ({
  address: proxyAddresses[proxy],
  port: ports[listener] as number,
});

/** What a client asks for and shows. */
type Asked = Omit<Partial<Hello>, "address" | "port">;

/** A connection that says one byte, and ends; null: nobody has greeted. */
async function say(proxy: ProxyName, listener: ListenerName, asked: Asked) {
  const done = await greet({ ...at(proxy, listener), serverName: "a.ended.example", ...asked } as Hello);
  if (done === null) return null;
  const back = rest(done.socket);
  done.socket.end("x");
  return await back;
}

/** The line of a connection that says one byte. */
async function lineOf(proxy: ProxyName, listener: ListenerName, asked: Asked): Promise<Line> {
  const isWanted = (line: Line): boolean => line.listener === listener && line.bytes_received !== 0;
  const lines = await linesFor(proxy, { count: 1, isWanted }, async () => {
    expect(await say(proxy, listener, asked)).toContain("after half-close");
  });
  expect(lines).toHaveLength(1);
  const { bytes_received: _, endpoint, listener: __, ...line } = lines[0] as Line;
  expect(endpoint).toBe(`127.0.0.1:${upstreams[String(line.cluster)]?.port}`);
  return line;
}

const nobody = { tls_client_fingerprint: "", tls_client_subject: "", tls_client_verified: "" };
const agreed = {
  cluster: "clear",
  tls_cipher: "TLS_AES_256_GCM_SHA384",
  tls_server_name: "a.ended.example",
  tls_version: "TLSv1.3",
};
const known = (who: string, subject: string, verified = "yes") => {
  const { fingerprint } = new X509Certificate((shown[who] as ShownByClient).cert);
  const hex = fingerprint.replaceAll(":", "").toLowerCase();
  return { tls_client_fingerprint: hex, tls_client_subject: subject, tls_client_verified: verified };
};
const GOOD = 'OU=Z\\C3\\BCrich,O=Quotes \\"and\\" back\\\\slashes,CN=good';

describe.each(proxyNames)("%s", (proxy) => {
  it("tells what was agreed on where TLS ends, and who the client is", async () => {
    expect(await lineOf(proxy, "asked", shown.good ?? {})).toEqual({ ...agreed, ...known("good", GOOD) });
    expect(await lineOf(proxy, "open", { ...shown.good, ...TLS_1_2 })).toEqual({
      ...agreed,
      ...known("good", GOOD),
      tls_cipher: "ECDHE-ECDSA-AES128-GCM-SHA256",
      tls_version: "TLSv1.2",
    });
    expect(await lineOf(proxy, "open", {})).toEqual({ ...agreed, ...nobody });
    expect(await lineOf(proxy, "open", { serverName: null })).toEqual({ ...agreed, ...nobody, tls_server_name: "" });
    expect(await lineOf(proxy, "mixed", shown.good ?? {})).toEqual({ ...agreed, ...known("good", GOOD) });
    if (proxy !== "haproxy") return;
    expect(await lineOf(proxy, "report", shown.stranger ?? {})).toEqual({
      ...agreed,
      ...known("stranger", "CN=stranger", "no"),
    });
  });

  it("cuts what is long", async () => {
    const { tls_client_subject: subject } = await lineOf(proxy, "asked", shown.long ?? {});
    const names = Array.from({ length: 30 }, (_, index) => `OU=${`${29 - index}`.padStart(60, "x")}`);
    expect(subject).toBe(names.join(",").slice(0, 1024));
  });

  it("tells the name that was asked for where TLS is passed through, and of no TLS nothing", async () => {
    const passed = { cluster: "inside", tls_cipher: "", tls_server_name: "a.passed.example", tls_version: "" };
    expect(await lineOf(proxy, "mixed", { serverName: "a.passed.example", ...shown.good })).toEqual({
      ...passed,
      ...nobody,
    });
    const isWanted = (line: Line): boolean => line.listener === "clear";
    const [line] = await linesFor(proxy, { count: 1, isWanted }, async () => {
      const socket = await connectTo(at(proxy, "clear"));
      await firstLine(socket);
      socket.end("x");
      await once(socket, "close");
    });
    expect(line).toMatchObject({ cluster: "clear", tls_cipher: "", tls_server_name: "", tls_version: "", ...nobody });
  });

  it("writes no line of who is refused", async () => {
    const isWanted = (line: Line): boolean => ["asked", "mixed"].includes(String(line.listener));
    const lines = await linesFor(proxy, { count: 1, isWanted }, async () => {
      for (const who of ["", "stranger", "revoked", "expired"])
        for (const more of [{}, TLS_1_2]) expect(await say(proxy, "asked", { ...shown[who], ...more })).toBeNull();
      expect(await say(proxy, "asked", { ...shown.good, ...TLS_1_1 })).toBeNull();
      for (const who of ["stranger", "revoked"]) expect(await say(proxy, "mixed", shown[who] ?? {})).toBeNull();
      expect(await say(proxy, "asked", shown.good ?? {})).not.toBeNull();
    });
    expect(lines.map((line) => line.tls_client_subject)).toEqual([GOOD]);
  });
});
