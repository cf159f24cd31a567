/** WebSocket upgrades pass, bytes go both ways afterwards; every other upgrade is answered 403 and reaches no backend. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { e2e, proxyNames } from "../harness/context.ts";
import { cluster, route } from "../harness/model.ts";
import { connectTo, sendBytes } from "../harness/rawHttp.ts";
import { ask, serve } from "../harness/serve.ts";
import { startEcho, type Upstream } from "../harness/upstream.ts";

const host = "upgrade.e2e.example";
let upstream: Upstream;

beforeAll(async () => {
  upstream = await startEcho("upgrade");
  await serve({
    clusters: [cluster("upgrade", upstream.port)],
    routes: [route("upgrade", host, { split: [{ cluster: "upgrade" }] })],
  });
});

afterAll(() => upstream.close());

/** An upgrade request; the WebSocket fields are always there, because HAProxy wants them as soon as the token names it. */
function asking(token: string): string {
  const key = "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
  return `GET /chat HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: ${token}\r\n${key}\r\n`;
}

describe.each(proxyNames)("%s", (proxy) => {
  it("websocket: 101, then bytes both ways", async () => {
    const { proxies, ports } = e2e();
    const socket = await connectTo({ address: proxies[proxy].address, port: ports.http });
    socket.write(asking("websocket"));
    let received = "";
    const until = (text: string): Promise<void> =>
      new Promise((resolve, reject) => {
        const check = (): void => {
          if (received.includes(text)) resolve();
        };
        socket.on("data", check);
        socket.once("end", () => reject(new Error(`ended after ${received}`)));
        check();
      });
    socket.on("data", (chunk) => {
      received += chunk.toString("latin1");
    });
    await until("\r\n\r\n");
    expect(received).toMatch(/^HTTP\/1\.1 101 /);
    for (const text of ["\u0081\u0005hello", "\u0000\u00ff end"]) {
      socket.write(Buffer.from(text, "latin1"));
      await until(text);
    }
    socket.destroy();
  });

  it.each(["foo", "websocket, foo", "TLS/1.2"])("Upgrade: %s is answered 403", async (token) => {
    const before = upstream.seen();
    const { proxies, ports } = e2e();
    const answer = await sendBytes({ address: proxies[proxy].address, port: ports.http }, asking(token));
    expect(answer.status).toBe(403);
    expect(upstream.seen()).toBe(before);
  });

  it("a plain request beside it", async () => {
    expect((await ask(proxy, { host, path: "/" })).echo?.name).toBe("upgrade");
  });
});
