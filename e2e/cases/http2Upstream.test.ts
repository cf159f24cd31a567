/** Endpoints that speak HTTP/2: what they get, and that requests share connections without being in each other's way. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { call, problemsOf } from "../harness/api.ts";
import { e2e, type ProxyName } from "../harness/context.ts";
import { type Http2Echo, type Http2Endpoint, startHttp2Endpoint } from "../harness/http2Endpoint.ts";
import { cluster, type Document } from "../harness/model.ts";
import { until } from "../harness/process.ts";
import { connectTo, headerValues, type RawRequest, sendBytes } from "../harness/rawHttp.ts";
import { ask, deadPort, serve } from "../harness/serve.ts";

const host = "h2up.e2e.example";
/** nginx that is installed refuses it. */
const able = ["envoy", "haproxy"] as const satisfies readonly ProxyName[];
/** Requests at a time: more than HTTP/1.1 would do on one connection. */
const AT_ONCE = 40;
/** Clients that do not read: each may keep 64 KiB of its connection's window. */
const STUCK_CLIENTS = 20;

let first: Http2Endpoint;
let second: Http2Endpoint;

const speaking = (name: string, ...ports: number[]): Document => ({ ...cluster(name, ...ports), protocol: "http2" });
const to = (prefix: string, name: string, more: object = {}) => ({
  ...{ name, matches: [{ path: { prefix } }], split: [{ cluster: name }] },
  ...more,
});

beforeAll(async () => {
  [first, second] = await Promise.all([startHttp2Endpoint("first"), startHttp2Endpoint("second")]);
  await serve({
    listeners: [{ name: "h2up", fleets: [...able], port: e2e().ports.http2, protocol: "HTTP" }],
    healthChecks: [
      {
        name: "h2",
        type: "http",
        interval: "100ms",
        timeout: "1s",
        rise: 1,
        fall: 1,
        http: { path: "/health", host: "p.test" },
      },
    ],
    clusters: [
      speaking("one", first.port),
      speaking("failing", deadPort(), first.port),
      { ...speaking("checked", first.port, second.port), healthCheck: "h2" },
      { ...speaking("limited", first.port), limits: { maxRequests: 2 } },
    ],
    routes: [
      {
        name: "h2up",
        listeners: ["h2up"],
        hostnames: [host],
        rules: [
          to("/failing", "failing", { rewrite: { path: { prefix: "/" } } }),
          to("/checked", "checked", { rewrite: { path: { prefix: "/c" }, hostname: "other.example" } }),
          to("/limited", "limited", { rewrite: { path: { prefix: "/" } } }),
          to("/", "one"),
        ],
      },
    ],
  });
});

afterAll(() => Promise.all([first.close(), second.close()]));

async function asked(proxy: ProxyName, request: Omit<RawRequest, "host">) {
  const answer = await ask(proxy, { host, port: e2e().ports.http2, ...request });
  return { ...answer, h2: answer.status === 200 ? (JSON.parse(answer.body) as Http2Echo) : null };
}

describe.each(able)("%s", (proxy) => {
  it("sends the request as it came, under its host", async () => {
    const headers = [
      ["X-One", "1"],
      ["Cookie", "a=1; b=2"],
      ["TE", "trailers"],
    ] as const;
    const { h2 } = await asked(proxy, { path: "/a%20b?q=%2F&r", method: "PUT", headers, body: "hello" });
    expect(h2?.body).toBe("hello");
    const {
      ":method": method,
      ":path": path,
      ":scheme": scheme,
      ":authority": authority,
      ...fields
    } = h2?.headers ?? {};
    expect({ method, path, scheme, authority }).toEqual({
      method: "PUT",
      path: "/a%20b?q=%2F&r",
      scheme: "http",
      authority: host,
    });
    expect(fields).toMatchObject({
      "x-one": "1",
      cookie: "a=1; b=2",
      "content-length": "5",
      "x-forwarded-proto": "http",
    });
    for (const name of ["connection", "host", "transfer-encoding", "upgrade"]) expect(fields).not.toHaveProperty(name);
  });

  it("a chunked body comes through, trailers of answers too, HEAD has no body", async () => {
    const bytes = `POST /x HTTP/1.1\r\nHost: ${host}\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n3\r\nabc\r\n0\r\n\r\n`;
    const to = { address: e2e().proxies[proxy].address, port: e2e().ports.http2 };
    expect((JSON.parse((await sendBytes(to, bytes)).body) as Http2Echo).body).toBe("abc");
    expect((await asked(proxy, { path: "/trailers" })).status).toBe(200);
    const head = await ask(proxy, { host, port: to.port, path: "/", method: "HEAD" });
    expect([head.status, head.body]).toEqual([200, ""]);
  });

  it("rules change paths and hosts as they do over HTTP/1.1", async () => {
    const { h2 } = await asked(proxy, { path: "/checked/x?y" });
    expect(h2?.headers).toMatchObject({ ":path": "/c/x?y", ":authority": "other.example" });
  });

  it.runIf(proxy === "envoy")("requests of many clients share connections", async () => {
    const before = first.connections();
    const all = await Promise.all(Array.from({ length: AT_ONCE }, () => asked(proxy, { path: "/later" })));
    expect(new Set(all.map(({ status }) => status))).toEqual(new Set([200]));
    expect(first.connections() - before).toBeLessThan(AT_ONCE / 2);
  });

  it("clients that do not read hold up nobody else on their connection", async () => {
    const stuck = await Promise.all(
      Array.from({ length: STUCK_CLIENTS }, async () => {
        const socket = await connectTo({ address: e2e().proxies[proxy].address, port: e2e().ports.http2 });
        socket.pause();
        socket.write(`GET /large HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
        return socket;
      }),
    );
    for (let turn = 0; turn < STUCK_CLIENTS; turn++) expect((await asked(proxy, { path: "/" })).status).toBe(200);
    for (const socket of stuck) socket.destroy();
  });

  it("an endpoint that is gone, takes no more on a connection, or did nothing: others or once more", async () => {
    for (let turn = 0; turn < 4; turn++) expect((await asked(proxy, { path: "/failing/x" })).status).toBe(200);
    for (const path of ["/goodbye", "/", "/goodbye", "/", "/refused"])
      expect((await asked(proxy, { path })).status).toBe(200);
  });

  it("counts requests where a limit is one on requests", async () => {
    const all = await Promise.all(Array.from({ length: 6 }, () => asked(proxy, { path: "/limited/later" })));
    expect(all.map(({ status }) => status).sort()).toEqual([200, 200, 503, 503, 503, 503]);
  });

  it("passes no WebSocket to them", async () => {
    const before = first.seen();
    const key = "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    const bytes = `GET /ws HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${key}\r\n`;
    const answer = await sendBytes({ address: e2e().proxies[proxy].address, port: e2e().ports.http2 }, bytes);
    expect([answer.status, answer.body, headerValues(answer, "content-type")]).toEqual([
      403,
      "403 Forbidden\n",
      ["text/plain"],
    ]);
    expect(first.seen()).toBe(before);
  });

  it("health checks speak it too", async () => {
    const servedBy = async (): Promise<ReadonlySet<string>> => {
      const all = [];
      for (let turn = 0; turn < 6; turn++) all.push((await asked(proxy, { path: "/checked" })).h2?.name ?? "nobody");
      return new Set(all);
    };
    await until("both serve", async () => ((await servedBy()).size === 2 ? true : null));
    first.setHealth(500);
    await until("one is out", async () => ([...(await servedBy())].join() === "second" ? true : null));
    first.setHealth(200);
    await until("it is back", async () => ((await servedBy()).size === 2 ? true : null));
  });
});

it("nginx before 1.29.4 refuses it where requests come to it", async () => {
  const document = {
    clusters: [speaking("h2", 1)],
    routes: [{ ...{ name: "h2", listeners: ["web"] }, rules: [{ split: [{ cluster: "h2" }] }] }],
  };
  const answer = await call(e2e().program.api, "POST /v1/config/apply?dryRun=true", { body: document });
  expect(problemsOf(answer)).toContainEqual(
    expect.objectContaining({ code: "L7-H2-UPSTREAM-NGINX", pointer: "/clusters/0/protocol" }),
  );
});
