/** `viaGuard`: a request that comes back over an endpoint that the model does not know as a listener is answered 508. */

import type { AddressInfo } from "node:net";
import { connect, createServer, type Server } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { e2e, type ProxyName, proxyNames } from "../harness/context.ts";
import { cluster } from "../harness/model.ts";
import { until } from "../harness/process.ts";
import type { RawRequest } from "../harness/rawHttp.ts";
import { ask, receivedList, serve } from "../harness/serve.ts";
import { startEcho, type Upstream } from "../harness/upstream.ts";

const host = "via.e2e.example";
const ownEntry = (proxy: ProxyName): string => `1.1 guarded.${proxy}.trimtab`;
let echo: Upstream;
let relays: Relay[];

interface Relay {
  readonly proxy: ProxyName;
  readonly port: number;
  readonly seen: () => number;
  readonly server: Server;
}

/** Passes bytes on to a proxy: what leads back there stands in no model. */
async function startRelay(proxy: ProxyName): Promise<Relay> {
  let seen = 0;
  const server = createServer((socket) => {
    seen += 1;
    const onward = connect({ host: e2e().proxies[proxy].address, port: e2e().ports.http2 });
    for (const end of [socket, onward]) end.on("error", () => end.destroy());
    socket.pipe(onward).pipe(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { proxy, port: (server.address() as AddressInfo).port, seen: () => seen, server };
}

beforeAll(async () => {
  echo = await startEcho("via");
  relays = await Promise.all(proxyNames.map(startRelay));
  const loops = relays.map(({ proxy, port }) => cluster(`loop-${proxy}`, port));
  const loopRules = loops.map(({ name }) => ({
    matches: [{ path: { prefix: `/${name}` } }],
    split: [{ cluster: name }],
  }));
  const changes = { set: [{ name: "X-Changed", value: "yes" }] };
  await serve({
    listeners: [
      { name: "guarded", fleets: [...proxyNames], port: e2e().ports.http2, protocol: "HTTP", http: { viaGuard: true } },
    ],
    clusters: [cluster("via", echo.port), ...loops],
    routes: [
      {
        name: "via",
        listeners: ["guarded", "web"],
        hostnames: [host],
        rules: [
          ...loopRules,
          { matches: [{ path: { prefix: "/changed" } }], split: [{ cluster: "via" }], requestHeaders: changes },
          { split: [{ cluster: "via" }] },
        ],
      },
    ],
  });
  await Promise.all(
    proxyNames.map((proxy) => until("listens", async () => ((await send(proxy, {})).status === 200 ? true : null))),
  );
});

afterAll(async () => {
  for (const { server } of relays) server.close();
  await echo.close();
});

function send(proxy: ProxyName, request: Partial<RawRequest> & { readonly port?: number }) {
  return ask(proxy, { host, path: "/", port: e2e().ports.http2, ...request });
}

describe.each(proxyNames)("%s", (proxy) => {
  it.each(["/", "/changed"])("appends itself to Via: %s", async (path) => {
    const own = ownEntry(proxy);
    expect(receivedList((await send(proxy, { path })).echo, "via")).toEqual([own]);
    const after = await send(proxy, { path, headers: [["Via", "1.0 fred, 1.1 wilma (x)"]] });
    expect(receivedList(after.echo, "via")).toEqual(["1.0 fred", "1.1 wilma (x)", own]);
    // A listener that does not guard passes it on as it came.
    const plain = await send(proxy, { path, port: e2e().ports.http, headers: [["Via", "1.0 fred"]] });
    expect(receivedList(plain.echo, "via")).toEqual(["1.0 fred"]);
  });

  it.each([
    [true, (own: string) => own],
    [true, (own: string) => `1.0 fred, ${own} (more), 1.1 wilma`],
    [false, (own: string) => `${own}x`],
    [false, (own: string) => own.replace("1.1 ", "1.1 x")],
    [false, (own: string) => own.replaceAll(".trim", "xtrim")],
  ])("knows itself: %s", async (isOwn, via) => {
    for (const name of [host, "other.e2e.example"]) {
      const { status, body } = await send(proxy, { host: name, headers: [["Via", via(ownEntry(proxy))]] });
      if (isOwn) expect([status, body]).toEqual([508, "508 Loop Detected\n"]);
      else expect(status).toBe(name === host ? 200 : 404);
    }
  });

  it("ends a loop after one round", async () => {
    const relay = relays.find((own) => own.proxy === proxy)!;
    const before = relay.seen();
    const { status, body } = await send(proxy, { path: `/loop-${proxy}` });
    expect([status, body]).toEqual([508, "508 Loop Detected\n"]);
    expect(relay.seen() - before).toBe(1);
  });
});
