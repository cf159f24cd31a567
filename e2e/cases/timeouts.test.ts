/** What a failing backend looks like: 504 silent, 502 broken reply, 503 refused; the backend's own statuses pass. And clients' limits. */

import type { AddressInfo } from "node:net";
import { createServer, type Server, type Socket } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ApiAnswer, warningsOf } from "../harness/api.ts";
import { e2e, type ProxyName, proxyAddresses, proxyNames } from "../harness/context.ts";
import { cluster, route } from "../harness/model.ts";
import { freePort } from "../harness/ports.ts";
import { connectTo, type RawResponse } from "../harness/rawHttp.ts";
import { ask, deadPort, serve } from "../harness/serve.ts";
import { startEcho, type Upstream } from "../harness/upstream.ts";

/** Every gap of the trickle plus the 300 ms by which nginx's timers may be early stay well below it. */
const IDLE_MS = 1_000;
const TOTAL_MS = 600;
/** Between the limit and the answer: timers of proxies run in steps of up to a second under load. */
const SLACK_MS = 2_000;
const host = "timeouts.e2e.example";
let upstream: Upstream;
let closing: Server;
let written: ApiAnswer;
/** Of a listener whose clients must be quick. */
let hastyPort: number;
const hastyHost = "hasty.e2e.example";

beforeAll(async () => {
  upstream = await startEcho("timeouts");
  closing = await startClosing();
  const split = [{ cluster: "timeouts" }];
  hastyPort = await freePort(...Object.values(proxyAddresses));
  const second = "1s";
  const http = { headersTimeout: second, bodyTimeout: second, sendTimeout: second, keepAliveTimeout: second };
  written = await serve({
    listeners: [{ name: "hasty", fleets: [...proxyNames], port: hastyPort, protocol: "HTTP", http }],
    clusters: [
      cluster("timeouts", upstream.port),
      cluster("timeouts-refused", deadPort()),
      cluster("timeouts-closing", (closing.address() as AddressInfo).port),
    ],
    routes: [
      route(
        "timeouts",
        host,
        { matches: [{ path: { prefix: "/idle" } }], split, timeouts: { idle: `${IDLE_MS}ms` } },
        { matches: [{ path: { prefix: "/total" } }], split, timeouts: { request: `${TOTAL_MS}ms` } },
        { matches: [{ path: { prefix: "/none" } }], split },
        { matches: [{ path: { prefix: "/refused" } }], split: [{ cluster: "timeouts-refused" }] },
        { matches: [{ path: { prefix: "/closing" } }], split: [{ cluster: "timeouts-closing" }] },
      ),
      {
        ...route("hasty", hastyHost, { split, timeouts: { idle: second } }),
        listeners: ["hasty"],
      },
    ],
  });
});

afterAll(async () => {
  await upstream.close();
  closing.close();
});

/** Takes the request and ends the connection without a byte. */
function startClosing(): Promise<Server> {
  const server = createServer((socket: Socket) => {
    socket.on("error", () => {});
    socket.once("data", () => socket.end());
  });
  return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server)));
}

const wish = (what: string): [string, string][] => [["x-e2e", what]];

function expectAfter(answer: RawResponse, milliseconds: number): void {
  expect(answer.milliseconds).toBeGreaterThan(milliseconds * 0.9);
  expect(answer.milliseconds).toBeLessThan(milliseconds + SLACK_MS);
}

describe.each(proxyNames)("%s", (proxy) => {
  it("504 when the backend stays silent for the idle timeout", async () => {
    const answer = await ask(proxy, { host, path: "/idle", headers: wish("hang") });
    expect(answer).toMatchObject({ status: 504, body: "504 Gateway Timeout\n" });
    expectAfter(answer, IDLE_MS);
  });

  it("an answer within the idle timeout passes, and so does one that keeps sending longer than it", async () => {
    expect(await ask(proxy, { host, path: "/idle", headers: wish("slow=100") })).toMatchObject({ status: 200 });
    const long = await ask(proxy, { host, path: "/idle", headers: wish("trickle=100x15") });
    expect(long).toMatchObject({ status: 200, body: ".".repeat(15) });
  });

  it("no request timeout unless one is given", async () => {
    expect(await ask(proxy, { host, path: "/none", headers: wish("slow=2500") })).toMatchObject({ status: 200 });
  });

  it("504 when a silent backend outlasts the request timeout", async () => {
    const answer = await ask(proxy, { host, path: "/total", headers: wish("hang") });
    expect(answer.status).toBe(504);
    expectAfter(answer, TOTAL_MS);
  });

  it.each(["reset", "badfield"])("502 when the reply breaks after the connection stood: %s", async (how) => {
    expect(await ask(proxy, { host, path: "/none", headers: wish(how) })).toMatchObject({
      status: 502,
      body: "502 Bad Gateway\n",
    });
  });

  it("502 when the reply is not HTTP at all", async () => {
    const answer = ask(proxy, { host, path: "/none", headers: wish("garbage") });
    // nginx takes it for HTTP/0.9 and relays the bytes; no directive stops that.
    if (proxy === "nginx") await expect(answer).rejects.toThrow(/not an HTTP\/1 status line/);
    else expect(await answer).toMatchObject({ status: 502, body: "502 Bad Gateway\n" });
  });

  it("502 when the backend closes without an answer", async () => {
    expect((await ask(proxy, { host, path: "/closing" })).status).toBe(502);
  });

  it("503 when the connection is refused", async () => {
    const answer = await ask(proxy, { host, path: "/refused" });
    expect(answer).toMatchObject({ status: 503, body: "503 Service Unavailable\n" });
  });

  it("a request that failed is not sent again, unless that does no harm (failover.test.ts) and the endpoint closed", async () => {
    const before = upstream.seen();
    await ask(proxy, { host, path: "/none", method: "POST", body: "once", headers: wish("reset") });
    await ask(proxy, { host, path: "/idle", headers: wish("hang") });
    expect(upstream.seen() - before).toBe(2);
  });

  it.each([404, 500, 502, 503, 504, 299])("the backend's own %i passes with its body", async (status) => {
    const answer = await ask(proxy, { host, path: "/none", headers: wish(`status=${status}`) });
    expect(answer.status).toBe(status);
    expect(answer.echo?.name).toBe("timeouts");
  });
});

/** Envoy counts the whole time; nginx and HAProxy only silence, and the write says so. */
const cutsTrickle: Record<ProxyName, boolean> = { envoy: true, nginx: false, haproxy: false };

describe.each(proxyNames)("%s: total request time", (proxy) => {
  it("is exact, or approximated with a warning", async () => {
    const trickle = ask(proxy, { host, path: "/total", headers: wish("trickle=200x6") });
    const whole = await trickle.then(
      ({ body }) => body.length === 6,
      () => false,
    );
    expect(whole).toBe(!cutsTrickle[proxy]);
    const warned = warningsOf(written).some(({ fleet, code }) => fleet === proxy && code === "L7-TIMEOUT-TOTAL");
    expect(warned).toBe(!cutsTrickle[proxy]);
  });
});

/** Sends the pieces with a pause of more than a short limit between them, and gives all that comes until the connection ends. */
async function sendSlowly(proxy: ProxyName, port: number, pieces: readonly string[]): Promise<string> {
  const socket = await connectTo({ address: e2e().proxies[proxy].address, port });
  let received = "";
  let isEnded = false;
  socket.on("data", (chunk) => {
    received += chunk.toString("latin1");
  });
  const ended = new Promise<void>((resolve) => {
    for (const event of ["end", "close", "error"]) socket.once(event, () => resolve());
  }).then(() => {
    isEnded = true;
  });
  for (const [index, piece] of pieces.entries()) {
    if (index > 0) await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, PAUSE_MS))]);
    if (!isEnded) socket.write(piece, "latin1");
  }
  await ended;
  socket.destroy();
  return received;
}

/** More than every short limit and what proxies and a busy machine add to it. */
const PAUSE_MS = 2_500;

/** Every other case: docs/timeouts.md. nginx closes the connection of a client that is late without an answer. */
describe.each(proxyNames)("%s: clients", (proxy) => {
  const late = proxy === "nginx" ? /^$/ : /^HTTP\/1\.1 408 /;
  const head = `POST / HTTP/1.1\r\nHost: ${hastyHost}\r\nContent-Length: 4\r\nConnection: close\r\n`;

  it.concurrent("408, or closed, when a head stops half way", async () => {
    expect(await sendSlowly(proxy, hastyPort, [head])).toMatch(late);
  });

  it.concurrent("408, or closed, when a body stops half way", async () => {
    expect(await sendSlowly(proxy, hastyPort, [`${head}\r\nab`])).toMatch(late);
  });

  it.concurrent("closed when nothing is asked", async () => {
    expect(await sendSlowly(proxy, hastyPort, [])).toBe("");
  });

  it.concurrent("a pause in a body is not the backend's silence", async () => {
    const pieces = [`${head.replace(hastyHost, host).replace("POST /", "POST /idle")}\r\nab`, "cd"];
    expect(await sendSlowly(proxy, e2e().ports.http, pieces)).toMatch(/^HTTP\/1\.1 200 /);
  });
});
