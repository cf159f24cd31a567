/**
 * The table of docs/decisions/0011 on real Envoy, nginx and HAProxy: what the parsers of the three take differently, and what
 * was made equal. Bytes as they go over the wire.
 */
import { connect, createServer } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ProxyKind } from "../ir/index.ts";
import { KNOWN_METHODS } from "../ir/index.ts";
import { compileDocument, renderFleet } from "./modelFiles.ts";
import { ADDRESSES, type RunningProxy, startProxy } from "./sameBehaviour/proxies.ts";
import {
  close,
  exchange,
  freePort,
  listen,
  type Message,
  PROBE_FIELD,
  type Seen,
  upstreams,
} from "./sameBehaviour/wire.ts";

const KINDS: readonly ProxyKind[] = ["envoy", "nginx", "haproxy"];
const record = upstreams();
const running: RunningProxy[] = [];
/** Answers with what HTTP hardly allows, by path. */
const odd = createServer((socket) => {
  socket.on("error", () => socket.destroy());
  socket.once("data", (data) => {
    const many = `HTTP/1.1 200 OK\r\n${lines(900)}Content-Length: 0\r\n\r\n`;
    const long204 = "HTTP/1.1 204 No Content\r\nContent-Length: 3\r\n\r\n";
    socket.end(data.toString("latin1").startsWith("GET /odd/many ") ? many : long204);
  });
});
let port = 0;

beforeAll(async () => {
  port = await freePort(Object.values(ADDRESSES));
  const upstream = await record.open("up", "answer");
  const oddPort = await listen(odd, "127.0.0.1");
  const on = (prefix: string, more: object = {}) => ({ matches: [{ path: { prefix }, ...more }] });
  const denied = { respond: { status: 403, body: "denied" } };
  const { compiled, diagnostics } = compileDocument({
    fleets: KINDS.map((proxy) => ({ name: proxy, proxy, bindAddress: ADDRESSES[proxy] })),
    listeners: [{ name: "web", fleets: KINDS, port, protocol: "HTTP" }],
    clusters: [
      { name: "up", endpoints: [{ address: "127.0.0.1", port: upstream }] },
      { name: "odd", endpoints: [{ address: "127.0.0.1", port: oddPort }] },
    ],
    routes: [
      {
        name: "a",
        listeners: ["web"],
        hostnames: ["a.test"],
        rules: [
          { ...on("/"), split: [{ cluster: "up" }] },
          { ...on("/odd"), split: [{ cluster: "odd" }] },
          { ...on("/d"), respond: { status: 200, body: "direct" } },
          { ...on("/r"), redirect: { path: { full: "/n" }, status: 308 } },
        ],
      },
      {
        name: "gates",
        listeners: ["web"],
        hostnames: ["g.test"],
        rules: [
          { ...on("/", { headers: [{ name: "X-Role", exact: "admin" }] }), ...denied },
          { ...on("/", { cookies: [{ name: "role", exact: "admin" }] }), ...denied },
          { ...on("/", { headers: [{ name: "Referer", present: true }] }), ...denied },
          { ...on("/"), split: [{ cluster: "up" }] },
        ],
      },
    ],
  });
  if (compiled === null) throw new Error(JSON.stringify(diagnostics));
  for (const ir of compiled.fleets.values()) running.push(await startProxy(ir.proxy, renderFleet(ir), port));
});

afterAll(async () => {
  for (const proxy of running) await proxy.stop();
  await record.stop();
  await close(odd);
});

/** A request line and header lines (the Host unless they have one); `body` as it goes over the wire. */
interface Sent {
  readonly line: string;
  readonly head?: string;
  readonly body?: string;
}

interface Came {
  readonly answer: Message;
  readonly seen: Seen | undefined;
}

let sent = 0;

async function ask(proxy: ProxyKind, { line, head = "", body = "" }: Sent): Promise<Came> {
  const probe = `${proxy}-${sent++}`;
  const host = /^host[ \t]*:/im.test(head) ? "" : "Host: a.test\r\n";
  const version = /[ \t]HTTP\/\S+ ?$/.test(line) ? "" : " HTTP/1.1";
  const bytes = `${line}${version}\r\n${host}${head}${PROBE_FIELD}: ${probe}\r\nConnection: close\r\n\r\n${body}`;
  const answer = await exchange({ address: ADDRESSES[proxy], port }, bytes, { method: line.split(" ")[0] ?? "" });
  return { answer, seen: record.take(probe)[0] };
}

/** Statuses of Envoy, nginx and HAProxy. */
async function statuses(request: Sent): Promise<number[]> {
  const all = await Promise.all(KINDS.map((proxy) => ask(proxy, request)));
  return all.map(({ answer }) => Number(answer.startLine.split(" ")[1]));
}

const lines = (count: number): string => Array.from({ length: count }, (_, index) => `X-${index}: a\r\n`).join("");
/** What `ask` adds: Host, the probe's field, Connection. */
const OWN_LINES = 3;
const CHUNK = "3\r\nabc\r\n0\r\n\r\n";

describe("made equal", () => {
  test.each<[string, Sent, number]>([
    ["an unknown method", { line: "FOO /d" }, 400],
    ["an unknown method that is forwarded", { line: "M-SEARCH /" }, 400],
    ["a method in small letters", { line: "get /d" }, 400],
    ["a method with another character", { line: "GET! /d" }, 400],
    ["QUERY, which Envoy's parser knows", { line: "QUERY /d", head: "Content-Type: a/b\r\n" }, 400],
    ["PRI, HTTP/2's own", { line: "PRI /d" }, 400],
    ["an absolute form", { line: "GET http://a.test/d" }, 200],
    ["an absolute form without path", { line: "GET http://a.test" }, 200],
    ["an absolute form with query but no path", { line: "GET http://a.test?x" }, 400],
    ["an absolute form without host", { line: "GET http:///d" }, 400],
    ["https without TLS", { line: "GET https://a.test/d" }, 400],
    ["another scheme", { line: "GET ftp://a.test/d" }, 400],
    ["ws", { line: "GET ws://a.test/d" }, 400],
    ["1000 fields", { line: "GET /", head: lines(1000 - OWN_LINES) }, 200],
    ["a head of 59 000 bytes", { line: "GET /d", head: `X-A: ${"a".repeat(59_000)}\r\n` }, 200],
    ["an answer of 900 fields", { line: "GET /odd/many" }, 200],
    ["NUL in a field", { line: "GET /d", head: "X-A: a\0b\r\n" }, 400],
    ["a tab in a field", { line: "GET /d", head: "X-A: a\tb\r\n" }, 200],
    ["two different Hosts", { line: "GET /d", head: "Host: a.test\r\nHost: b.test\r\n" }, 400],
    [
      "two different lengths",
      { line: "POST /d", head: "Content-Length: 3\r\nContent-Length: 4\r\n", body: "abc" },
      400,
    ],
  ])("%s", async (_name, request, expected) => {
    expect(await statuses(request)).toEqual([expected, expected, expected]);
  });

  test.each<[string, string, number]>([
    ["a field that is denied", "X-Role: admin\r\n", 403],
    ["tabs around its value", "X-Role:\tadmin \t\r\n", 403],
    ["nothing but tabs", "X-Role: \t\r\n", 200],
    ["a control character in it", "X-Role: a\x01b\r\n", 400],
    ["its name in Connection", "X-Role: admin\r\nConnection: close, x-ROLE\r\n", 200],
    ["a cookie that is denied", "Cookie: a=b;role=admin\r\n", 403],
    ["a cookie in a second line", "Cookie: a=b\r\nCookie: role=admin\r\n", 403],
    ["a blank behind a cookie", "Cookie: role=admin ; a=b\r\n", 400],
    ["Cookie named by Connection", "Cookie: role=admin\r\nConnection: cookie\r\n", 200],
    ["a Referer that is no URL", "Referer: a b\r\n", 403],
    ["a Referer with a fragment", "Referer: http://a/b#c\r\n", 403],
    ["a note of our own", "X-Trimtab-Referer: http://a/b\r\n", 200],
  ])("where rules look at fields: %s", async (_name, head, expected) => {
    const request = { line: "GET /", head: `Host: g.test\r\n${head}` };
    expect(await statuses(request)).toEqual([expected, expected, expected]);
    for (const proxy of KINDS) {
      const { seen } = await ask(proxy, request);
      const values = seen?.fields.filter(([name]) => name === "x-role" || name === "cookie").map(([, value]) => value);
      expect([proxy, values?.join("") ?? ""]).toEqual([proxy, ""]);
    }
  });

  test.each([...KNOWN_METHODS].filter((method) => method !== "TRACE"))("%s", async (method) => {
    expect(await statuses({ line: `${method} /d` })).toEqual([200, 200, 200]);
  });

  test.each(["GET", "HEAD"])("a redirect has no body and no type: %s", async (method) => {
    for (const proxy of KINDS) {
      const { answer } = await ask(proxy, { line: `${method} /r?q` });
      const field = (name: string) => answer.fields.find(([each]) => each === name)?.[1];
      expect([proxy, answer.startLine.split(" ")[1], answer.body]).toEqual([proxy, "308", ""]);
      expect([proxy, field("location")]).toEqual([proxy, `http://a.test:${port}/n?q`]);
      expect([proxy, field("content-type")]).toEqual([proxy, undefined]);
    }
  });

  test("a field over 60 KiB is refused", async () => {
    expect(await statuses({ line: "GET /d", head: `X-A: ${"a".repeat(62_000)}\r\n` })).toEqual([431, 400, 400]);
  });

  test.each(KINDS)("%s takes many requests with large heads one behind the other", async (proxy) => {
    const count = 60;
    const head = `Host: a.test\r\nX-A: ${"a".repeat(1_700)}\r\nX-B: ${"b".repeat(1_700)}\r\n`;
    const last = `GET / HTTP/1.1\r\n${head}Connection: close\r\n\r\n`;
    const bytes = `GET / HTTP/1.1\r\n${head}\r\n`.repeat(count - 1) + last;
    const answers = await new Promise<string>((resolve, reject) => {
      let received = "";
      const socket = connect({ host: ADDRESSES[proxy], port }, () => socket.write(bytes));
      socket.on("data", (data) => {
        received += data.toString("latin1");
      });
      socket.on("end", () => resolve(received));
      socket.on("error", reject);
    });
    expect(answers.match(/HTTP\/1\.1 \d+/g)).toEqual(Array(count).fill("HTTP/1.1 200"));
  });

  test("more than 1000 fields are refused by Envoy, more than 1080 by HAProxy, which has room for those that rules add", async () => {
    const [envoy] = await statuses({ line: "GET /d", head: lines(1001 - OWN_LINES) });
    const [, , haproxy] = await statuses({ line: "GET /d", head: lines(1082 - OWN_LINES) });
    expect([envoy, haproxy]).toEqual([431, 400]);
  });

  test.each(["websocket", "h2c", "TLS/1.0"])(
    "Upgrade: %s that Connection does not name goes no further",
    async (to) => {
      for (const proxy of KINDS) {
        const { answer, seen } = await ask(proxy, { line: "GET /", head: `Upgrade: ${to}\r\n` });
        expect([proxy, answer.startLine.split(" ")[1]]).toEqual([proxy, "200"]);
        expect([proxy, seen?.fields.find(([name]) => name === "upgrade")]).toEqual([proxy, undefined]);
      }
    },
  );

  test("HTTP/2 without TLS is not spoken", async () => {
    for (const proxy of KINDS) {
      const place = { address: ADDRESSES[proxy], port };
      const answer = await exchange(place, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0", { method: "PRI" });
      expect([proxy, answer.startLine]).toEqual([proxy, expect.stringMatching(/^HTTP\/1\.1 4\d\d /)]);
    }
  });
});

describe("left different (Envoy, nginx, HAProxy)", () => {
  const twice = (field: string): string => `${field}\r\n${field}\r\n`;
  test.each<[string, Sent, readonly [number, number, number]]>([
    ["If-None-Match: * for a rule's own answer", { line: "GET /d", head: "If-None-Match: *\r\n" }, [200, 304, 200]],
    ["If-Match for a rule's own answer", { line: "GET /d", head: 'If-Match: "x"\r\n' }, [200, 412, 200]],
    ["If-Unmodified-Since for it", { line: "GET /d", head: "If-Unmodified-Since: x\r\n" }, [200, 412, 200]],
    ["another control character in a field", { line: "GET /d", head: "X-A: a\x01b\r\n" }, [400, 200, 400]],
    ["DEL in a field", { line: "GET /d", head: "X-A: a\x7fb\r\n" }, [400, 200, 400]],
    ["a head over 60 KiB", { line: "GET /d", head: `X-A: ${"a".repeat(31_000)}\r\n`.repeat(2) }, [431, 200, 400]],
    ["a bare CR in a field", { line: "GET /d", head: "X-A: a\rb\r\n" }, [200, 400, 400]],
    ["a folded field", { line: "GET /d", head: "X-A: a\r\n b\r\n" }, [200, 400, 200]],
    ["a line without colon", { line: "GET /d", head: "X-A\r\n" }, [400, 200, 400]],
    ["a byte above 7F in a name", { line: "GET /d", head: "X-\xe9: a\r\n" }, [400, 200, 400]],
    ["a name of 300 characters", { line: "GET /d", head: `${"N".repeat(300)}: a\r\n` }, [200, 200, 400]],
    ["tabs around Host", { line: "GET /d", head: "Host:\ta.test\t\r\n" }, [200, 400, 200]],
    ["two equal Hosts", { line: "GET /d", head: twice("Host: a.test") }, [400, 400, 200]],
    ["two of a field that is single", { line: "GET /d", head: twice("Authorization: x") }, [200, 400, 200]],
    ["an authority other than Host", { line: "GET http://a.test/d", head: "Host: b.test\r\n" }, [200, 200, 400]],
    ["user information", { line: "GET http://u@a.test/d" }, [200, 400, 400]],
    ["a blank behind the version", { line: "GET /d HTTP/1.1 " }, [200, 200, 400]],
    ["a tab before the version", { line: "GET /d?x\tHTTP/1.1" }, [200, 400, 200]],
    ["HTTP/2.0 in the request line", { line: "GET /d HTTP/2.0" }, [200, 505, 200]],
    ["HTTP/0.9 in the request line", { line: "GET /d HTTP/0.9" }, [200, 400, 200]],
    ["HTTP/1.10 in the request line", { line: "GET /d HTTP/1.10" }, [400, 200, 400]],
    ["an answer 204 with a length", { line: "GET /odd/204" }, [502, 204, 204]],
    ["two equal lengths", { line: "POST /d", head: twice("Content-Length: 3"), body: "abc" }, [400, 400, 200]],
    ["a length in a list", { line: "POST /d", head: "Content-Length: 3, 3\r\n", body: "abc" }, [400, 400, 200]],
    [
      "a length and chunks",
      { line: "POST /d", head: "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", body: CHUNK },
      [400, 400, 200],
    ],
    [
      "a tab before chunked",
      { line: "POST /d", head: "Transfer-Encoding:\tchunked\r\n", body: CHUNK },
      [200, 501, 200],
    ],
    [
      "another coding below the chunks",
      { line: "POST /d", head: "Transfer-Encoding: gzip, chunked\r\n", body: CHUNK },
      [501, 501, 422],
    ],
    [
      "chunks in HTTP/1.0",
      { line: "POST /d HTTP/1.0", head: "Transfer-Encoding: chunked\r\n", body: CHUNK },
      [200, 400, 200],
    ],
    [
      "chunks whose lines end with LF",
      { line: "POST /", head: "Transfer-Encoding: chunked\r\n", body: "3\nabc\n0\n\n" },
      [400, 200, 200],
    ],
  ])("%s", async (_name, request, expected) => {
    expect(await statuses(request)).toEqual(expected);
  });

  test("HAProxy sends on what it takes with a length and chunks as chunks alone", async () => {
    const head = "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n";
    const { seen } = await ask("haproxy", { line: "POST /", head, body: CHUNK });
    expect(seen?.body).toBe("abc");
    expect(seen?.fields.filter(([name]) => name === "content-length")).toEqual([]);
  });

  test("Expect: nginx keeps it, HAProxy passes it on; Envoy keeps 100-continue", async () => {
    const passed = async (value: string): Promise<boolean[]> => {
      const all = await Promise.all(KINDS.map((proxy) => ask(proxy, { line: "GET /", head: `Expect: ${value}\r\n` })));
      return all.map(({ seen }) => seen?.fields.some(([name]) => name === "expect") === true);
    };
    expect(await passed("100-continue")).toEqual([false, false, true]);
    expect(await passed("other")).toEqual([true, false, true]);
  });
});
