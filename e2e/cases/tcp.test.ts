/** TCP listeners pass bytes both ways, keep a half-closed connection, and split connections by weight. */
import { once } from "node:events";
import type { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { e2e, type ProxyName, proxyNames } from "../harness/context.ts";
import { cluster, type Document } from "../harness/model.ts";
import { until } from "../harness/process.ts";
import { connectTo } from "../harness/rawHttp.ts";
import { serve } from "../harness/serve.ts";
import { startTcpEcho, type Upstream } from "../harness/upstream.ts";

const MIB = 1024 * 1024;
const CONNECTIONS = 200;
const IDLE_MS = 1000;
/** Proxies look at timers when something else wakes them. */
const EARLY_MS = 50;
let upstreams: Upstream[];

beforeAll(async () => {
  upstreams = await Promise.all(["tcp-a", "tcp-b"].map((name) => startTcpEcho(name)));
  const { ports } = e2e();
  await serve({
    listeners: [listener("bytes", ports.tcp), { ...listener("bytes-split", ports.tcp2), idleTimeout: `${IDLE_MS}ms` }],
    clusters: upstreams.map(({ name, port }) => cluster(name, port)),
    routes: [
      tcpRoute("bytes", [{ cluster: "tcp-a" }]),
      tcpRoute("bytes-split", [
        { cluster: "tcp-a", weight: 50 },
        { cluster: "tcp-b", weight: 50 },
      ]),
    ],
  });
  // The HTTP marker says nothing of TCP listeners on Envoy, which opens each of them when it is warm.
  for (const proxy of proxyNames)
    for (const port of [ports.tcp, ports.tcp2]) await until("listens", () => greeting(proxy, port));
});

afterAll(async () => {
  await Promise.all(upstreams.map((upstream) => upstream.close()));
});

function listener(name: string, port: number): Document {
  return { name, fleets: [...proxyNames], port, protocol: "TCP" };
}

function tcpRoute(listenerName: string, split: object[]): Document {
  return { name: listenerName, listeners: [listenerName], protocol: "tcp", rules: [{ split }] };
}

/** Connects and reads the upstream's greeting. */
async function open(proxy: ProxyName, port: number): Promise<{ socket: Socket; name: string }> {
  const socket = await connectTo({ address: e2e().proxies[proxy].address, port });
  return { socket, name: (await read(socket, (data) => data.includes("\n"))).trim() };
}

async function greeting(proxy: ProxyName, port: number): Promise<string> {
  const { socket, name } = await open(proxy, port);
  socket.destroy();
  return name;
}

/** Reads until `enough`, or to the end of the stream when it is not given. */
function read(socket: Socket, enough?: (data: Buffer) => boolean): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const finish = (): void => {
      socket.removeAllListeners("data");
      socket.pause();
      resolve(Buffer.concat(chunks).toString("latin1"));
    };
    socket.on("data", (chunk) => {
      chunks.push(chunk);
      if (enough?.(Buffer.concat(chunks)) === true) finish();
    });
    socket.once("end", () => (enough === undefined ? finish() : reject(new Error("ended early"))));
    socket.once("error", reject);
    socket.once("close", () => reject(new Error("closed early")));
    socket.resume();
  });
}

describe.each(proxyNames)("%s", (proxy) => {
  it("passes every byte value both ways", async () => {
    const { socket } = await open(proxy, e2e().ports.tcp);
    const all = Buffer.from(Array.from({ length: 256 }, (_, value) => value));
    const back = read(socket, (data) => data.length >= all.length);
    socket.write(all);
    expect(await back).toBe(all.toString("latin1"));
    socket.destroy();
  });

  it("keeps the other direction open when the client has ended its side", async () => {
    const { socket } = await open(proxy, e2e().ports.tcp);
    const rest = read(socket);
    socket.end("last words\n");
    expect(await rest).toBe("last words\nafter half-close\n");
    socket.destroy();
  });

  it("loses nothing of a large transfer that ends in a half-close", async () => {
    const { socket } = await open(proxy, e2e().ports.tcp);
    const sent = Buffer.alloc(8 * MIB, "0123456789abcdef\n");
    const rest = read(socket);
    socket.end(sent);
    const received = await rest;
    expect(received.length).toBe(sent.length + "after half-close\n".length);
    expect(received.startsWith(sent.toString("latin1"))).toBe(true);
    socket.destroy();
  });

  it("closes a connection that was silent for the idle timeout, and none before", async () => {
    const { socket } = await open(proxy, e2e().ports.tcp2);
    // A client that keeps its side open sees the end of the proxy's first.
    const ended = Promise.race([once(socket, "end"), once(socket, "close")]).then(() => performance.now());
    let last = 0;
    for (let sent = 0; sent < 3; sent++) {
      await sleep(IDLE_MS * 0.6);
      last = performance.now();
      const back = read(socket, (data) => data.length > 0);
      socket.write("x");
      expect(await back).toBe("x");
    }
    socket.resume();
    expect((await ended) - last).toBeGreaterThan(IDLE_MS - EARLY_MS);
    socket.destroy();
  });

  it("splits connections by weight", { retry: 1 }, async () => {
    let first = 0;
    for (let sent = 0; sent < CONNECTIONS; sent++)
      if ((await greeting(proxy, e2e().ports.tcp2)) === "tcp-a") first += 1;
    // Three standard deviations of 200 fair tosses are 21; see weights.test.ts for the retry.
    expect(Math.abs(first - CONNECTIONS / 2)).toBeLessThanOrEqual(21);
  });
});
