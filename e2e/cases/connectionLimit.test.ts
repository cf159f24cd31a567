/** `connectionLimit`: one connection too many is closed at once, and the next one is taken when another ends. */
import type { Socket } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { e2e, type ProxyName, proxyNames } from "../harness/context.ts";
import { cluster, type Document } from "../harness/model.ts";
import { freePort } from "../harness/ports.ts";
import { until } from "../harness/process.ts";
import { connectTo } from "../harness/rawHttp.ts";
import { ask, serve } from "../harness/serve.ts";
import { startEcho, startTcpEcho, type Upstream } from "../harness/upstream.ts";

const MAX = 3;
const PER_SOURCE = 2;
const HOST = "limits.e2e.example";
let tcpEcho: Upstream;
let echo: Upstream;
let eachPort: number;

beforeAll(async () => {
  [tcpEcho, echo] = await Promise.all([startTcpEcho("limits-tcp"), startEcho("limits-http")]);
  const { ports, proxies } = e2e();
  eachPort = await freePort(...proxyNames.map((name) => proxies[name].address));
  const tcp = (name: string, more: object): Document => ({ name, protocol: "TCP", ...more });
  const route = (name: string): Document => ({
    name,
    listeners: [name],
    protocol: "tcp",
    rules: [{ split: [{ cluster: "limits-tcp" }] }],
  });
  const files = ["nginx", "haproxy"];
  await serve({
    listeners: [
      tcp("limits-max", { fleets: proxyNames, port: ports.tcp, connectionLimit: { max: MAX } }),
      tcp("limits-each", { fleets: files, port: eachPort, connectionLimit: { perSource: PER_SOURCE } }),
      { name: "limits-web", fleets: proxyNames, port: ports.http2, protocol: "HTTP", connectionLimit: { max: MAX } },
    ],
    clusters: [cluster("limits-tcp", tcpEcho.port), cluster("limits-http", echo.port)],
    routes: [
      route("limits-max"),
      route("limits-each"),
      {
        name: "limits-web",
        listeners: ["limits-web"],
        hostnames: [HOST],
        rules: [{ split: [{ cluster: "limits-http" }] }],
      },
    ],
  });
  await Promise.all(proxyNames.map((proxy) => until("listens", () => taken(proxy, ports.tcp).then(freed))));
});

afterAll(async () => {
  await Promise.all([tcpEcho.close(), echo.close()]);
});

describe.each(proxyNames)("%s", (proxy) => {
  it(`closes more than ${MAX} TCP connections`, async () => {
    await comesAndGoes(proxy, e2e().ports.tcp, MAX);
  });

  it.skipIf(proxy === "envoy")(`closes more than ${PER_SOURCE} from one address`, async () => {
    await comesAndGoes(proxy, eachPort, PER_SOURCE);
  });

  it(`takes no more than ${MAX} requests at a time`, async () => {
    const one = (): Promise<string> =>
      ask(proxy, { port: e2e().ports.http2, path: "/", host: HOST, headers: [["x-e2e", "slow=700"]] }).then(
        ({ status }) => String(status),
        () => "closed",
      );
    const told = await Promise.all(Array.from({ length: 2 * MAX }, one));
    const refused = proxy === "nginx" ? "503" : "closed";
    expect(told.sort()).toEqual([...Array(MAX).fill("200"), ...Array(MAX).fill(refused)]);
    await until("one is taken again", async () => ((await one()) === "200" ? true : null));
  });
});

/** Fills the port, is refused, makes room. */
async function comesAndGoes(proxy: ProxyName, port: number, max: number): Promise<void> {
  const held: Socket[] = [];
  for (let index = 0; index < max; index++) {
    held.push(await until(`${proxy} takes connection ${index}`, () => taken(proxy, port)));
  }
  for (let index = 0; index < max; index++) expect(await taken(proxy, port)).toBeNull();
  freed(held.pop() ?? null);
  held.push(await until(`${proxy} takes one again`, () => taken(proxy, port)));
  for (const socket of held) freed(socket);
}

/** Null: closed without a byte. The echo greets. */
async function taken(proxy: ProxyName, port: number): Promise<Socket | null> {
  const socket = await connectTo({ address: e2e().proxies[proxy].address, port }).catch(() => null);
  if (socket === null) return null;
  socket.on("error", () => {});
  const greeted = new Promise<Socket | null>((resolve) => {
    socket.once("data", () => resolve(socket));
    for (const end of ["end", "close"]) socket.once(end, () => resolve(null));
  });
  const found = await greeted;
  return found;
}

function freed(socket: Socket | null): true | null {
  socket?.destroy();
  return socket === null ? null : true;
}
