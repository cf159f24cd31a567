/** What a rule's `retry` sends again, and what not: how often endpoints are asked, and what the client gets in the end. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { e2e, type ProxyName, proxyNames } from "../harness/context.ts";
import { route } from "../harness/model.ts";
import { sendBytes } from "../harness/rawHttp.ts";
import { ask, deadPort, serve } from "../harness/serve.ts";

const host = "retry.e2e.example";
const PER_TRY = "300ms";
/** The longest body that is sent again. */
const KEPT_BYTES = 16_384;

/** What an endpoint was asked under one id. */
interface Asked {
  readonly endpoint: string;
  readonly body: string;
  /** Path, and what rules and the proxy add. */
  readonly head: string;
}

const asked = new Map<string, Asked[]>();
const endpoints: { readonly server: Server; readonly port: number }[] = [];
let ids = 0;

beforeAll(async () => {
  for (const name of ["a", "b", "c"]) endpoints.push(await startEndpoint(name));
  const ports = endpoints.map(({ port }) => port);
  const dead = deadPort();
  await serve({
    clusters: [of("three", ports), of("dead", [...ports.slice(0, 1), dead, dead + 1]), of("none", [dead, dead + 1])],
    routes: [
      route(
        "retry",
        host,
        rule("/usual", "three", {}),
        rule("/all", "three", {
          on: ["connectFailure", "reset", "timeout"],
          statuses: ["502-504"],
          methods: ["GET", "POST"],
          perTryTimeout: PER_TRY,
        }),
        rule("/few", "three", { attempts: 1, statuses: ["503"] }),
        {
          ...rule("/changed", "three", { statuses: ["503"] }),
          rewrite: { path: { prefix: "/new" } },
          requestHeaders: { add: [{ name: "X-Add", value: "once" }] },
        },
        rule("/dead", "dead", { attempts: 2, on: ["connectFailure"] }),
        rule("/none", "none", { attempts: 1, statuses: ["503"] }),
      ),
    ],
  });
});

afterAll(() => {
  for (const { server } of endpoints) {
    server.close();
    server.closeAllConnections();
  }
});

function of(name: string, ports: readonly number[]) {
  return { name, endpoints: ports.map((port) => ({ address: "127.0.0.1", port })) };
}

function rule(prefix: string, cluster: string, retry: object) {
  return { matches: [{ path: { prefix } }], split: [{ cluster }], retry };
}

/** `x-fail: 503*2`: the first two requests of an id fail so, whichever endpoint they meet. Also `reset*1`, `silence*1`. */
async function startEndpoint(name: string) {
  const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("error", () => {});
    request.on("end", () => answer(name, Buffer.concat(chunks).toString(), { request, response }));
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return { server, port: (server.address() as AddressInfo).port };
}

function answer(
  endpoint: string,
  body: string,
  { request, response }: { readonly request: IncomingMessage; readonly response: ServerResponse },
): void {
  const seen = asked.get(String(request.headers["x-id"])) ?? [];
  const { "x-forwarded-for": client, "x-add": added } = request.headers;
  seen.push({ endpoint, body, head: `${request.url} ${added} ${client}` });
  const [kind = "", times] = String(request.headers["x-fail"]).split("*");
  if (request.headers["x-connection"] === "new") response.setHeader("Connection", "close");
  if (seen.length > Number(times)) response.end(`${endpoint} ${body.length}`);
  else if (kind === "reset") request.socket.resetAndDestroy();
  else if (kind !== "silence") {
    response.statusCode = Number(kind);
    response.end(`${kind} of the endpoint`);
  }
}

interface Outcome {
  readonly status: number;
  readonly body: string;
  readonly asked: readonly Asked[];
}

interface Wish {
  readonly fail: string;
  readonly method?: string;
  readonly body?: string;
  /** Whether connections to endpoints are used again; nginx does not count a try that met one which then broke. */
  readonly reuses?: boolean;
}

async function outcome(proxy: ProxyName, path: string, request: Wish) {
  const id = `${proxy}-${ids++}`;
  const own: Asked[] = [];
  asked.set(id, own);
  const { fail, reuses = false, ...rest } = request;
  const headers: [string, string][] = [
    ["x-id", id],
    ["x-fail", fail],
    ["x-connection", reuses ? "kept" : "new"],
  ];
  const { status, body } = await ask(proxy, { host, path, headers, ...rest });
  asked.delete(id);
  return { status, body, asked: own } satisfies Outcome;
}

/** Status, and how often endpoints were asked. */
async function inShort(...args: Parameters<typeof outcome>): Promise<string> {
  const { status, asked: own } = await outcome(...args);
  expect(new Set(own.map(({ endpoint }) => endpoint)).size).toBe(own.length);
  return `${status} after ${own.length}`;
}

describe.each([...proxyNames])("%s", (proxy) => {
  it.each([
    ["/all", "503*1", "200 after 2"],
    ["/all", "502*2", "200 after 3"],
    ["/all", "504*3", "504 after 3"],
    ["/all", "500*3", "500 after 1"],
    ["/all", "reset*1", "200 after 2"],
    ["/all", "reset*3", "502 after 3"],
    ["/all", "silence*3", "504 after 3"],
    ["/usual", "503*1", "503 after 1"],
    ["/usual", "reset*2", "200 after 3"],
    ["/few", "503*2", "503 after 2"],
    ["/few", "reset*2", "502 after 2"],
  ])("GET %s, where endpoints fail with %s: %s", async (path, fail, expected) => {
    expect(await inShort(proxy, path, { fail })).toBe(expected);
  });
  it("answers 502 when connections that were used before break everywhere", async () => {
    for (let turn = 0; turn < 3; turn++) await outcome(proxy, "/all", { fail: "503*0", reuses: true });
    expect((await outcome(proxy, "/all", { fail: "reset*9", reuses: true })).status).toBe(502);
  });
  it("passes on the answer to the last try", async () => {
    expect((await outcome(proxy, "/all", { fail: "503*9" })).body).toBe("503 of the endpoint");
  });
  it("sends requests of other methods once", async () => {
    const post = { method: "POST", body: "once" };
    expect(await inShort(proxy, "/few", { fail: "503*1", ...post })).toBe("503 after 1");
    expect(await inShort(proxy, "/usual", { fail: "reset*1", ...post })).toBe("502 after 1");
    expect(await inShort(proxy, "/all", { fail: "503*1", method: "PUT", body: "once" })).toBe("503 after 1");
    expect(await inShort(proxy, "/all", { fail: "reset*1", method: "PATCH", body: "once" })).toBe("502 after 1");
  });
  it("sends what has a short body again with all of it", async () => {
    const body = "b".repeat(KEPT_BYTES);
    for (const [path, method] of [
      ["/all", "POST"],
      ["/few", "PUT"],
    ] as const) {
      const found = await outcome(proxy, path, { fail: "503*1", method, body });
      expect([found.status, ...found.asked.map((one) => one.body.length)]).toEqual([200, KEPT_BYTES, KEPT_BYTES]);
    }
    expect(await inShort(proxy, "/all", { fail: "reset*1", method: "POST", body })).toBe("200 after 2");
    expect(await inShort(proxy, "/all", { fail: "silence*1", method: "POST", body })).toBe("200 after 2");
  });
  it("sends what has a longer body once", async () => {
    const body = "b".repeat(KEPT_BYTES + 1);
    expect(await inShort(proxy, "/all", { fail: "503*1", method: "POST", body })).toBe("503 after 1");
    expect(await inShort(proxy, "/few", { fail: "reset*1", method: "PUT", body })).toBe("502 after 1");
  });
  it("changes a request once, however often it is sent", async () => {
    const { status, asked: own } = await outcome(proxy, "/changed/x", { fail: "503*2" });
    expect([status, own.length]).toEqual([200, 3]);
    expect(new Set(own.map(({ head }) => head)).size).toBe(1);
    expect(own[0]?.head).toMatch(/^\/new\/x once [0-9.]+$/);
  });
  it.each([
    ["a chunked body", "POST", "Transfer-Encoding: chunked\r\n\r\n4\r\nonce\r\n0\r\n\r\n"],
    [
      "for a WebSocket",
      "GET",
      "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
    ],
  ])("sends a request once that has %s", async (_what, method, rest) => {
    const id = `${proxy}-${ids++}`;
    const own: Asked[] = [];
    asked.set(id, own);
    const head = `${method} /all HTTP/1.1\r\nHost: ${host}\r\nx-id: ${id}\r\nx-fail: 503*1\r\n`;
    const to = { address: e2e().proxies[proxy].address, port: e2e().ports.http };
    const { status } = await sendBytes(to, head + rest);
    expect([status, own.length]).toEqual([503, 1]);
  });
  it("tries connections again, whatever the method", async () => {
    for (let turn = 0; turn < 6; turn++)
      expect(await inShort(proxy, "/dead", { fail: "503*0", method: "POST", body: "x" })).toBe("200 after 1");
    expect(await inShort(proxy, "/none", { fail: "503*0" })).toBe("503 after 0");
  });
});
