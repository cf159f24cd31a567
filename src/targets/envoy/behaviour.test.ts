/** What a real Envoy does with our resources. */
import { createServer as createHttpServer, type Server } from "node:http";
import { connect, createServer, type Server as TcpServer } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { RedirectIr, RespondIr, RuleIr, TimeoutsIr } from "../../ir/index.ts";
import {
  type Answer,
  ask,
  changes,
  cluster,
  echoUpstream,
  exchange,
  fleet,
  forward,
  freePort,
  header,
  httpPort,
  listen,
  method,
  parseAnswer,
  type RunningEnvoy,
  rule,
  startEnvoy,
  tcpPort as tcpPortIr,
} from "./testing.ts";

const servers: (Server | TcpServer)[] = [];
let envoy: RunningEnvoy;
let port = 0;
let tcpPort = 0;
let emptyTcpPort = 0;
/** Whether the checked endpoint is well. */
let healthy = true;
/** What the upstream that never answers was asked last. */
let lastHanging: object = {};

async function serve<T extends Server | TcpServer>(server: T): Promise<number> {
  servers.push(server);
  return await listen(server);
}

const redirect = (more: Partial<RedirectIr> = {}): RedirectIr => {
  return { kind: "redirect", scheme: null, hostname: null, port: null, path: null, status: 302, ...more };
};
const respond = (status: number, body: string, contentType = "text/plain"): RespondIr => {
  return { kind: "respond", status, body, contentType };
};
const setting = (name: string, value: string) => ({ name, value });

/** ASCII without controls, then what the wire can hold: quotes, percent signs, format commands. */
const TRICKY = "100% %REQ(:path)% %% \"quoted\" 'single' \\1 $host $x {{y}} ; } #";
const LONG_BODY = `${'é%"\\'.repeat(1024)}`;

const rewriting = (id: string, path: string, value: string): RuleIr =>
  rule(id, { path, action: forward("a"), policies: { rewrite: { path: { kind: "prefix", value }, hostname: null } } });
const limited = (id: string, path: string, timeouts: TimeoutsIr): RuleIr =>
  rule(id, { path, action: forward("trickle"), policies: { timeouts } });

/** Each policy adds its part to one Route, two of them to its RouteAction. */
function everything(): RuleIr {
  return rule("every.0.0", {
    path: "/every",
    conditions: [method("PUT"), header("x-env", "regex", "[ab]+"), header("x-no", "absent")],
    action: forward("hang"),
    policies: {
      rewrite: { path: { kind: "prefix", value: "/" }, hostname: null },
      requestHeaders: changes({ set: [setting("x-set", "1")], remove: ["x-gone"] }),
      timeouts: { idleMs: 90_000, requestMs: 300 },
      responseHeaders: changes({ set: [setting("x-rs", "2")] }),
    },
  });
}

function rules(): RuleIr[] {
  return [
    rule("exact.0.0", { path: "=/users/1", action: forward("a") }),
    rule("regex.0.0", { path: "~/users/[0-9]+", action: forward("b") }),
    rule("slash.0.0", { path: "=/a/", action: forward("b") }),
    rule("method.0.0", { path: "/m", conditions: [method("POST")], action: forward("b") }),
    rule("hexact.0.0", { path: "/h", conditions: [header("x-env", "exact", "canary")], action: forward("b") }),
    rule("hregex.0.0", { path: "/hr", conditions: [header("x-env", "regex", "[ab]*")], action: forward("b") }),
    rule("hpresent.0.0", { path: "/hp", conditions: [header("x-env", "present")], action: forward("b") }),
    rule("habsent.0.0", { path: "/ha", conditions: [header("x-env", "absent")], action: forward("b") }),
    rewriting("rw1.0.0", "/rw1", "/xyz"),
    rewriting("rw2.0.0", "/rw2", "/"),
    rewriting("rw3.0.0", "/r.w+3", "/x%25y"),
    everything(),
    rule("re1.0.0", { path: "/re1", action: redirect() }),
    rule("re2.0.0", { path: "/re2", action: redirect({ scheme: "https", status: 301 }) }),
    rule("re3.0.0", { path: "/re3", action: redirect({ hostname: "new.example.com", port: 8443, status: 303 }) }),
    rule("re4.0.0", { path: "/re4", action: redirect({ port: "listener", status: 307 }) }),
    rule("re5.0.0", { path: "/re5", action: redirect({ path: { kind: "full", value: "/full%25x" }, status: 308 }) }),
    rule("re6.0.0", { path: "/re6", action: redirect({ path: { kind: "prefix", value: "/new" } }) }),
    rule("re7.0.0", { path: "/re7", action: redirect({ path: { kind: "prefix", value: "/" } }) }),
    rule("re8.0.0", { path: "/re8", action: redirect({ scheme: "https", port: 443 }) }),
    rule("say1.0.0", { path: "/say1", action: respond(418, TRICKY, "application/json") }),
    rule("say2.0.0", { path: "/say2", action: respond(200, LONG_BODY) }),
    rule("say3.0.0", { path: "/say3", action: respond(503, "mine") }),
    rule("say4.0.0", { path: "/say4", action: respond(200, "") }),
    rule("say6.0.0", { path: "/say6", action: respond(304, "") }),
    rule("say7.0.0", {
      path: "/say7",
      action: respond(201, "made"),
      policies: { responseHeaders: changes({ add: [setting("location", "mine")] }) },
    }),
    rule("say5.0.0", { path: "/say5", action: respond(404, "<h1>no</h1>", "text/html; charset=utf-8") }),
    rule("hdr.0.0", {
      path: "/hdr",
      action: forward("a"),
      policies: {
        requestHeaders: {
          set: [setting("x-set", TRICKY)],
          add: [setting("x-add", "1"), setting("x-add", "2")],
          remove: ["x-gone"],
        },
        responseHeaders: { set: [setting("x-rs", TRICKY)], add: [setting("x-up", "more")], remove: ["x-echo2"] },
      },
    }),
    rule("dead.0.0", {
      path: "/dead",
      action: forward("dead"),
      policies: { responseHeaders: changes({ set: [setting("x-rule", "dead")] }) },
    }),
    rule("none.0.0", {
      path: "/none",
      action: { kind: "forward", split: [] },
      policies: {
        rewrite: { path: { kind: "prefix", value: "/x" }, hostname: null },
        requestHeaders: changes({ set: [setting("x", "y")] }),
      },
    }),
    rule("empty.0.0", { path: "/empty", action: forward("empty") }),
    rule("reset.0.0", { path: "/reset", action: forward("reset") }),
    rule("garbage.0.0", { path: "/garbage", action: forward("garbage") }),
    rule("hang.0.0", {
      path: "/hang",
      action: forward("hang"),
      policies: {
        timeouts: { idleMs: 300, requestMs: null },
        responseHeaders: changes({ set: [setting("x-rule", "hang")] }),
      },
    }),
    limited("total.0.0", "/total", { idleMs: 5000, requestMs: 400 }),
    limited("trickle.0.0", "/trickle", { idleMs: 1000, requestMs: null }),
    rule("up500.0.0", { path: "/up502", action: forward("up502") }),
    rule("split.0.0", {
      path: "/split",
      action: {
        kind: "forward",
        split: [
          { cluster: "a", weight: 90 },
          { cluster: "b", weight: 10 },
        ],
      },
    }),
    rule("weights.0.0", { path: "/weights", action: forward("weighted") }),
    rule("least.0.0", { path: "/least", action: forward("least") }),
    rule("checked.0.0", { path: "/checked", action: forward("checked") }),
    rule("ws.0.0", { path: "/ws", action: forward("ws") }),
    rule("deep.0.0", { path: "/abc/def", action: forward("b") }),
    rule("abc.0.0", { path: "/abc", action: forward("a") }),
  ];
}

function websocketUpstream(): Server {
  const server = createHttpServer((_request, response) => response.end("no upgrade"));
  server.on("upgrade", (_request, socket) => {
    socket.write("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n");
    socket.on("data", (data) => socket.end(`echo:${data}`));
  });
  return server;
}

function tricklingUpstream(): Server {
  return createHttpServer((_request, response) => {
    response.writeHead(200);
    let count = 0;
    const timer = setInterval(() => {
      response.write("x");
      if (++count < 6) return;
      clearInterval(timer);
      response.end();
    }, 200);
  });
}

/** Answers after the client has closed its half. */
function halfCloseUpstream(): TcpServer {
  return createServer({ allowHalfOpen: true }, (socket) => {
    let text = "";
    socket.on("data", (data) => {
      text += data;
    });
    socket.on("end", () => socket.end(`got ${text}`));
  });
}

beforeAll(async () => {
  const a = await serve(echoUpstream("a"));
  const b = await serve(echoUpstream("b"));
  const checked = await serve(
    echoUpstream("checked", (request, response) => {
      if (request.url !== "/health" || healthy) return false;
      response.writeHead(500).end();
      return true;
    }),
  );
  const dead = await freePort();
  const reset = await serve(createServer((socket) => void socket.on("data", () => socket.resetAndDestroy())));
  const garbage = await serve(createServer((socket) => void socket.on("data", () => socket.end("garbage\r\n\r\n"))));
  const hang = await serve(
    createHttpServer(({ url, headers }) => {
      lastHanging = { url, set: headers["x-set"], gone: headers["x-gone"] };
    }),
  );
  const trickle = await serve(tricklingUpstream());
  const up502 = await serve(createHttpServer((_request, response) => response.writeHead(502).end("upstream's own")));
  const ws = await serve(websocketUpstream());
  const half = await serve(halfCloseUpstream());
  const http = {
    method: "GET",
    path: "/health",
    host: "check.example.com",
    headers: [],
    bodyContains: null,
    bodyRegex: null,
    protocol: "http1" as const,
    expectedStatus: [{ low: 200, high: 299 }],
  };
  const times = { intervalMs: 100, timeoutMs: 1000, rise: 2, fall: 2, initial: "down", port: null } as const;
  const healthCheck = { kind: "http", ...times, http, tcp: null, grpc: null } as const;
  port = await freePort();
  tcpPort = await freePort();
  emptyTcpPort = await freePort();
  const weighted = cluster("weighted", []);
  const ports = [
    httpPort(port, {
      "a.example.com": rules(),
      "*.wild.example.com": [
        rule("wild1.0.0", { path: "/go", action: redirect({ scheme: "https", status: 301 }) }),
        rule("wild2.0.0", { path: "/listener", action: redirect({ port: "listener" }) }),
        rule("wild3.0.0", { path: "/", action: forward("a") }),
      ],
      "*.deep.wild.example.com": [rule("wild4.0.0", { path: "/", action: forward("b") })],
      "bare.example.com": [],
      // One group of hosts, with and without a redirect that keeps the request's host.
      "one.group.com two.group.com *.three.group.com": [rule("group1.0.0", { path: "/", action: forward("b") })],
      "one.moved.com two.moved.com *.three.moved.com": [
        rule("group2.0.0", { path: "/go", action: redirect({ scheme: "https" }) }),
        rule("group3.0.0", { path: "/", action: forward("a") }),
      ],
    }),
    tcpPortIr(tcpPort, [{ cluster: "half", weight: 1 }], { idleTimeoutMs: 500 }),
    tcpPortIr(emptyTcpPort, [], { idleTimeoutMs: 500 }),
  ];
  const clusters = [
    cluster("a", [a]),
    cluster("b", [b]),
    cluster("dead", [dead]),
    cluster("empty", []),
    cluster("reset", [reset]),
    cluster("garbage", [garbage]),
    cluster("hang", [hang]),
    cluster("trickle", [trickle]),
    cluster("up502", [up502]),
    cluster("ws", [ws]),
    // One of two is dead: the second attempt finds the other.
    cluster("half", [dead, half]),
    cluster("checked", [checked], { healthCheck }),
    cluster("least", [a, b], { balance: { policy: "leastRequest" } }),
    {
      ...weighted,
      endpoints: [
        { address: "127.0.0.1", port: a, weight: 3, state: "active" as const, priority: 0 },
        { address: "127.0.0.1", port: b, weight: 1, state: "active" as const, priority: 0 },
      ],
    },
  ];
  envoy = await startEnvoy(fleet(ports, clusters));
});

afterAll(async () => {
  await envoy?.stop();
  for (const server of servers) {
    if ("closeAllConnections" in server) server.closeAllConnections();
    server.close();
  }
});

const get = (path: string, headers: readonly string[] = [], host = "a.example.com"): Promise<Answer> =>
  ask(port, `GET ${path}`, [`Host: ${host}`, ...headers]);

describe("matching", () => {
  it.each([
    ["/users/1", "a"],
    ["/users/2", "b"],
    ["/abc", "a"],
    ["/abc?q=/x//y", "a"],
    ["/abc/d", "a"],
    ["/abc/def", "b"],
    ["/abc/defg", "a"],
    ["/a/", "b"],
  ])("%s goes to %s", async (path, upstream) => {
    const { status, seen } = await get(path);
    expect([status, seen.upstream, seen.url]).toEqual([200, upstream, path]);
  });
  it.each(["/abcd", "/users/x", "/users/1/", "/users/12/3", "/a", "/", "/ABC"])("%s matches nothing", async (path) => {
    const { status, body, headers } = await get(path);
    expect([status, body, headers["content-type"]]).toEqual([404, "404 Not Found\n", "text/plain"]);
  });
  it("tells methods apart", async () => {
    expect((await get("/m")).status).toBe(404);
    expect((await ask(port, "POST /m", ["Host: a.example.com", "Content-Length: 0"])).seen.upstream).toBe("b");
  });
  it.each([
    ["/h", ["X-Env: canary"], 200],
    ["/h", ["x-ENV:canary"], 200],
    ["/h", ["X-Env: Canary"], 404],
    ["/h", ["X-Env: canaryx"], 404],
    ["/h", [], 404],
    ["/h", ["X-Env: other", "X-Env: another"], 404],
    ["/hr", ["X-Env: abba"], 200],
    ["/hr", ["X-Env: abc"], 404],
    ["/hr", ["X-Env:"], 404],
    ["/hr", [], 404],
    ["/hp", ["X-Env: x"], 200],
    ["/hp", ["X-Env:"], 404],
    ["/hp", [], 404],
    ["/ha", [], 200],
    ["/ha", ["X-Env:"], 200],
    ["/ha", ["X-Env: x"], 404],
    ["/ha", ["X-Env:", "X-Env: x"], 404],
  ])("%s with %j: %i", async (path, headers, status) => expect((await get(path, headers)).status).toBe(status));
  it("drops fields with underscores, so that none is taken for another", async () => {
    const { seen } = await get("/abc", ["X_Env: canary"]);
    expect(Object.keys(seen.headers)).not.toContain("x_env");
  });
});

describe("hosts", () => {
  it.each([
    ["A.Example.COM", 200],
    ["a.example.com:1234", 200],
    ["a.example.com.", 200],
    ["A.example.com.:80", 200],
    ["b.example.com", 404],
    ["bare.example.com", 404],
    ["x.a.example.com", 404],
    ["127.0.0.1", 404],
    ["[::1]:80", 404],
  ])("%s: %i", async (host, status) => {
    const { status: got, seen } = await get("/abc", [], host);
    expect(got).toBe(status);
    if (got === 200) expect(seen.headers.host).toBe(host);
  });
  it.each([
    ["x.wild.example.com", "a"],
    ["x.y.WILD.example.com:80", "a"],
    ["x.deep.wild.example.com", "b"],
    ["deep.wild.example.com", "a"],
  ])("%s goes to %s", async (host, upstream) => expect((await get("/", [], host)).seen.upstream).toBe(upstream));
  it.each([
    ["one.group.com", "b"],
    ["TWO.group.com.:80", "b"],
    ["x.three.group.com", "b"],
    ["one.moved.com", "a"],
    ["x.three.moved.com", "a"],
  ])("of a group: %s goes to %s", async (host, upstream) => {
    expect((await get("/", [], host)).seen.upstream).toBe(upstream);
  });
  it("of a group are no others", async () => expect((await get("/", [], "three.group.com")).status).toBe(404));
  it.each([
    ["One.moved.com.:99", "https://one.moved.com/go"],
    ["two.moved.com", "https://two.moved.com/go"],
    ["x.three.moved.com", "https://x.three.moved.com/go"],
  ])("of a group keep their own name in redirects: %s", async (host, location) => {
    expect((await get("/go", [], host)).headers.location).toBe(location);
  });
  it("does not take the apex for the wildcard", async () => {
    expect((await get("/", [], "wild.example.com")).status).toBe(404);
  });
  it.each(["", "u@a.example.com", "a.example.com/x", "a b", "a,b", "a.example.com:8a", "a..example.com", "."])(
    "refuses Host %j",
    async (host) => expect((await get("/abc", [], host)).status).toBe(400),
  );
  it("refuses two Hosts and none", async () => {
    expect((await ask(port, "GET /abc", ["Host: a.example.com", "Host: b.example.com"])).status).toBe(400);
    expect((await ask(port, "GET /abc")).status).toBe(400);
    expect((await ask(port, "GET /abc HTTP/1.0")).status).toBe(400);
  });
  it("takes host and path from an absolute-form URI", async () => {
    const { status, seen } = await ask(port, "GET http://a.example.com/abc?x=1", ["Host: a.example.com"]);
    expect([status, seen.url, seen.headers.host]).toEqual([200, "/abc?x=1", "a.example.com"]);
  });
  it("serves HTTP/1.0", async () => {
    const { status, seen } = await ask(port, "GET /abc HTTP/1.0", ["Host: a.example.com"]);
    expect([status, seen.upstream]).toEqual([200, "a"]);
  });
});

describe("path policy", () => {
  it.each([
    ...[
      "/abc//d",
      "//abc",
      "/abc\\d",
      "/abc%2Fd",
      "/abc%2fd",
      "/abc%5Cd",
      "/abc%5cd",
      "/abc%00",
      "/abc/../d",
      "/abc/..",
    ],
    ...[
      "/abc/./d",
      "/abc/.",
      "/abc/%2e%2E/d",
      "/abc/.%2e",
      "/abc/%2e",
      "/abc%",
      "/abc%4",
      "/abc%zz",
      "/abc%2",
      "/abc#x",
    ],
    ...[
      "/%61bc",
      "/abc%2Dd",
      "/abc%2dd",
      "/abc%5Fd",
      "/abc%5fd",
      "/abc%30",
      "/abc%39",
      "/abc%41",
      "/abc%4A",
      "/abc%4f",
    ],
    ...[
      "/abc%50",
      "/abc%5A",
      "/abc%5a",
      "/abc%6F",
      "/abc%70",
      "/abc%7A",
      "/abc%7a",
      "/abc%2E",
      "/abc%2ex",
      "/abc%7E",
      "/abc%7e",
      "/nothing/%2F",
    ],
  ])("refuses %s", async (path) => {
    const { status } = await get(path);
    expect(status).toBe(400);
  });
  it("refuses for unknown hosts too, with the canonical body", async () => {
    const { status, body } = await get("/x//y", [], "unknown.example.com");
    expect([status, body]).toEqual([400, "400 Bad Request\n"]);
  });
  it.each([
    ...["/abc/%20", "/abc/...", "/abc/.x", "/abc/x..", "/abc%40", "/abc%5B", "/abc%60", "/abc%7B"],
    ...["/abc?x=//y/../%2F%", "/abc/%C3%A9", "/abc%3A", "/abc%25", "/abc/a;b=1,2"],
  ])("forwards %s unchanged", async (path) => {
    const { status, seen } = await get(path);
    expect([status, seen.url]).toEqual([path.startsWith("/abc%") ? 404 : 200, path.startsWith("/abc%") ? "" : path]);
  });
  it.each(["\x80", "\xc3\xa9", "\x01", "\tx"])("refuses a path with %j in it", async (char) => {
    expect((await get(`/abc/${char}`)).status).toBe(400);
    expect((await get(`/abc/x?${char}`)).status).toBe(400);
  });
  it("refuses TRACE, also for unknown hosts", async () => {
    for (const host of ["a.example.com", "unknown.example.com"]) {
      const { status, body } = await ask(port, "TRACE /abc", [`Host: ${host}`]);
      expect([status, body]).toEqual([405, "405 Method Not Allowed\n"]);
    }
  });
  it("does not route CONNECT or OPTIONS *", async () => {
    expect((await ask(port, "OPTIONS *", ["Host: a.example.com"])).status).toBe(400);
    expect((await ask(port, "CONNECT a.example.com:80", ["Host: a.example.com:80"])).status).toBeGreaterThanOrEqual(
      400,
    );
  });
});

describe("rewrites and redirects", () => {
  it.each([
    ["/rw1", "/xyz"],
    ["/rw1/", "/xyz/"],
    ["/rw1/bar?q=1", "/xyz/bar?q=1"],
    ["/rw2", "/"],
    ["/rw2/", "/"],
    ["/rw2/bar", "/bar"],
    ["/rw2?x", "/?x"],
    ["/r.w+3/b", "/x%25y/b"],
  ])("%s becomes %s", async (path, url) => {
    const { seen } = await get(path);
    expect(seen.url).toBe(url);
    expect(seen.headers).not.toHaveProperty("x-envoy-original-path");
  });
  it.each([
    ["/re1/x?q=1", 302, "http://a.example.com/re1/x?q=1"],
    ["/re2/x", 301, "https://a.example.com/re2/x"],
    ["/re3", 303, "http://new.example.com:8443/re3"],
    ["/re4", 307, "http://a.example.com:PORT/re4"],
    ["/re5/x?q", 308, "http://a.example.com/full%25x?q"],
    ["/re6", 302, "http://a.example.com/new"],
    ["/re6/", 302, "http://a.example.com/new/"],
    ["/re6/x?q=1", 302, "http://a.example.com/new/x?q=1"],
    ["/re7", 302, "http://a.example.com/"],
    ["/re7/x", 302, "http://a.example.com/x"],
    ["/re8", 302, "https://a.example.com/re8"],
  ])("%s: %i %s", async (path, status, location) => {
    for (const host of ["a.example.com", "A.Example.com.:1234"]) {
      const answer = await get(path, [], host);
      expect([answer.status, answer.headers.location]).toEqual([status, location.replace("PORT", String(port))]);
    }
  });
  it.each([
    ["/go/x?q", "x.wild.example.com", "https://x.wild.example.com/go/x?q"],
    ["/go", "x.wild.example.com:8080", "https://x.wild.example.com:443/go"],
    ["/listener", "x.wild.example.com", "http://x.wild.example.com:PORT/listener"],
    ["/listener", "x.wild.example.com:99", "http://x.wild.example.com:PORT/listener"],
  ])("%s of wildcard host %s: %s", async (path, host, location) => {
    expect((await get(path, [], host)).headers.location).toBe(location.replace("PORT", String(port)));
  });
});

describe("direct answers", () => {
  it("writes status, body and content type as given", async () => {
    const tricky = await get("/say1");
    expect([tricky.status, tricky.body, tricky.headers["content-type"]]).toEqual([418, TRICKY, "application/json"]);
    const long = await get("/say2");
    expect([long.status, long.body, long.headers["content-type"]]).toEqual([200, LONG_BODY, "text/plain"]);
    const own = await get("/say3");
    expect([own.status, own.body]).toEqual([503, "mine"]);
    const empty = await get("/say4");
    expect([empty.body, empty.headers]).toEqual([
      "",
      expect.not.objectContaining({ "content-type": expect.anything() }),
    ]);
    expect((await get("/say6")).headers).not.toHaveProperty("location");
    expect((await get("/say7")).headers.location).toBe("mine");
    const html = await get("/say5");
    expect([html.status, html.body, html.headers["content-type"]]).toEqual([
      404,
      "<h1>no</h1>",
      "text/html; charset=utf-8",
    ]);
  });
});

describe("headers", () => {
  it("changes the request", async () => {
    const { seen } = await get("/hdr", ["X-Set: old", "X-Add: 0", "X-Gone: 1", "X-Kept: 1"]);
    expect(seen.headers["x-set"]).toBe(TRICKY);
    expect(seen.headers["x-add"]?.replaceAll(", ", ",")).toBe("0,1,2");
    expect(seen.headers).not.toHaveProperty("x-gone");
    expect(seen.headers["x-kept"]).toBe("1");
  });
  it("changes the answer", async () => {
    const { headers } = await get("/hdr");
    expect([headers["x-rs"], headers["x-up"]]).toEqual([TRICKY, "u, more"]);
  });
  it("adds nothing of its own but X-Forwarded-*", async () => {
    const { seen, headers } = await get("/abc", ["X-Envoy-Upstream-Rq-Timeout-Ms: 1", "X-Request-Id: mine"]);
    expect(Object.keys(seen.headers).filter((name) => name.startsWith("x-envoy"))).toEqual([]);
    expect(seen.headers["x-request-id"]).toBe("mine");
    expect([seen.headers["x-forwarded-for"], seen.headers["x-forwarded-proto"]]).toEqual(["127.0.0.1", "http"]);
    expect(Object.keys(headers).filter((name) => name.startsWith("x-envoy"))).toEqual([]);
    expect(headers.server).toBe("echo");
    expect((await get("/abc")).seen.headers).not.toHaveProperty("x-request-id");
    expect((await get("/nothing")).headers).not.toHaveProperty("server");
  });
  it("appends to X-Forwarded-For and overwrites X-Forwarded-Proto", async () => {
    const { seen } = await get("/abc", ["X-Forwarded-For: 203.0.113.9", "X-Forwarded-Proto: https"]);
    expect(seen.headers["x-forwarded-for"]?.replaceAll(" ", "")).toBe("203.0.113.9,127.0.0.1");
    expect(seen.headers["x-forwarded-proto"]).toBe("http");
  });
});

describe("what is written in parts", () => {
  it("is one route for Envoy, as protobuf merges it", async () => {
    const dump = JSON.parse(await envoy.admin("/config_dump?resource=static_route_configs")) as { configs: object[] };
    const tables = JSON.stringify(dump);
    const start = tables.indexOf('{"match":{"headers":[{"name":":method","string_match":{"exact":"PUT"}}');
    expect(
      JSON.parse(tables.slice(start, tables.indexOf('"name":"every/0"}', start) + '"name":"every/0"}'.length)),
    ).toEqual({
      match: {
        path_separated_prefix: "/every",
        headers: [
          { name: ":method", string_match: { exact: "PUT" } },
          { name: "x-env", string_match: { safe_regex: { regex: "[ab]+" } } },
          { name: "x-env", string_match: { safe_regex: { regex: ".+" } } },
          {
            name: "x-no",
            string_match: { safe_regex: { regex: ".+" } },
            invert_match: true,
            treat_missing_header_as_empty: true,
          },
        ],
      },
      route: {
        cluster: "hang",
        regex_rewrite: { pattern: { regex: "^/every/?" }, substitution: "/" },
        timeout: "0.300s",
        idle_timeout: "90s",
      },
      request_headers_to_add: [{ header: { key: "x-set", value: "1" }, append_action: "OVERWRITE_IF_EXISTS_OR_ADD" }],
      request_headers_to_remove: ["x-gone"],
      response_headers_to_add: [{ header: { key: "x-rs", value: "2" }, append_action: "OVERWRITE_IF_EXISTS_OR_ADD" }],
      name: "every/0",
    });
  });
  it("acts as one", async () => {
    const lines = ["Host: a.example.com", "X-Env: a", "X-Gone: 1", "Content-Length: 0"];
    const { status, headers } = await ask(port, "PUT /every/x", lines);
    expect([status, headers["x-rs"]]).toEqual([504, "2"]);
    expect(lastHanging).toEqual({ url: "/x", set: "1", gone: undefined });
    expect((await get("/every/x")).status).toBe(404);
  });
});

describe("failures", () => {
  it.each([
    ["/dead", 503, "503 Service Unavailable\n"],
    ["/none", 503, "503 Service Unavailable\n"],
    ["/empty", 503, "503 Service Unavailable\n"],
    ["/reset", 502, "502 Bad Gateway\n"],
    ["/garbage", 502, "502 Bad Gateway\n"],
    ["/hang", 504, "504 Gateway Timeout\n"],
    ["/up502", 502, "upstream's own"],
  ])("%s: %i", async (path, status, body) => {
    const answer = await get(path);
    expect([answer.status, answer.body]).toEqual([status, body]);
  });
  it("changes the headers of its own answers", async () => {
    expect((await get("/dead")).headers["x-rule"]).toBe("dead");
    expect((await get("/hang")).headers["x-rule"]).toBe("hang");
  });
  it("limits silence, not the whole answer, unless told", async () => {
    expect((await get("/trickle")).body).toBe("xxxxxx");
    // The answer has begun: all that is left is to cut it.
    expect((await get("/total")).body.length).toBeLessThan(4);
  });
});

describe("load", () => {
  it("splits by weight", async () => {
    let b = 0;
    const total = 400;
    for (let count = 0; count < total; count++) if ((await get("/split")).seen.upstream === "b") b++;
    // Five standard deviations of a binomial with p = 0.1.
    expect(Math.abs(b - total * 0.1)).toBeLessThan(5 * Math.sqrt(total * 0.1 * 0.9));
  });
  it("weighs endpoints", async () => {
    let b = 0;
    for (let count = 0; count < 40; count++) if ((await get("/weights")).seen.upstream === "b") b++;
    expect(b).toBe(10);
  });
  it("spreads by least requests", async () => {
    const seen = new Set<string>();
    for (let count = 0; count < 40; count++) seen.add((await get("/least")).seen.upstream);
    expect([...seen].sort()).toEqual(["a", "b"]);
  });
  it("takes an endpoint out while its check fails, and back", async () => {
    const becomes = async (status: number) => {
      for (let tries = 0; tries < 100; tries++) {
        if ((await get("/checked")).status === status) return status;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      return 0;
    };
    expect(await becomes(200)).toBe(200);
    healthy = false;
    expect(await becomes(503)).toBe(503);
    healthy = true;
    expect(await becomes(200)).toBe(200);
  });
});

describe("connections", () => {
  const upgrade = (token: string) =>
    [
      "GET /ws HTTP/1.1",
      "Host: a.example.com",
      `Upgrade: ${token}`,
      "Connection: Upgrade",
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
      "Sec-WebSocket-Version: 13",
      "",
      "hello",
    ].join("\r\n");
  it("passes WebSocket", async () => {
    const text = await exchange(port, upgrade("websocket"));
    expect(text).toMatch(/^HTTP\/1\.1 101 /);
    expect(text).toMatch(/echo:hello$/);
  });
  it.each(["foo", "websocket, foo"])("refuses to upgrade to %s", async (token) => {
    const lines = ["Host: a.example.com", `Upgrade: ${token}`, "Connection: Upgrade, close"];
    const { status, body } = parseAnswer(await exchange(port, ["GET /ws HTTP/1.1", ...lines, "", ""].join("\r\n")));
    expect([status, body]).toEqual([403, "403 Forbidden\n"]);
  });
  it("keeps a half-closed TCP connection, past a dead endpoint", async () => {
    for (let count = 0; count < 4; count++) {
      const socket = connect({ port: tcpPort, host: "127.0.0.1", allowHalfOpen: true });
      socket.end("ping");
      let text = "";
      for await (const chunk of socket) text += chunk;
      expect(text).toBe("got ping");
    }
  });
  it("closes an idle TCP connection, and one that has nowhere to go", async () => {
    const started = Date.now();
    expect(await exchange(tcpPort, "x").catch(() => "")).toBe("");
    expect(Date.now() - started).toBeGreaterThan(400);
    expect(await exchange(emptyTcpPort, "x").catch(() => "")).toBe("");
  });
});
