/** Clients that speak HTTP/2 without TLS: rules, refusals and what endpoints get are those of HTTP/1.1, and floods disturb nobody else. */
import { connect } from "node:http2";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { e2e, type ProxyName, proxyNames } from "../harness/context.ts";
import { floodsOf } from "../harness/http2Floods.ts";
import { cluster, route } from "../harness/model.ts";
import { until } from "../harness/process.ts";
import { connectTo } from "../harness/rawHttp.ts";
import { askHttp2, type Fields, fieldsOf, openHttp2 } from "../harness/rawHttp2.ts";
import { ask, serve } from "../harness/serve.ts";
import { type Echo, startEcho, type Upstream } from "../harness/upstream.ts";

const host = "h2c.e2e.example";
/** Frames of a flood, of each of four clients. */
const FLOOD = 2_000;
let upstream: Upstream;

const place = (proxy: ProxyName) => ({ address: e2e().proxies[proxy].address, port: e2e().ports.http2 });

beforeAll(async () => {
  upstream = await startEcho("h2c");
  const rules = [
    {
      matches: [{ path: { prefix: "/secret" }, cookies: [{ name: "role", exact: "admin" }] }],
      split: [{ cluster: "h2c" }],
    },
    { matches: [{ path: { prefix: "/secret" } }], respond: { status: 418, body: "no" } },
    { split: [{ cluster: "h2c" }] },
  ];
  await serve({
    listeners: [
      { name: "both", fleets: ["envoy", "haproxy"], port: e2e().ports.http2, protocol: "HTTP", http: { http2: true } },
      // One of them on a port: it is older than 1.25.1.
      { name: "only", fleets: ["nginx"], port: e2e().ports.http2, protocol: "HTTP", http: { http2: "only" } },
    ],
    clusters: [cluster("h2c", upstream.port)],
    routes: [{ ...route("h2c", host, ...rules), listeners: ["both", "only"] }],
  });
});

afterAll(() => upstream.close());

/** What the endpoint got, by a client that is a library. */
async function echoed(proxy: ProxyName, headers: Record<string, string | string[]>, body?: string): Promise<Echo> {
  const { address, port } = place(proxy);
  const session = connect(`http://${address}:${port}`);
  const stream = session.request({ ":authority": host, ...headers }, { endStream: body === undefined });
  if (body !== undefined) stream.end(body);
  let text = "";
  for await (const chunk of stream) text += chunk;
  session.close();
  return JSON.parse(text) as Echo;
}

const values = (echo: Echo, name: string): string[] =>
  echo.headers.filter(([key]) => key.toLowerCase() === name).map(([, value]) => value);

/** Fields beside the usual ones, and what comes of it: a status, or `error`: the stream or the connection ends. */
const usual = fieldsOf(host, "/x");
const without = (name: string): Fields => usual.filter(([key]) => key !== name);
const ROWS: readonly (readonly [string, Fields, string, string?])[] = [
  ["a usual request", usual, "200"],
  ["Host for :authority", [...without(":authority"), ["host", host]], "200"],
  ["neither", without(":authority"), "error"],
  ["an authority with user and password", fieldsOf(`u:p@${host}`), "error"],
  ["an unknown host", fieldsOf("nobody.example"), "404"],
  ["a name in upper case", [...usual, ["X-Upper", "1"]], "error"],
  ["a field of the connection", [...usual, ["connection", "keep-alive"]], "error"],
  ["te other than trailers", [...usual, ["te", "gzip"]], "error"],
  ["te: trailers", [...usual, ["te", "trailers"]], "200"],
  ["an unknown pseudo-field", [...usual, [":other", "1"]], "error"],
  ["a pseudo-field after others", [...without(":path"), ["x-a", "1"], [":path", "/x"]], "error"],
  ["no path", without(":path"), "error"],
  ["dot segments", fieldsOf(host, "/a/../x"), "400"],
  ["an encoded slash", fieldsOf(host, "/a%2Fx"), "400"],
  ["a fragment", fieldsOf(host, "/x#y"), "error"],
  ["a path without a slash", fieldsOf(host, "x"), "error"],
  ["TRACE", fieldsOf(host, "/x", "TRACE"), "405"],
  ["QUERY", fieldsOf(host, "/x", "QUERY"), "400"],
  ["OPTIONS *", fieldsOf(host, "*", "OPTIONS"), "400"],
  [
    "CONNECT",
    [
      [":method", "CONNECT"],
      [":authority", `${host}:80`],
    ],
    "error",
  ],
  ["a line break in a value", [...usual, ["x-a", "1\r\nx-b: 2"]], "error"],
  [
    "a rule's cookie among others, in fields of their own",
    [...fieldsOf(host, "/secret"), ["cookie", "a=1"], ["cookie", "role=admin"]],
    "200",
  ],
  ["without it", [...fieldsOf(host, "/secret"), ["cookie", "a=1"], ["cookie", "role=user"]], "418"],
  // The last ones: what of them an endpoint gets may come later.
  ["a body shorter than its length", [...fieldsOf(host, "/x", "POST"), ["content-length", "9"]], "error", "hello"],
  ["a body longer than its length", [...fieldsOf(host, "/x", "POST"), ["content-length", "3"]], "error", "hello"],
];

/** `error`: answered as wrong (a CONNECT by Envoy with 404), or the stream or the connection ended. */
const isError = (outcome: string): boolean => /^(?:400|404|reset|goaway|closed)/.test(outcome);

/** What the nginx that is installed lets pass (decision 11). */
const LENIENT: ReadonlySet<string> = new Set(["te other than trailers", "a pseudo-field after others"]);

describe.each(proxyNames)("%s", (proxy) => {
  it("the endpoint gets what it would over HTTP/1.1", async () => {
    const echo = await echoed(
      proxy,
      { ":path": "/a%20b?q=%2F", ":method": "PUT", cookie: ["a=1", "b=2"], "x-a": ["1", "2"] },
      "hello",
    );
    expect([echo.method, echo.path, echo.body]).toEqual(["PUT", "/a%20b?q=%2F", "hello"]);
    expect([values(echo, "host"), values(echo, "cookie"), values(echo, "x-forwarded-proto")]).toEqual([
      [host],
      ["a=1; b=2"],
      ["http"],
    ]);
    expect(values(echo, "x-a").join().replaceAll(" ", "")).toBe("1,2");
  });

  for (const [name, fields, expected, body] of ROWS)
    it(name, async () => {
      if (proxy === "nginx" && LENIENT.has(name)) return;
      const before = upstream.seen();
      const outcome = await askHttp2(place(proxy), fields, body);
      expect(expected === "error" ? isError(outcome) : outcome, outcome).toBe(expected === "error" ? true : expected);
      if (expected !== "200" && body === undefined) expect(upstream.seen()).toBe(before);
    });

  it("HTTP/1.1 is served beside it, or closed", async () => {
    const asked = ask(proxy, { host, path: "/x", port: e2e().ports.http2 });
    if (proxy === "nginx") await expect(asked).rejects.toThrow();
    else expect((await asked).status).toBe(200);
  });

  it("a listener without it closes what begins with it, or answers with an error", async () => {
    const socket = await connectTo({ ...place(proxy), port: e2e().ports.http });
    let text = "";
    socket.on("data", (chunk) => {
      text += chunk.toString("latin1");
    });
    const closed = new Promise((resolve) => socket.on("close", resolve));
    socket.on("end", () => socket.destroy());
    socket.write(`PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${"\0".repeat(3)}\x04${"\0".repeat(5)}`);
    await closed;
    expect(text).toMatch(/^(?:HTTP\/1\.1 (?:400|405|426|505) |<html>|$)/);
  });

  describe("floods", () => {
    for (const { name, frames, settings } of floodsOf(host, FLOOD))
      it(`${name}: others are served, and the proxy is there afterwards`, async () => {
        const attackers = await Promise.all(Array.from({ length: 4 }, () => openHttp2(place(proxy), settings)));
        for (const attacker of attackers) attacker.write(...frames);
        for (let turn = 0; turn < 5; turn++) expect(await askHttp2(place(proxy), usual)).toBe("200");
        for (const attacker of attackers) attacker.close();
        expect(await askHttp2(place(proxy), usual)).toBe("200");
      });

    it("so many requests at a time and no more", async () => {
      const connection = await openHttp2(place(proxy));
      await until("settings came", () => (connection.settings().has(3) ? true : null));
      expect(connection.settings().get(3)).toBe(100);
      connection.close();
    });
  });
});
