/** Clients that leave before they are answered: the endpoint is let go at once, on all three proxies. */
import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, it } from "vitest";
import { e2e, type ProxyName, proxyNames } from "../harness/context.ts";
import { cluster, route } from "../harness/model.ts";
import { until } from "../harness/process.ts";
import { connectTo } from "../harness/rawHttp.ts";
import { FLAG, FRAME, fieldsOf, frame, openHttp2, packed } from "../harness/rawHttp2.ts";
import { serve } from "../harness/serve.ts";

const HOST = "leaving.e2e.example";
/** Requests at a time on a connection of HTTP/2. */
const STREAMS = 5;

/** Takes requests and answers none. */
let silent: Server;
const held = new Set<Socket>();

beforeAll(async () => {
  silent = createServer((socket) => {
    held.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => held.delete(socket));
    socket.resume();
  });
  silent.listen(0, "127.0.0.1");
  await once(silent, "listening");
  await serve({
    listeners: [
      { name: "both", fleets: ["envoy", "haproxy"], port: e2e().ports.http2, protocol: "HTTP", http: { http2: true } },
      // One of them on a port: it is older than 1.25.1.
      { name: "only", fleets: ["nginx"], port: e2e().ports.http2, protocol: "HTTP", http: { http2: "only" } },
    ],
    clusters: [cluster("silent", (silent.address() as AddressInfo).port)],
    routes: [{ ...route("leaving", HOST, { split: [{ cluster: "silent" }] }), listeners: ["web", "both", "only"] }],
  });
});

afterAll(() => {
  for (const socket of held) socket.destroy();
  silent.close();
});

beforeEach(() => until("nobody is held", async () => held.size === 0 || null));

/** How a client leaves. */
const LEAVES: Readonly<Record<string, (socket: Socket) => void>> = {
  "closes its connection": (socket) => void socket.destroy(),
  "ends its side": (socket) => void socket.end(),
  "resets its connection": (socket) => void socket.resetAndDestroy(),
};
const LENGTH = "Content-Length: 3\r\n";
const REQUESTS = { GET: ["GET", "", ""], POST: ["POST", LENGTH, "abc"], "half a POST": ["POST", LENGTH, "a"] } as const;

async function holds(count: number): Promise<void> {
  await until(`the endpoint has ${count}`, async () => held.size === count || null);
}

async function openOver2(proxy: ProxyName) {
  const client = await openHttp2({ address: e2e().proxies[proxy].address, port: e2e().ports.http2 });
  const payload = packed(fieldsOf(HOST, "/x"));
  const streams = Array.from({ length: STREAMS }, (_, index) => 2 * index + 1);
  const flags = FLAG.endHeaders | FLAG.endStream;
  client.write(...streams.map((stream) => frame(FRAME.headers, { flags, stream, payload })));
  await holds(STREAMS);
  return { client, streams };
}

describe.each(proxyNames)("%s", (proxy) => {
  const rows = Object.keys(LEAVES).flatMap((how) => Object.keys(REQUESTS).map((what) => ({ how, what })));
  it.each(rows)("a client $how behind a $what", async ({ how, what }) => {
    const [method, field, body] = REQUESTS[what as keyof typeof REQUESTS];
    const socket = await connectTo({ address: e2e().proxies[proxy].address, port: e2e().ports.http });
    socket.write(`${method} /x HTTP/1.1\r\nHost: ${HOST}\r\n${field}\r\n${body}`);
    // HAProxy waits for the body before it asks.
    if (what !== "half a POST" || proxy !== "haproxy") await holds(1);
    (LEAVES[how] as (socket: Socket) => void)(socket);
    await holds(0);
    socket.destroy();
  });

  it.each(Object.keys(LEAVES))("a client of HTTP/2 %s", async (how) => {
    const { client } = await openOver2(proxy);
    (LEAVES[how] as (socket: Socket) => void)(client.socket);
    await holds(0);
    client.close();
  });

  it("a client of HTTP/2 gives up its requests", async () => {
    const { client, streams } = await openOver2(proxy);
    client.write(...streams.map((stream) => frame(FRAME.reset, { stream, payload: Buffer.from([0, 0, 0, 8]) })));
    await holds(0);
    client.close();
  });
});
