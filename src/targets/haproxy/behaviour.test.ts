/** Real HAProxy, real requests: what the rendered rules do. Tables and chains must answer alike. */
import { createHash } from "node:crypto";
import type { Server } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { FleetIr, HeaderChangesIr, TestIr, VirtualHostIr } from "../../ir/index.ts";
import { finish } from "../../util/steps.ts";
import { haproxyTarget } from "./index.ts";
import type { Decide, HeaderTest, RuleInput } from "./testSupport/ir.ts";
import {
  cluster,
  exact,
  fleet,
  forward,
  httpPort,
  noChanges,
  prefix,
  regex,
  respond,
  rulesOf,
  virtualHost,
} from "./testSupport/ir.ts";
import {
  type Ask,
  ask,
  echoUpstream,
  exchange,
  filesOf,
  freePorts,
  listen,
  portOf,
  type RunningProxy,
  startProxy,
} from "./testSupport/proxy.ts";

const TRICKY_BODY = "$ % # ' \" \\ ${HOME} %[src] äöü €\n\tsecond line";
const LONG_BODY = "x".repeat(4096);
const WEBSOCKET_KEY = "dGhlIHNhbXBsZSBub25jZQ==";
/** RFC 6455 section 4.2.2; HAProxy answers 502 when an upstream gets it wrong. */
const WEBSOCKET_ACCEPT = createHash("sha1")
  .update(`${WEBSOCKET_KEY}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
  .digest("base64");
const TRICKY_VALUE = `a, "b" 'c' $d %e %[src] #f \\g {h}`;
const set = (name: string, value: string): HeaderChangesIr => ({ ...noChanges, set: [{ name, value }] });
const fields = (count: number): string[] => Array.from({ length: count }, (_, index) => `X-${index}: 1`);
const header = (name: string, test: TestIr, value = ""): HeaderTest => ({ name, test, value });

const rules = (): readonly RuleInput[] => [
  { path: exact("/exact/only"), action: forward("b"), method: "POST" },
  { path: exact("/exact"), action: forward("b") },
  { path: exact("/items/7"), action: forward("b"), method: "DELETE" },
  { path: regex("/items/[0-9]+"), action: forward("c"), headers: [header("x-env", "exact", "canary")] },
  { path: regex("/items/[0-9]+"), action: forward("d"), method: "PATCH" },
  { path: regex("/sp[ae] ?ce{1,2}#'\"%20"), action: forward("c") },
  { path: prefix("/abc/def"), action: forward("d"), headers: [header("x-env", "exact", "canary")] },
  { path: prefix("/hdr"), action: forward("b"), method: "POST", headers: [header("x-a", "exact", "One Two#'%")] },
  { path: prefix("/hdr"), action: forward("b"), headers: [header("x-a", "exact", "One Two#'%")] },
  { path: prefix("/hdr"), action: forward("c"), headers: [header("x-a", "regex", "v[0-9]+ 'q'")] },
  { path: prefix("/hdr"), action: forward("d"), headers: [header("x-b", "present")] },
  { path: prefix("/hdr"), action: forward("e"), headers: [header("x-a", "absent"), header("x-c", "absent")] },
  { path: prefix("/items"), action: forward("a"), headers: [header("x-any", "present")] },
  { path: prefix("/abc"), action: forward("b") },
  { path: prefix("/strip"), action: forward("a"), rewritePrefix: "/" },
  { path: prefix("/move/old"), action: forward("a"), rewritePrefix: "/new" },
  { path: prefix("/headers"), action: forward("a"), requestHeaders: changes, responseHeaders: responseChanges },
  { path: prefix("/dead"), action: forward("dead"), responseHeaders: set("x-rule", "dead") },
  { path: prefix("/empty"), action: forward("empty"), responseHeaders: set("x-rule", "empty") },
  { path: prefix("/nosplit"), action: forward([]), responseHeaders: set("x-rule", "nosplit") },
  { path: prefix("/reset"), action: forward("reset") },
  { path: prefix("/hang"), action: forward("hang"), idleMs: 300, responseHeaders: set("x-rule", "hang") },
  { path: prefix("/total"), action: forward("hang"), requestMs: 200 },
  { path: prefix("/slow"), action: forward("slow") },
  {
    path: prefix("/weights"),
    action: forward([
      { cluster: "a", weight: 90 },
      { cluster: "b", weight: 10 },
    ]),
  },
  { path: prefix("/tricky"), action: respond(TRICKY_BODY, 418, "text/html; charset=utf-8") },
  { path: prefix("/long"), action: respond(LONG_BODY), responseHeaders: set("x-tricky", TRICKY_VALUE) },
  { path: prefix("/nothing"), action: respond("", 200, "application/x-none") },
  { path: prefix("/gone"), action: respond("ignored", 204) },
  { path: prefix("/r1"), action: redirect({ scheme: "https" }), responseHeaders: set("x-rule", "r1") },
  { path: prefix("/r2"), action: redirect({ hostname: "other.test", port: 8443, status: 308 }) },
  { path: prefix("/r3"), action: redirect({ port: "listener", path: { kind: "full", value: "/else%20$where" } }) },
  { path: prefix("/r4/x"), action: redirect({ path: { kind: "prefix", value: "/y/" }, status: 303 }) },
  { path: prefix("/r5"), action: redirect({ path: { kind: "prefix", value: "/" }, status: 307 }) },
  { path: prefix("/r6"), action: redirect({ scheme: "https", port: 443, status: 301 }) },
];
const changes: HeaderChangesIr = {
  set: [{ name: "x-set", value: TRICKY_VALUE }],
  add: [
    { name: "x-add", value: "two" },
    { name: "x-add", value: "three" },
  ],
  remove: ["x-remove"],
};
const responseChanges: HeaderChangesIr = {
  set: [{ name: "x-set", value: TRICKY_VALUE }],
  add: [{ name: "x-up", value: "added" }],
  remove: ["x-drop"],
};

function redirect(more: object) {
  const defaults = { scheme: null, hostname: null, port: null, path: null, status: 302 } as const;
  return { kind: "redirect", ...defaults, ...more } as const;
}

let upstreams: Server[] = [];
let upstreamPorts: Record<string, number> = {};
beforeAll(async () => {
  const echoes = ["a", "b", "c", "d", "e"];
  upstreams = await Promise.all([
    ...echoes.map(echoUpstream),
    listen((socket) => socket.once("data", () => socket.resetAndDestroy())),
    listen((socket) => socket.resume()),
    listen((socket) =>
      socket.once("data", () => {
        setTimeout(() => socket.end("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nslow"), 1_500);
      }),
    ),
    listen((socket) =>
      socket.once("data", () => {
        socket.write(
          "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
            `Sec-WebSocket-Accept: ${WEBSOCKET_ACCEPT}\r\n\r\n`,
        );
        socket.on("data", (data) => socket.write(data));
      }),
    ),
  ]);
  const names = [...echoes, "reset", "hang", "slow", "ws"];
  upstreamPorts = Object.fromEntries(upstreams.map((server, index) => [names[index], portOf(server)]));
});
afterAll(() => {
  for (const server of upstreams) server.close();
});

/** So many rules with conditions that a listener has tables. */
function manyChoices(decide: Decide): VirtualHostIr {
  const inputs = Array.from({ length: 60 }, (_, index): RuleInput => {
    return { path: prefix(`/p${index}`), action: forward("a"), method: "POST" };
  });
  return virtualHost("z.test", rulesOf("many", inputs), decide);
}

/** How a path with several rules is written: see shape.ts. */
type Form = "lines" | "turns" | "tables";

/** Left out where the rules with conditions must be few enough for lines. */
const SECOND_HOST = "noregex.test";

function model(port: number, deadPort: number, form: Form): FleetIr {
  const decide = form === "tables" ? "table" : "chain";
  const own = rulesOf("main", rules());
  const shared = rulesOf("shared", [
    { path: prefix("/"), action: forward("c"), responseHeaders: set("x-rule", "any") },
  ]);
  const sockets = rulesOf("ws", [{ path: prefix("/"), action: forward("ws"), idleMs: 700 }]);
  const second = virtualHost(
    SECOND_HOST,
    rulesOf("plain", [
      { path: exact("/p/x"), action: forward("b"), method: "POST" },
      { path: prefix("/p"), action: forward("c"), headers: [header("x-env", "exact", "canary")] },
      { path: prefix("/p"), action: redirect({}) },
    ]),
    decide,
  );
  return fleet({
    ports: [
      httpPort(port, [
        virtualHost("*.a.test", shared, decide),
        virtualHost("*.deep.a.test", rulesOf("deep", [{ path: prefix("/"), action: forward("d") }]), decide),
        virtualHost("a.test", own, decide),
        virtualHost("bare.a.test", [], decide),
        ...(form === "lines" ? [] : [second]),
        virtualHost(["shared.test", "shared2.test"], shared, decide),
        virtualHost("ws.test", sockets, decide),
        ...(form === "lines" ? [] : [manyChoices(decide)]),
      ]),
    ],
    clusters: [
      ...Object.entries(upstreamPorts).map(([name, upstream]) => cluster(name, [upstream])),
      cluster("dead", [deadPort]),
      cluster("empty", []),
    ].sort((a, b) => (a.name < b.name ? -1 : 1)),
  });
}

describe.each<Form>(["lines", "turns", "tables"])("paths with several rules in %s", (form) => {
  let proxy: RunningProxy;
  let port = 0;
  beforeAll(async () => {
    const ports = await freePorts(2);
    port = ports[0] as number;
    const ir = model(port, ports[1] as number, form);
    const rendered = finish(haproxyTarget.createRenderer().render(ir));
    expect(await haproxyTarget.check(rendered)).toEqual({ ok: true, message: "" });
    const paths = filesOf(rendered).map(({ path }) => path);
    expect(paths.some((path) => path.includes("/choice."))).toBe(form === "turns");
    expect(paths.some((path) => path.includes("/rows."))).toBe(form === "tables");
    proxy = await startProxy(filesOf(rendered), port);
  });
  afterAll(() => proxy?.stop());
  const get = (target: string, more: Ask = {}) => ask(port, target, more);
  const upstreamOf = async (target: string, more: Ask = {}): Promise<string> => {
    const answer = await get(target, more);
    return answer.headers["x-up"] ?? String(answer.status);
  };
  const seenBy = async (target: string, more: Ask = {}) => {
    const answer = await get(target, more);
    return JSON.parse(answer.body) as { requestLine: string; headers: string[] };
  };

  const ofHosts = <Case extends readonly unknown[]>(cases: readonly Case[]): Case[] =>
    cases.filter((one) => form !== "lines" || !one.some((part) => (part as Ask).host === SECOND_HOST));

  it.each(
    ofHosts<[string, string, Ask, string]>([
      ["exact path", "/exact", {}, "b"],
      ["exact path has no tail", "/exact/", {}, "404"],
      ["exact path with query", "/exact?a=/b", {}, "b"],
      ["exact path, other method", "/exact/only", {}, "404"],
      ["exact path, method", "/exact/only", { method: "POST" }, "b"],
      ["method is case-sensitive", "/exact/only", { method: "Post" }, "400"],
      ["regex before prefix", "/items/7", { headers: ["X-Env: canary"] }, "c"],
      ["exact before regex", "/items/7", { method: "DELETE", headers: ["X-Env: canary"] }, "b"],
      ["regex by PATCH", "/items/7", { method: "PATCH" }, "d"],
      ["regex needs the whole path", "/items/7x", { headers: ["X-Env: canary", "X-Any: 1"] }, "a"],
      ["regex without match goes on to prefixes", "/items/8", { headers: ["X-Any: 1"] }, "a"],
      ["exact without match goes on to prefixes", "/items/7", { headers: ["X-Any: 1"] }, "a"],
      ["nothing matches", "/items/8", {}, "404"],
      ["prefix itself", "/abc", {}, "b"],
      ["prefix and slash", "/abc/", {}, "b"],
      ["whole elements only", "/abcd", {}, "404"],
      ["longest prefix", "/abc/def/g", { headers: ["x-env: canary"] }, "d"],
      ["longest prefix falls back to shorter", "/abc/def/g", { headers: ["x-env: Canary"] }, "b"],
      ["header with blanks and quotes", "/hdr", { headers: ["X-A: One Two#'%"] }, "b"],
      ["header exact is case-sensitive", "/hdr", { headers: ["X-A: one two#'%"] }, "404"],
      ["header regex", "/hdr", { headers: ["X-A: v12 'q'"] }, "c"],
      ["header regex needs the whole value", "/hdr", { headers: ["X-A: v12 'q'x"] }, "404"],
      ["repeated header equals nothing", "/hdr", { headers: ["X-A: One Two#'%", "X-A: One Two#'%"] }, "404"],
      ["header present", "/hdr", { headers: ["X-A: z", "X-B: 0"] }, "d"],
      ["empty header is not present", "/hdr", { headers: ["X-A: z", "X-B:"] }, "404"],
      ["headers absent", "/hdr", {}, "e"],
      ["empty header is absent", "/hdr", { headers: ["X-A:"] }, "e"],
      ["one header not absent", "/hdr", { headers: ["X-C: 1"] }, "404"],
      ["exact, no regexes: other method falls to prefix", "/p/x", { host: SECOND_HOST }, "302"],
      ["exact, no regexes", "/p/x", { host: SECOND_HOST, method: "POST" }, "b"],
      ["exact, no regexes: prefix by header", "/p/x", { host: SECOND_HOST, headers: ["X-Env: canary"] }, "c"],
      ["wildcard host", "/", { host: "x.a.test" }, "c"],
      ["wildcard host, many labels", "/", { host: "x.y.z.A.test:80" }, "c"],
      ["longest wildcard", "/", { host: "x.y.deep.a.test." }, "d"],
      ["wildcard is not its apex", "/", { host: "deep.a.test" }, "c"],
      ["no empty label", "/", { host: ".a.test" }, "400"],
      ["host is exclusive", "/", { host: "bare.a.test" }, "404"],
      ["shared rule", "/", { host: "shared.test" }, "c"],
      ["another host of the same rules", "/", { host: "Shared2.test:99" }, "c"],
      ["a site's own spelling is no host", "/", { host: "*.a.test" }, "400"],
      ["upper case, port and dot", "/exact", { host: "A.Test.:8080" }, "b"],
      ["unknown host", "/exact", { host: "b.test" }, "404"],
      ["absolute form", "http://a.test/exact?x", {}, "b"],
      ["absolute form without path", "http://deep.a.test", { host: "deep.a.test" }, "c"],
      ["HTTP/1.0", "/exact", { version: "1.0" }, "b"],
      ["1000 header fields", "/exact", { headers: fields(998) }, "b"],
      // Room for what rules add; a client may use it, too.
      ["1100 header fields", "/exact", { headers: fields(1098) }, "400"],
      ["60 KB of headers", "/exact", { headers: [`X-Long: ${"x".repeat(60_000)}`] }, "b"],
      ["70 KB of headers", "/exact", { headers: [`X-Long: ${"x".repeat(70_000)}`] }, "400"],
    ]),
  )("%s", async (...[, target, more, expected]) => {
    expect(await upstreamOf(target, more)).toBe(expected);
  });

  it.each([
    ...[
      "//x",
      "/a//b",
      "/a\\b",
      "/%2Fa",
      "/a%5c",
      "/%00",
      "/a/../b",
      "/..",
      "/a/%2e%2E/b",
      "/a/.",
      "/a%",
      "/a%4",
      "/a%zz",
    ],
    ...["/%61bc", "/a%5A", "/%39", "/%2D", "/%5f", "/%7E", "/a%2eb", "/exact#x", "/exact?é", "http://a_b.test/exact"],
  ])("refuses the path %s", async (target) => {
    expect((await get(target)).status).toBe(400);
  });
  it.each(["/exact/%20", "/exact/...", "/exact/.a", "/exact/%21%40%5B%60%7B"])("takes the path %s", async (path) => {
    expect((await get(path)).status).toBe(404);
  });
  it.each(["", "a b", "a/b", "u@a.test", "a.test,b", "a.test:x", "ä.test", "a..test", ".a.test", "."])(
    "refuses the host %j",
    async (host) => {
      expect((await get("/exact", { host: host || " " })).status).toBe(400);
    },
  );
  it("tells what a second file says about it, and its maps by their relative names", async () => {
    const socket = `${proxy.folder}/stats.sock`;
    expect(await exchange(socket, "show info\n")).toContain("\ndescription: test-generation\n");
    expect(await exchange(socket, "show map\n")).toContain("(maps/web/sites.map)");
  });
  it("refuses a missing host", async () => {
    expect((await get("/exact", { host: "" })).status).toBe(400);
    expect((await get("/exact", { host: "", version: "1.0" })).status).toBe(400);
  });
  it("answers TRACE with 405", async () => {
    const answer = await get("/exact", { method: "TRACE" });
    expect([answer.status, answer.body, answer.headers["content-type"]]).toEqual([
      405,
      "405 Method Not Allowed\n",
      "text/plain",
    ]);
  });

  it.each([
    ["/strip", "/"],
    ["/strip/", "/"],
    ["/strip/a/b?c=%2F?", "/a/b?c=%2F?"],
    ["/move/old", "/new"],
    ["/move/old/", "/new/"],
    ["/move/old/b%20c?", "/new/b%20c?"],
    ["/headers/a%21b", "/headers/a%21b"],
  ])("forwards %s as %s", async (target, expected) => {
    expect((await seenBy(target)).requestLine).toBe(`GET ${expected} HTTP/1.1`);
  });
  it("changes request headers and tells who asked", async () => {
    const headers = ["X-Set: old", "X-Add: one", "X-Remove: gone", "X_Odd: dropped", "X-Forwarded-For: 9.9.9.9"];
    const seen = (await seenBy("/headers", { headers, host: "A.test:1" })).headers.map((line) => line.toLowerCase());
    expect(seen).toContain("host: a.test:1");
    expect(seen.filter((line) => line.startsWith("x-set:"))).toEqual([`x-set: ${TRICKY_VALUE}`.toLowerCase()]);
    expect(seen.filter((line) => line.startsWith("x-add:"))).toEqual(["x-add: one", "x-add: two", "x-add: three"]);
    expect(seen.filter((line) => /^x-remove:|odd/.test(line))).toEqual([]);
    expect(seen).toContain("x-forwarded-for: 9.9.9.9,127.0.0.1");
    expect(seen).toContain("x-forwarded-proto: http");
  });
  it("forwards the host as it came", async () => {
    const seen = await seenBy("/headers", { host: "A.Test.:8080" });
    expect(seen.headers.filter((line) => /^host:/i.test(line)).map((line) => line.slice(5).trim())).toEqual([
      "A.Test.:8080",
    ]);
  });
  it("starts the list of clients", async () => {
    const seen = (await seenBy("/headers")).headers.map((line) => line.toLowerCase());
    expect(seen.filter((line) => line.startsWith("x-forwarded-for"))).toEqual(["x-forwarded-for: 127.0.0.1"]);
  });
  it("changes response headers", async () => {
    const { headers } = await get("/headers");
    expect([headers["x-set"], headers["x-up"]]).toEqual([TRICKY_VALUE, "a,added"]);
  });

  it.each([
    ["/dead", 503, "503 Service Unavailable\n", "dead"],
    ["/empty", 503, "503 Service Unavailable\n", "empty"],
    ["/nosplit", 503, "503 Service Unavailable\n", "nosplit"],
    ["/reset", 502, "502 Bad Gateway\n", undefined],
    ["/hang", 504, "504 Gateway Timeout\n", "hang"],
    ["/total", 504, "504 Gateway Timeout\n", undefined],
  ])("answers %s with %i", async (...[target, status, body, rule]) => {
    const answer = await get(target);
    expect([answer.status, answer.body, answer.headers["x-rule"]]).toEqual([status, body, rule]);
  });
  it("waits for a slow answer", async () => {
    expect((await get("/slow")).body).toBe("slow");
  });

  it("answers directly", async () => {
    const tricky = await get("/tricky");
    expect([tricky.status, tricky.body, tricky.headers["content-type"]]).toEqual([
      418,
      TRICKY_BODY,
      "text/html; charset=utf-8",
    ]);
    const long = await get("/long");
    expect([long.body, long.headers["x-tricky"]]).toEqual([LONG_BODY, TRICKY_VALUE]);
    expect((await get("/long", { method: "HEAD" })).body).toBe("");
    const nothing = await get("/nothing");
    expect([nothing.status, nothing.headers["content-length"], nothing.headers["content-type"]]).toEqual([
      200,
      "0",
      undefined,
    ]);
    expect((await get("/gone")).raw).toMatch(/^HTTP\/1.1 204 /);
  });

  it.each(
    ofHosts<[string, Ask, number, string]>([
      ["/r1/a?b=c", {}, 302, "https://a.test/r1/a?b=c"],
      ["/r2", {}, 308, "http://other.test:8443/r2"],
      ["/r3/x?q", { host: "A.TEST.:99" }, 302, "http://a.test:PORT/else%20$where?q"],
      ["/r4/x", {}, 303, "http://a.test/y"],
      ["/r4/x/z?", {}, 303, "http://a.test/y/z?"],
      ["/r5", {}, 307, "http://a.test/"],
      ["/r5/a", {}, 307, "http://a.test/a"],
      ["/r6", {}, 301, "https://a.test/r6"],
      ["/p", { host: SECOND_HOST }, 302, "http://noregex.test/p"],
    ]),
  )("redirects %s %j", async (...[target, more, status, location]) => {
    const answer = await get(target, more);
    expect([answer.status, answer.headers.location]).toEqual([status, location.replace("PORT", String(port))]);
    expect(answer.headers["cache-control"]).toBeUndefined();
  });
  it("changes response headers of a redirect", async () => {
    expect((await get("/r1")).headers["x-rule"]).toBe("r1");
  });

  it("splits by weight", async () => {
    const counts: Record<string, number> = {};
    for (let round = 0; round < 20; round++) {
      const batch = await Promise.all(Array.from({ length: 20 }, () => upstreamOf("/weights")));
      for (const name of batch) counts[name] = (counts[name] ?? 0) + 1;
    }
    // 400 draws at 10 %: mean 40, standard deviation 6
    expect(counts.b).toBeGreaterThan(16);
    expect(counts.b).toBeLessThan(64);
    expect((counts.a ?? 0) + (counts.b ?? 0)).toBe(400);
  });

  const upgrade = (token: string, connection = "Upgrade") =>
    exchange(
      port,
      `GET / HTTP/1.1\r\nHost: ws.test\r\nConnection: ${connection}\r\nUpgrade: ${token}\r\n` +
        `Sec-WebSocket-Key: ${WEBSOCKET_KEY}\r\nSec-WebSocket-Version: 13\r\n\r\nping`,
    );
  it("passes a WebSocket, and ends it when it is idle", async () => {
    const raw = await upgrade("websocket");
    expect(raw).toMatch(/^HTTP\/1.1 101 /);
    expect(raw.endsWith("ping")).toBe(true);
  });
  it.each(["foo", "websocket, foo"])("refuses to upgrade to %s", async (token) => {
    expect(await upgrade(token, "Upgrade, close")).toMatch(/^HTTP\/1.1 403 /);
  });
  it("ignores h2c", async () => {
    const raw = await exchange(
      port,
      "GET /exact HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade, HTTP2-Settings, close\r\n" +
        "Upgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n",
    );
    expect(raw).toMatch(/^HTTP\/1.1 200 /);
  });
});
