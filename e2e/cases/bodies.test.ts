/** Bodies and methods pass as they are: every routed method, large and chunked bodies both ways, kept-alive connections. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { e2e, proxyNames } from "../harness/context.ts";
import { cluster, route } from "../harness/model.ts";
import { openConnection, sendBytes } from "../harness/rawHttp.ts";
import { ask, echoOf, serve } from "../harness/serve.ts";
import { startEcho, type Upstream } from "../harness/upstream.ts";

const host = "bodies.e2e.example";
const MIB = 1024 * 1024;
let upstream: Upstream;

beforeAll(async () => {
  upstream = await startEcho("bodies");
  await serve({
    clusters: [cluster("bodies", upstream.port)],
    routes: [route("bodies", host, { split: [{ cluster: "bodies" }] })],
  });
});

afterAll(() => upstream.close());

describe.each(proxyNames)("%s", (proxy) => {
  it.each(["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])("%s", async (method) => {
    const answer = await ask(proxy, { host, path: "/m", method, body: method === "GET" ? undefined : "a body" });
    expect(answer.echo).toMatchObject({ method, body: method === "GET" ? "" : "a body" });
  });

  it("HEAD has the answer's fields and no body", async () => {
    const answer = await ask(proxy, { host, path: "/m", method: "HEAD" });
    expect(answer).toMatchObject({ status: 200, body: "" });
  });

  it("a body of 3 MiB, there and back", async () => {
    const body = "0123456789abcdef".repeat((3 * MIB) / 16);
    expect((await ask(proxy, { host, path: "/large", method: "POST", body })).echo?.body === body).toBe(true);
  });

  it("a chunked body", async () => {
    const { proxies, ports } = e2e();
    const head = `POST /chunked HTTP/1.1\r\nHost: ${host}\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n`;
    const answer = await sendBytes(
      { address: proxies[proxy].address, port: ports.http },
      `${head}3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\n\r\n`,
    );
    expect(echoOf(answer)?.body).toBe("abcdefg");
  });

  it("Expect: 100-continue", async () => {
    const answer = await ask(proxy, {
      host,
      path: "/",
      method: "POST",
      body: "later",
      headers: [["Expect", "100-continue"]],
    });
    expect(answer).toMatchObject({ status: 200 });
    expect(answer.echo?.body).toBe("later");
  });

  it("many requests on one connection, the proxy's own answers among them", async () => {
    const { proxies, ports } = e2e();
    const connection = await openConnection({ address: proxies[proxy].address, port: ports.http });
    for (let sent = 0; sent < 20; sent++) {
      expect(echoOf(await connection.request({ host, path: `/${sent}` }))?.path).toBe(`/${sent}`);
      expect((await connection.request({ host: "nobody.example", path: "/" })).status).toBe(404);
    }
    connection.close();
  });

  it("HTTP/1.0", async () => {
    const answer = await ask(proxy, { host, path: "/old", httpVersion: "1.0" });
    expect(answer.echo).toMatchObject({ name: "bodies", path: "/old" });
  });

  it("a request header of 16 KiB", async () => {
    const answer = await ask(proxy, { host, path: "/", headers: [["X-Long", "x".repeat(16 * 1024 - 600)]] });
    expect(answer.status).toBe(200);
  });
});
