/** The access log: for the same 200 requests, refused and broken ones among them, the same keys and values on every proxy. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Line, linesFor, loggingFleets } from "../harness/accessLog.ts";
import { e2e, type ProxyName, proxyNames } from "../harness/context.ts";
import { cluster, type Document, markerHost } from "../harness/model.ts";
import { connectTo } from "../harness/rawHttp.ts";
import { deadPort, serve } from "../harness/serve.ts";
import { startEcho, startTcpEcho, type Upstream } from "../harness/upstream.ts";

const HOST = "log.e2e.example";
const ROUNDS = 5;
const SECRET = "s3cr3t-of-the-client";
/** Of a line, what differs from request to request. */
const TIMES = ["time", "duration", "client_port"];
const REQUEST_KEYS = [
  ...["authority", "client_address", "client_port", "cluster", "duration", "endpoint", "listener", "method", "path"],
  ...["protocol", "request_id", "route", "rule", "status", "time", "user_agent"],
];
const CONNECTION_KEYS = [
  ...[
    "bytes_received",
    "bytes_sent",
    "client_address",
    "client_port",
    "cluster",
    "duration",
    "endpoint",
    "listener",
    "time",
  ],
];

let echo: Upstream;
let tcpEcho: Upstream;

beforeAll(async () => {
  [echo, tcpEcho] = await Promise.all([startEcho("log-echo"), startTcpEcho("log-tcp")]);
  const { ports } = e2e();
  const path = (prefix: string, more: object): object => ({
    name: prefix.slice(1),
    matches: [{ path: { prefix } }],
    ...more,
  });
  await serve({
    fleets: loggingFleets(),
    listeners: [{ name: "log-tcp", fleets: [...proxyNames], port: ports.tcp, protocol: "TCP" }],
    clusters: [
      cluster("log-echo", echo.port),
      cluster("log-tcp", tcpEcho.port),
      cluster("log-dead", deadPort()),
      { name: "log-empty", endpoints: [] },
    ],
    routes: [
      {
        name: "log",
        listeners: ["web"],
        hostnames: [HOST],
        rules: [
          path("/echo", { split: [{ cluster: "log-echo" }] }),
          path("/dead", { split: [{ cluster: "log-dead" }] }),
          path("/empty", { split: [{ cluster: "log-empty" }] }),
          path("/wait", { split: [{ cluster: "log-echo" }], timeouts: { request: "300ms" } }),
          path("/moved", { redirect: { hostname: "other.e2e.example" } }),
          path("/teapot", { respond: { status: 400, body: "the rule's own" } }),
          path("/changed", {
            split: [{ cluster: "log-echo" }],
            rewrite: { path: { prefix: "/echo" }, hostname: "inner.e2e.example" },
            requestHeaders: { set: [{ name: "user-agent", value: "ours" }] },
          }),
          {
            matches: [{ path: { prefix: "/chosen" }, headers: [{ name: "x-chosen", exact: "1" }] }],
            split: [{ cluster: "log-echo" }],
          },
        ],
      },
      { name: "log-tcp", listeners: ["log-tcp"], protocol: "tcp", rules: [{ split: [{ cluster: "log-tcp" }] }] },
    ],
  } as Record<string, Document[]>);
});

afterAll(async () => {
  await Promise.all([echo, tcpEcho].map((upstream) => upstream.close()));
});

/** What goes over a connection, byte for byte. */
const ANSWERED: readonly (string | Buffer)[] = [
  get("/echo/a?q=1", "User-Agent: plain", "X-Request-Id: 7"),
  get("/echo/quoted", 'User-Agent: a "quoted" \\ back\tslash'),
  get("/echo/utf8", "User-Agent: \u00e9\u20ac"),
  get("/echo/long", `User-Agent: ${"long ".repeat(400)}`),
  get(`/echo/${"x".repeat(1500)}`),
  // Texts of any bytes: told when they are UTF-8, and when their first 1024 bytes are ASCII.
  get("/echo/emoji", 'User-Agent: \u{1f600} "\\\t\uffff', "X-Request-Id: \u{1f600}"),
  get("/echo/wide-long", `User-Agent: ${"\u00e9".repeat(600)}`, `X-Request-Id: ${"\u20ac".repeat(342)}`),
  get("/echo/ascii-first", `User-Agent: ${"x".repeat(1024)}\u00e9`, `X-Request-Id: ${"x".repeat(1023)}\u00e9`),
  Buffer.from(get("/echo/bytes", "User-Agent: a\xff\xc3(b", "X-Request-Id: caf\xe9"), "latin1"),
  Buffer.from(get("/echo/bytes", "User-Agent: a\xed\xa0\x80", "X-Request-Id: a\xc0\xaf\xe2\x82"), "latin1"),
  get("/echo/blanks", "User-Agent: \t a \t b\t ", "X-Request-Id:\t\u00e9\t"),
  request("GET", "/echo/long-host", `Host: ${"h".repeat(1500)}.e2e.example`),
  get(
    `/echo/secret?password=${SECRET}`,
    `Authorization: ${SECRET}`,
    `Cookie: session=${SECRET}`,
    `X-Api-Key: ${SECRET}`,
  ),
  get("/echo/'\"<>"),
  get("/changed/b", "User-Agent: theirs"),
  get("/dead"),
  get("/empty"),
  get("/wait", "X-E2E: hang"),
  get("/echo/reset", "X-E2E: reset"),
  get("/echo/status", "X-E2E: status=400"),
  get("/echo/status", "X-E2E: status=499"),
  get("/moved/c"),
  get("/teapot"),
  get("/chosen", "X-Chosen: 1"),
  get("/chosen"),
  get("/nobody"),
  request("GET", "/echo", "Host: other.e2e.example"),
  request("POST", "/echo", `Host: ${HOST}`, "Content-Length: 4").replace(/$/, "body"),
  request("HEAD", "/echo", `Host: ${HOST}`),
  request("PROPFIND", "/echo", `Host: ${HOST}`),
  request("GET", `http://${HOST}/echo/absolute`, `Host: ${HOST}`),
  // Refused before a rule is looked for: nothing of the request is told.
  request("FOO", "/echo", `Host: ${HOST}`),
  get("/echo/../etc"),
  get("/echo/%2e%2e/etc"),
  request("GET", "/echo", "Host: a b"),
  "GET /echo HTTP/1.1\r\nConnection: close\r\n\r\n",
  "garbage\r\n\r\n",
  get("/echo", "Bad Header"),
  request("TRACE", "/echo", `Host: ${HOST}`),
  `GET /echo HTTP/1.1\r\nHost: ${HOST}\r\nConnection: upgrade\r\nUpgrade: other\r\n\r\n`,
];

function get(path: string, ...fields: readonly string[]): string {
  return request("GET", path, `Host: ${HOST}`, ...fields);
}

function request(method: string, path: string, ...fields: readonly string[]): string {
  return `${method} ${path} HTTP/1.1\r\n${[...fields, "Connection: close"].join("\r\n")}\r\n\r\n`;
}

/** What the proxy writes for these, marker probes apart. */
function linesOf(proxy: ProxyName, count: number, work: () => Promise<void>): Promise<Line[]> {
  return linesFor(proxy, { count, isWanted: ({ authority }) => authority !== markerHost }, work);
}

/** Sends bytes and closes when an answer comes: some proxies would wait a second for a client to close first. */
async function exchange(proxy: ProxyName, bytes: string | Buffer, port = e2e().ports.http): Promise<void> {
  const socket = await connectTo({ address: e2e().proxies[proxy].address, port });
  const closed = new Promise((resolve) => socket.once("close", resolve));
  socket.on("error", () => {});
  socket.on("end", () => socket.end());
  socket.once("data", () => socket.end());
  socket.resume();
  socket.write(bytes);
  await closed;
}

/** Without what differs from request to request; sorted, since workers write when they like. */
function valuesOf(lines: readonly Line[]): string[] {
  return lines.map((line) => JSON.stringify({ ...line, ...Object.fromEntries(TIMES.map((key) => [key, 0])) })).sort();
}

describe("requests", () => {
  let found: Record<ProxyName, Line[]>;

  beforeAll(async () => {
    const all = await Promise.all(
      proxyNames.map((proxy) =>
        linesOf(proxy, ANSWERED.length * ROUNDS, async () => {
          for (let round = 0; round < ROUNDS; round++)
            await Promise.all(ANSWERED.map((bytes) => exchange(proxy, bytes)));
        }),
      ),
    );
    found = Object.fromEntries(proxyNames.map((proxy, index) => [proxy, all[index]])) as typeof found;
  }, 60_000);

  it("have one line each, with the same keys and values on every proxy", () => {
    expect(ANSWERED.length * ROUNDS).toBeGreaterThanOrEqual(200);
    for (const proxy of proxyNames) {
      expect(found[proxy]).toHaveLength(ANSWERED.length * ROUNDS);
      for (const line of found[proxy]) expect(Object.keys(line)).toEqual(REQUEST_KEYS);
      expect(valuesOf(found[proxy])).toEqual(valuesOf(found.envoy));
    }
  });

  it.each(proxyNames)("%s: what is known is told, in the same forms", (proxy) => {
    const line = found[proxy].find(({ path }) => path === "/echo/a");
    expect(line).toMatchObject({
      authority: HOST,
      client_address: "127.0.0.1",
      cluster: "log-echo",
      listener: "web",
      method: "GET",
    });
    expect(line).toMatchObject({ protocol: "HTTP/1.1", request_id: "7", route: "log", rule: "echo", status: 200 });
    expect(line).toMatchObject({ endpoint: `127.0.0.1:${echo.port}`, user_agent: "plain" });
    expect(line?.time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}(?:Z|[+-]\d\d:\d\d)$/);
    expect(Math.abs(Date.parse(line?.time as string) - Date.now())).toBeLessThan(120_000);
    for (const key of ["duration", "client_port", "status"]) expect(typeof line?.[key]).toBe("number");
    // What a rule changes is told as it came.
    expect(found[proxy].find(({ rule }) => rule === "changed")).toMatchObject({
      path: "/changed/b",
      authority: HOST,
      user_agent: "theirs",
    });
    expect(found[proxy].filter(({ path }) => path === "/wait")[0]).toMatchObject({ status: 504, cluster: "log-echo" });
    expect(found[proxy].filter(({ path }) => path === "/dead")[0]).toMatchObject({ status: 503, cluster: "log-dead" });
    expect(found[proxy].filter(({ status }) => status === 405)[0]).toMatchObject({ path: "", method: "", rule: "" });
  });

  it.each(proxyNames)("%s: no secret and no query is told", (proxy) => {
    expect(JSON.stringify(found[proxy])).not.toContain(SECRET);
  });
});

describe("what proxies tell in their own way", () => {
  it("a head that is too large: 431 on Envoy, 400 elsewhere", async () => {
    const bytes = get("/echo", `X-Large: ${"a".repeat(70_000)}`);
    for (const proxy of proxyNames) {
      const [line] = await linesOf(proxy, 1, () => exchange(proxy, bytes));
      expect(line).toMatchObject({ status: proxy === "envoy" ? 431 : 400, method: "", path: "", rule: "" });
    }
  });

  it("a client that goes away: status 0, on HAProxy 400", async () => {
    for (const proxy of proxyNames) {
      const [line] = await linesOf(proxy, 1, async () => {
        const socket = await connectTo({ address: e2e().proxies[proxy].address, port: e2e().ports.http });
        socket.write(get("/wait/gone", "X-E2E: hang"));
        await new Promise((resolve) => setTimeout(resolve, 100));
        socket.destroy();
      });
      expect(line).toMatchObject({
        status: proxy === "haproxy" ? 400 : 0,
        method: "GET",
        path: "/wait/gone",
        rule: "wait",
      });
    }
  });

  it("one that goes away in its body: status 0; HAProxy has chosen no endpoint then", async () => {
    for (const proxy of proxyNames) {
      const [line] = await linesOf(proxy, 1, async () => {
        const socket = await connectTo({ address: e2e().proxies[proxy].address, port: e2e().ports.http });
        socket.write(request("POST", "/echo/half", `Host: ${HOST}`, "Content-Length: 10").replace(/$/, "half"));
        await new Promise((resolve) => setTimeout(resolve, 100));
        socket.destroy();
      });
      const endpoint = proxy === "haproxy" ? "" : `127.0.0.1:${echo.port}`;
      expect(line).toMatchObject({ status: 0, method: "POST", path: "/echo/half", cluster: "log-echo", endpoint });
    }
  });
});

it("a TCP connection has its bytes, cluster and endpoint", async () => {
  const all = await Promise.all(
    proxyNames.map((proxy) =>
      linesOf(proxy, 1, async () => {
        const socket = await connectTo({ address: e2e().proxies[proxy].address, port: e2e().ports.tcp });
        const closed = new Promise((resolve) => socket.once("close", resolve));
        socket.resume();
        socket.end("12345");
        await closed;
      }),
    ),
  );
  for (const [line] of all) {
    expect(Object.keys(line ?? {})).toEqual(CONNECTION_KEYS);
    expect(line).toMatchObject({
      bytes_received: 5,
      cluster: "log-tcp",
      listener: "log-tcp",
      endpoint: `127.0.0.1:${tcpEcho.port}`,
    });
    expect(valuesOf([line as Line])).toEqual(valuesOf([all[0]?.[0] as Line]));
  }
});
