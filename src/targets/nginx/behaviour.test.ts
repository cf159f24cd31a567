import { spawnSync } from "node:child_process";
import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { RedirectIr, RespondIr, RuleIr } from "../../ir/index.ts";
import { finish } from "../../util/steps.ts";
import { nginxTarget } from "./index.ts";
import { MAX_SERVERS } from "./listener.ts";
import {
  changes,
  cluster,
  fleet,
  forward,
  header,
  httpPort,
  method,
  policies,
  rewriteTo,
  rule,
  tcpPort,
  virtualHost,
} from "./testIr.ts";
import { type Answer, exchange, freePorts, type RunningNginx, request, startBackend, startNginx } from "./testNginx.ts";

const respond = (body: string, more: Partial<RespondIr> = {}): RespondIr => ({
  kind: "respond",
  status: 200,
  body,
  contentType: "text/plain",
  ...more,
});
const redirect = (more: Partial<RedirectIr>): RedirectIr => ({
  kind: "redirect",
  scheme: null,
  hostname: null,
  port: "listener",
  path: null,
  status: 302,
  ...more,
});
const answers = (id: string, path: string, more: Partial<RuleIr> = {}) =>
  rule(id, path, { action: respond(id), ...more });

/** `$` costs nine bytes quoted, quotes and backslashes two: the worst body there is. */
const HARD_BODY = '$"\\{;}#\n$a'.repeat(409).padEnd(4096, "$");
const LONG = `/${"l".repeat(300)}`;
/** Five parameters long, quoted. */
const LONG_VALUE = `$${"$a".repeat(1000)}`;
const forwarded = (id: string, path: string) => rule(id, path, { action: forward("one") });

/** `more`: rules besides, which change how the host's locations are written, not what they do. */
const matching = (hostname: string, more: readonly RuleIr[] = []) =>
  virtualHost(hostname, [
    answers("exact", "=/p"),
    answers("regex-method", "~/p|/items/[0-9]+", { conditions: [method("PUT")] }),
    answers("regex", "~^/items/[a-z0-9]+$"),
    answers("long", `${LONG}/x`),
    answers("m-post", "/m", { conditions: [method("POST")] }),
    answers("canary", "/m", { conditions: [header("x-env", "exact", "canary")] }),
    answers("upper", "/m", { conditions: [header("x-env", "exact", "Canary")] }),
    answers("both", "/m", { conditions: [header("x-env", "regex", "c.*"), header("x-two", "present")] }),
    answers("absent", "/m", { conditions: [header("x-env", "absent"), header("x-two", "regex", "2+")] }),
    answers("deep", "/abc/def"),
    answers("abc", "/abc"),
    answers("only-get", "/only", { conditions: [method("GET")] }),
    ...more,
  ]);

/** Many values of one field on one path: from 24 on they are found by a hash. */
const VALUES = [
  "one",
  "ONE",
  "One",
  "$",
  "~x",
  "default",
  "1:one",
  'a"b',
  "\\",
  "= x",
  "@x x",
  "a b",
  "x".repeat(1000),
];
const DEPTHS = Array.from({ length: 14 }, (_, index) => index);
const MANY = Array.from({ length: 256 }, (_, index) => index);
const manyValues = (hostname: string) =>
  virtualHost(hostname, [
    ...VALUES.map((value, index) => answers(`v${index}`, "/", { conditions: [header("x-v", "exact", value)] })),
    ...Array.from({ length: 40 }, (_, index) =>
      answers(`n${index}`, "/", { conditions: [header("x-v", "exact", `value-${index}`)] }),
    ),
    answers("again", "/", { conditions: [header("x-v", "exact", "value-3")] }),
    answers("rest", "/", { conditions: [header("x-w", "present")] }),
  ]);

let port = 0;
/** The same hosts and thousands more: one server for all of them. */
let sharedPort = 0;
let tcp: number[] = [];
let nginx: RunningNginx;
let stops: (() => Promise<void>)[] = [];
const get = (path: string, host = "a.test", headers: readonly string[] = []): Promise<Answer> =>
  exchange(port, request(`GET ${path}`, host, headers));

beforeAll(async () => {
  const [one, two, tcpBackend] = await Promise.all([startBackend("one"), startBackend("two"), startBackend("tcp")]);
  const free = await freePorts(6);
  port = free[0] as number;
  tcp = free.slice(1, 4);
  const dead = free[4] as number;
  sharedPort = free[5] as number;
  const response = changes({
    set: [
      { name: "x-set", value: "new" },
      { name: "x-r", value: 'a "$b" \\' },
    ],
    add: [
      { name: "x-add", value: "1" },
      { name: "x-add", value: "2" },
    ],
    remove: ["etag"],
  });
  const main = virtualHost("a.test", [
    rule("strip", "/strip", { action: forward("one"), policies: policies({ rewrite: rewriteTo("/") }) }),
    rule("native", "/native", { action: forward("one"), policies: policies({ rewrite: rewriteTo("/new") }) }),
    rule("xyz", "/foo", { action: forward("one"), policies: policies({ rewrite: rewriteTo("/xyz$") }) }),
    rule("long-new", "/long-new", {
      action: forward("one"),
      policies: policies({ rewrite: rewriteTo(`/${"$".repeat(1000)}`) }),
    }),
    rule("chosen", "/chosen", {
      conditions: [method("GET")],
      action: forward("one"),
      policies: policies({ rewrite: rewriteTo("/new") }),
    }),
    rule("headers", "/headers", {
      action: forward("one"),
      policies: policies({
        requestHeaders: changes({
          set: [
            { name: "x-long", value: LONG_VALUE },
            { name: "x-set", value: "a$b" },
          ],
          add: [
            { name: "x-add", value: "v" },
            { name: "x-add", value: "w" },
          ],
          remove: ["x-gone"],
        }),
        responseHeaders: response,
      }),
    }),
    rule("tagged", "/tagged", {
      action: forward("one"),
      policies: policies({ responseHeaders: changes({ set: [{ name: "etag", value: '"mine"' }] }) }),
    }),
    rule("served", "/served", {
      action: forward("one"),
      policies: policies({ responseHeaders: changes({ remove: ["x-accel-redirect"] }) }),
    }),
    rule("dead", "/dead", { action: forward("dead"), policies: policies({ responseHeaders: response }) }),
    rule("empty", "/empty", { action: forward("empty") }),
    rule("nothing", "/nothing", { action: forward(null), policies: policies({ responseHeaders: response }) }),
    rule("hang", "/hang", {
      action: forward("one"),
      policies: policies({ timeouts: { idleMs: 300, requestMs: null } }),
    }),
    rule("total", "/total", {
      action: forward("one"),
      policies: policies({ timeouts: { idleMs: 60_000, requestMs: 300 } }),
    }),
    rule("split", "/split", { action: forward({ one: 90, two: 10 }) }),
    rule("mixed", "/mixed", { action: forward({ one: 1, slow: 1 }), policies: policies({ rewrite: rewriteTo("/m") }) }),
    rule("body", "/body", { action: respond(HARD_BODY, { contentType: "text/x; charset=utf-8", status: 299 }) }),
    rule("utf8", "/utf8", { action: respond("é€😀".repeat(1000)) }),
    rule("gone", "/gone", {
      action: respond("", { status: 404 }),
      policies: policies({ responseHeaders: response }),
    }),
    rule("r-port", "/r/port", { action: redirect({ port: 8443 }) }),
    rule("r-https", "/r/https", { action: redirect({ scheme: "https", port: null, status: 301 }) }),
    rule("r-https443", "/r/https443", { action: redirect({ scheme: "https", port: 443, status: 301 }) }),
    rule("r-full", "/r/full", {
      action: redirect({ path: { kind: "full", value: "/new$x" }, hostname: "b.test", port: null, status: 308 }),
    }),
    rule("r-prefix", "/r/prefix", { action: redirect({ path: { kind: "prefix", value: "/np" }, status: 307 }) }),
    rule("r-strip", "/r/strip", {
      action: redirect({ path: { kind: "prefix", value: "/" }, status: 303 }),
      policies: policies({ responseHeaders: response }),
    }),
    rule("r-keep", "/r", { action: redirect({}) }),
    rule("post", "/only-post", {
      conditions: [method("POST")],
      action: forward("one"),
      policies: policies({ responseHeaders: response }),
    }),
    rule("root", "/", { action: forward("one") }),
  ]);
  const hosts = [
    main,
    virtualHost("*.wild.test", [answers("wild", "/")]),
    virtualHost("*.deep.wild.test", [answers("deeper", "/")]),
    matching("plain.test"),
    matching("raw.test", [answers("raw", "=/a%20b")]),
    manyValues("values.test"),
    virtualHost("decoded.test", [
      answers("at", "=/a@b"),
      answers("blank", "/a%20b"),
      answers("any", "~/x/.z"),
      answers("class", "~/y/[^a]"),
      forwarded("rest", "/"),
    ]),
    virtualHost("open.test", [
      answers("element", "~/u/[^/]+"),
      answers("php", "~/.*\\.php"),
      answers("all", "~/s/.*"),
      forwarded("rest", "/"),
    ]),
    virtualHost("line.test", [answers("digits", "~/l/[0-9]+"), answers("end", "=/e"), answers("rest", "/")]),
    virtualHost("deep.test", [
      ...DEPTHS.map((depth) =>
        answers(`d${depth}`, `/x${"/x".repeat(depth)}`, { conditions: [header("x-d", "exact", String(depth))] }),
      ).reverse(),
      forwarded("root", "/"),
    ]),
    virtualHost("patterns.test", [
      ...MANY.map((index) =>
        answers(`p${index}`, "/", { conditions: [header("x-p", "regex", `a${index}b*`), header("x-q", "present")] }),
      ),
      answers("rest", "/"),
    ]),
    virtualHost(
      "fields.test",
      [...MANY, ...MANY.map((index) => index + MANY.length)].map((index) => {
        const set = [{ name: `x-${"n".repeat(90)}-${index}`, value: `${index}` }];
        const own = policies({ requestHeaders: changes({ add: set }), responseHeaders: changes({ set }) });
        return rule(`f${index}`, `/${index}`, { action: forward("one"), policies: own });
      }),
    ),
    virtualHost(["many1.test", "many2.test"], [answers("same", "/")]),
    virtualHost("long.test", [
      answers("long-exact", `=${LONG}`),
      answers("longer", `${LONG}/x`),
      answers("long-prefix", LONG),
      answers("short", "/"),
    ]),
  ];
  const fillers = Array.from({ length: MAX_SERVERS }, (_, index) =>
    virtualHost(`filler${index}.test`, [answers(`filler${index}`, "/")]),
  );
  const ports = [
    httpPort("127.0.0.1", port, hosts),
    httpPort("127.0.0.1", sharedPort, [...hosts, ...fillers]),
    tcpPort("127.0.0.1", tcp[0] as number, {
      split: forward({ half: 1, half2: 1 }).split,
      idleTimeoutMs: 400,
    }),
    tcpPort("127.0.0.1", tcp[1] as number, { split: forward("empty").split }),
    tcpPort("127.0.0.1", tcp[2] as number, {}),
  ];
  const { server: halfServer, port: half } = await startHalfCloser();
  const clusters = [
    cluster("dead", [dead]),
    cluster("empty", []),
    cluster("half", [dead, half]),
    cluster("half2", [half]),
    cluster("one", [one.port], { balance: { policy: "leastRequest" } }),
    cluster("slow", [two.port], { connectTimeoutMs: 2000 }),
    cluster("two", [two.port]),
  ];
  const rendered = finish(nginxTarget.createRenderer().render(fleet(ports, clusters)));
  if (rendered.kind !== "files") throw new Error("nginx renders files");
  expect(await nginxTarget.check(rendered)).toEqual({ ok: true, message: "" });
  nginx = await startNginx(rendered.files, port);
  stops = [nginx.stop, one.stop, two.stop, tcpBackend.stop, async () => void halfServer.close()];
});

afterAll(async () => {
  for (const stop of stops) await stop();
});

/** Reads to the client's end, then answers what it read. */
async function startHalfCloser() {
  const { createServer } = await import("node:net");
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    let text = "";
    socket.on("data", (piece) => {
      text += piece;
    });
    socket.on("error", () => {});
    socket.on("end", () => setTimeout(() => socket.end(`got ${text}`), 100));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { server, port: (server.address() as { port: number }).port };
}

describe.each(["plain.test", "raw.test"])("matching on %s", (host) => {
  const ask = async (line: string, headers: readonly string[] = []) => {
    const { status, body } = await exchange(port, request(line, host, headers));
    return status === 200 ? body : status;
  };
  it.each([
    ["GET /p", [], "exact"],
    ["GET /p/", [], 404],
    ["PUT /p", [], "exact"],
    ["PUT /items/7", [], "regex-method"],
    ["GET /items/7", [], "regex"],
    ["GET /items/7?x=/p", [], "regex"],
    ["GET /items/7/x", [], 404],
    ["GET /xitems/7", [], 404],
    ["GET /abc", [], "abc"],
    ["GET /abc/", [], "abc"],
    ["GET /abc/d", [], "abc"],
    ["GET /abcd", [], 404],
    ["GET /abc/def/g", [], "deep"],
    ["GET /abc/defg", [], "abc"],
    ["GET /ABC", [], 404],
    ["POST /m", ["Content-Length: 0"], "m-post"],
    ["GET /m", [], 404],
    ["GET /m", ["X-Env: canary"], "canary"],
    ["GET /m", ["X-Env: Canary"], "upper"],
    ["GET /m", ["X-Env: CANARY"], 404],
    ["GET /m", ["X-Env: canaryx"], 404],
    ["GET /m", ["X-Env: 1:canary"], 404],
    ["GET /m", ["X-Env: cx", "X-Two: 1"], "both"],
    ["GET /m", ["X-Env: xc", "X-Two: 1"], 404],
    ["GET /m", ["X-Env: cx"], 404],
    ["GET /m", ["X-Env:", "X-Two: 22"], "absent"],
    ["GET /m", ["X-Two: 22"], "absent"],
    ["GET /m", ["X-Two: 23"], 404],
    ["GET /only", [], "only-get"],
    ["DELETE /only", [], 404],
    [`GET ${LONG}/x/y`, [], "long"],
    [`GET ${LONG}/xy`, [], 404],
  ] as const)("%s %j -> %s", async (line, headers, expected) => {
    expect(await ask(line, headers)).toBe(expected);
  });
});

it("sees only the first of repeated fields before 1.23 (L7-DUP-HEADER), and no exact value from then on", async () => {
  const text = spawnSync("nginx", ["-v"], { encoding: "utf8" }).stderr;
  const [, minor] = /nginx\/1\.(\d+)/.exec(text) ?? [];
  const { status, body } = await get("/m", "plain.test", ["X-Env: canary", "X-Env: other"]);
  expect(status === 200 ? body : status).toBe(Number(minor) < 23 ? "canary" : 404);
});

describe("many values of one field", () => {
  const ask = async (value: string) => (await get("/", "values.test", [`X-V: ${value}`])).body;
  it.each(VALUES.map((value, index) => [value, `v${index}`]))("%j -> %s", async (value, expected) => {
    expect(await ask(value)).toBe(expected);
  });
  it("knows case, the whole value, the first of two rules, and the rest", async () => {
    expect(await ask("value-3")).toBe("n3");
    for (const value of ["Value-3", "value-3 ", "value-40", "value", "oNE", "=", "=@v0", "v0 one"]) {
      expect(await ask(value)).toBe(value === "value-3 " ? "n3" : "404 Not Found\n");
    }
    expect((await get("/", "values.test", ["X-W: 1"])).body).toBe("rest");
    expect((await get("/", "values.test")).status).toBe(404);
  });
});

describe("choices on many prefixes, many expressions, many fields", () => {
  it("finds the rule of any covering prefix, or the root's", async () => {
    const path = `/x${"/x".repeat(13)}/y`;
    for (const depth of DEPTHS) expect((await get(path, "deep.test", [`X-D: ${depth}`])).body).toBe(`d${depth}`);
    expect((await get(path, "deep.test")).body).toMatch(/^one\n/);
    expect((await get("/x/x", "deep.test", ["X-D: 2"])).body).toMatch(/^one\n/);
  });
  it("tries expressions in order, and all conditions of a rule", async () => {
    expect((await get("/", "patterns.test", ["X-P: a255bb", "X-Q: 0"])).body).toBe("p255");
    expect((await get("/", "patterns.test", ["X-P: a7", "X-Q: 1"])).body).toBe("p7");
    expect((await get("/", "patterns.test", ["X-P: a7"])).body).toBe("rest");
    expect((await get("/", "patterns.test", ["X-P: a7c", "X-Q: 1"])).body).toBe("rest");
  });
  it("has room for more than 301 names of fields", async () => {
    const name = `x-${"n".repeat(90)}-511`;
    const answer = await get("/511", "fields.test", [`${name}: c`]);
    expect(answer.header(name)).toBe("511");
    expect(answer.body).toContain(`\n${name}: c,511\n`);
  });
});

describe("paths with encoded characters", () => {
  it.each([
    ["/a@b", "at"],
    ["/a%40b", null],
    ["/a%20b", "blank"],
    ["/a%20b/c", "blank"],
    ["/x/1z", "any"],
    ["/x/%40z", null],
    ["/y/%40", null],
    ["/y/b", "class"],
    ["/y/%C3%A9", null],
  ])("decoded.test%s -> %s", async (path, expected) => {
    const { body } = await get(path, "decoded.test");
    if (expected === null) expect(body.split("\n")[1]).toBe(`GET ${path} HTTP/1.1`);
    else expect(body).toBe(expected);
  });
  it.each([
    ["/u/a", "element"],
    ["/u/%40", "element"],
    ["/u/%0a", "element"],
    ["/u/%C3%A9%0a", "element"],
    ["/u/a%25", "element"],
    ["/u/", null],
    ["/u/a/b", null],
    ["/%0a/x%40.php", "php"],
    ["/x.php%0a", null],
    ["/s/%0a", "all"],
    ["/%2C%0a", null],
  ])("open.test%s -> %s", async (path, expected) => {
    const { body } = await get(path, "open.test");
    if (expected === null) expect(body.split("\n")[1]).toBe(`GET ${path} HTTP/1.1`);
    else expect(body).toBe(expected);
  });
  it.each([
    ["/l/5", "digits"],
    ["/l/5%0a", "rest"],
    ["/l/5%0A%0a", "rest"],
    ["/e", "end"],
    ["/e%0a", "rest"],
  ])("an encoded line feed ends no pattern: %s -> %s", async (path, expected) => {
    expect((await get(path, "line.test")).body).toBe(expected);
  });
});

describe("names longer than nginx's location tree can hold", () => {
  it.each([
    [LONG, "long-exact"],
    [`${LONG}/`, "long-prefix"],
    [`${LONG}/a`, "long-prefix"],
    [`${LONG}/x/a`, "longer"],
    [`${LONG}l`, "short"],
  ])("%s -> %s", async (path, expected) => {
    expect((await get(path, "long.test")).body).toBe(expected);
  });
});

describe("hosts", () => {
  it.each([
    ["many1.test", 200, "same"],
    ["many2.test", 200, "same"],
    ["x.wild.test", 200, "wild"],
    ["X.Y.Wild.Test:99", 200, "wild"],
    ["x.wild.test.", 200, "wild"],
    ["x.deep.wild.test", 200, "deeper"],
    ["wild.test", 404, "404 Not Found\n"],
    ["unknown.test", 404, "404 Not Found\n"],
    ["A.TEST:123", 200, null],
    ["a.test.", 200, null],
    ["a.test.:80", 200, null],
    ["[::1]:80", 404, null],
    ["u@a.test", 400, null],
    ["a_b.test", 404, null],
    ["", 400, null],
    ["a.test:x", 400, null],
    ["a,b", 400, null],
    ["a..test", 400, null],
    [".a.test", 400, null],
    [".", 400, null],
  ])("%s -> %d", async (host, status, body) => {
    const answer = await get("/", host);
    expect(answer.status).toBe(status);
    if (body !== null) expect(answer.body).toBe(body);
  });
  it("refuses a missing Host in both versions and serves HTTP/1.0 with one", async () => {
    expect((await exchange(port, "GET / HTTP/1.1\r\nConnection: close\r\n\r\n")).status).toBe(400);
    expect((await exchange(port, "GET / HTTP/1.0\r\n\r\n")).status).toBe(400);
    const old = await exchange(port, "GET /foo/a HTTP/1.0\r\nHost: a.test\r\n\r\n");
    expect([old.status, old.body.split("\n")[1]]).toEqual([200, "GET /xyz$/a HTTP/1.1"]);
  });
  it("takes host and path of an absolute URI", async () => {
    const answer = await exchange(port, request("GET http://A.test:7/foo?q=1", "other.test"));
    expect(answer.body).toMatch(/^one\nGET \/xyz\$\?q=1 HTTP\/1\.1\n/);
    expect(answer.body).toMatch(/^Host: A\.test:7$/m);
    expect((await exchange(port, request("GET http://a.test", "other.test"))).body).toMatch(/^one\nGET \/ HTTP/);
  });
  it.each(["http://a.test?q", "https://a.test/", "ftp://a.test/", "http://u@a.test/"])("refuses %s", async (target) => {
    expect((await exchange(port, request(`GET ${target}`, "a.test"))).status).toBe(400);
  });
});

describe("path policy", () => {
  it.each([
    "//a",
    "/a//b",
    "/a/../b",
    "/a/./b",
    "/a/..",
    "/a/.",
    "/%2e/a",
    "/a/%2E%2e/b",
    "/a/.%2e",
    "/a\\b",
    "/a%2Fb",
    "/a%2fb",
    "/a%5Cb",
    "/a%5cb",
    "/a%00b",
    "/a%zz",
    "/a%4",
    "/a%",
    "/%61dmin",
    "/%41",
    "/%5a",
    "/%7A",
    "/%6f",
    "/%30",
    "/%39",
    "/%2d",
    "/%2D",
    "/%5f",
    "/%7E",
    "/%7e",
    "/a%2Eb",
    "/%2E",
    "/a#b",
    "/a?b#c",
    "/aé",
    "/a?\x7f",
  ])("refuses %s", async (path) => {
    expect((await get(path)).status).toBe(400);
  });
  it.each([
    "/a%20b",
    "/a/..b",
    "/a/.b",
    "/a...",
    "/%40",
    "/%5B",
    "/%60",
    "/%7b",
    "/%3a",
    "/a%0a",
    '/~{|}<>^`"[]',
    "/a?b=//../%2F%61",
    "/%C3%A9",
    "/a?",
    "/a??",
    "/~a!$&'()*+,;=:@",
  ])("forwards %s as it is", async (path) => {
    const { status, body } = await get(path);
    expect([status, body.split("\n")[1]]).toEqual([200, `GET ${path} HTTP/1.1`]);
  });
  it("does not route TRACE", async () => {
    const answer = await exchange(port, request("TRACE /", "a.test"));
    expect([answer.status, answer.body]).toEqual([405, "405 Method Not Allowed\n"]);
  });
});

describe("rewrites", () => {
  it.each([
    ["/foo", "/xyz$"],
    ["/foo/", "/xyz$/"],
    ["/foo/bar", "/xyz$/bar"],
    ["/foo/bar/?q=%2F", "/xyz$/bar/?q=%2F"],
    ["/strip", "/"],
    ["/strip/", "/"],
    ["/strip/a", "/a"],
    ["/strip/a%20b/?", "/a%20b/?"],
    ["/native", "/new"],
    ["/native?", "/new?"],
    ["/native?a=/b?", "/new?a=/b?"],
    ["/native/", "/new/"],
    ["/native/a", "/new/a"],
    ["/native/a?", "/new/a?"],
    ["/native/a?b=%2C", "/new/a?b=%2C"],
    ['/native/%2C/{|}"<>^`/%40%C3%A9%0a', '/new/%2C/{|}"<>^`/%40%C3%A9%0a'],
    ["/native/a,b:c@d;e=f+g!h$i&j'k(l)m*n~o.p", "/new/a,b:c@d;e=f+g!h$i&j'k(l)m*n~o.p"],
    ["/long-new/a", `/${"$".repeat(1000)}/a`],
    ["/chosen/%2C?", "/new/%2C?"],
    ["/mixed/%2C", "/m/%2C"],
  ])("%s -> %s", async (path, expected) => {
    expect((await get(path)).body.split("\n")[1]).toBe(`GET ${expected} HTTP/1.1`);
  });
});

describe("redirects", () => {
  it.each([
    ["/r?a", 302, () => `http://a.test:${port}/r?a`],
    ["/r/x%20/", 302, () => `http://a.test:${port}/r/x%20/`],
    ["/r/port/a", 302, () => "http://a.test:8443/r/port/a"],
    ["/r/https", 301, () => "https://a.test/r/https"],
    ["/r/https443", 301, () => "https://a.test/r/https443"],
    ["/r/full/a?q", 308, () => "http://b.test/new$x?q"],
    ["/r/prefix", 307, () => `http://a.test:${port}/np`],
    ["/r/prefix/a?q", 307, () => `http://a.test:${port}/np/a?q`],
    ["/r/prefix/%2C{%0a?", 307, () => `http://a.test:${port}/np/%2C{%0a?`],
    ["/r/strip", 303, () => `http://a.test:${port}/`],
    ["/r/strip/a", 303, () => `http://a.test:${port}/a`],
  ])("%s -> %d", async (path, status, target) => {
    const answer = await get(path, "A.Test.:99");
    expect([answer.status, answer.header("location")]).toEqual([status, target()]);
  });
});

describe("answers of its own", () => {
  it("writes any body, status and type", async () => {
    const answer = await get("/body");
    expect([answer.status, answer.header("content-type"), answer.body]).toEqual([
      299,
      "text/x; charset=utf-8",
      HARD_BODY,
    ]);
    expect((await get("/utf8/x.html")).body).toBe("é€😀".repeat(1000));
  });
  it("keeps an empty body empty, and the type plain whatever the path ends with", async () => {
    const answer = await get("/gone");
    expect([answer.status, answer.body, answer.header("x-set")]).toEqual([404, "", "new"]);
    expect(answer.header("content-type")).toBeUndefined();
    expect((await get("/dead/a.html")).header("content-type")).toBe("text/plain");
  });
  it.each([
    ["/dead", 503, "503 Service Unavailable\n"],
    ["/empty", 503, "503 Service Unavailable\n"],
    ["/nothing", 503, "503 Service Unavailable\n"],
    ["/reset", 502, "502 Bad Gateway\n"],
    ["/hang", 504, "504 Gateway Timeout\n"],
    ["/total/hang", 504, "504 Gateway Timeout\n"],
    ["/bad502", 502, "mine"],
  ])("%s -> %d", async (path, status, body) => {
    const answer = await get(path);
    expect([answer.status, answer.body]).toEqual([status, body]);
  });
});

describe("header changes", () => {
  it("changes the request", async () => {
    const sent = [
      "X-Set: old",
      "X-Add: u",
      "X-Gone: x",
      "X-Forwarded-For: 1.1.1.1",
      "X-Forwarded-Proto: https",
      "X_Bad: 1",
    ];
    const { body } = await get("/headers", "A.test:9", sent);
    const lines = body
      .split("\n")
      .slice(2, -1)
      .map((line) => line.toLowerCase());
    expect(lines.toSorted()).toEqual(
      [
        "host: a.test:9",
        "x-set: a$b",
        `x-long: ${LONG_VALUE}`,
        "x-add: u,v,w",
        "x-forwarded-for: 1.1.1.1,127.0.0.1",
        "x-forwarded-proto: http",
      ].toSorted(),
    );
    expect((await get("/headers")).body).toMatch(/^x-add: v,w$/im);
  });
  it("changes the answer", async () => {
    const { headers } = await get("/headers");
    const of = (name: string) => headers.filter(([found]) => found === name).map(([, value]) => value);
    expect([of("x-set"), of("x-r"), of("x-add"), of("etag"), of("server")]).toEqual([
      ["new"],
      ['a "$b" \\'],
      ["1", "2"],
      [],
      ["backend"],
    ]);
    const other = await get("/other");
    expect([other.header("etag"), other.header("x-set"), other.header("x-accel-redirect")]).toEqual([
      '"own"',
      undefined,
      "/x",
    ]);
  });
  it.each([
    ["/dead", 503],
    ["/nothing", 503],
    ["/gone", 404],
    ["/r/strip", 303],
  ])("changes its own answer of %s", async (path, status) => {
    const answer = await get(path);
    const added = answer.headers.filter(([name]) => name === "x-add").map(([, value]) => value);
    expect([answer.status, answer.header("x-set"), added]).toEqual([status, "new", ["1", "2"]]);
  });
  it("sets a field that can be there only once, and hides one that is passed otherwise", async () => {
    expect((await get("/tagged")).header("etag")).toBe('"mine"');
    const { header: of } = await get("/served");
    expect([of("x-accel-redirect"), of("server"), of("etag")]).toEqual([undefined, "backend", '"own"']);
  });
  it("leaves an answer without a rule alone", async () => {
    expect((await get("/", "unknown.test")).header("x-set")).toBeUndefined();
  });
});

describe("splits", () => {
  it("draws 90 to 10", async () => {
    const requests = 600;
    let ones = 0;
    for (let at = 0; at < requests; at += 50) {
      const batch = await Promise.all(Array.from({ length: 50 }, () => get("/split")));
      ones += batch.filter(({ body }) => body.startsWith("one")).length;
    }
    // Four standard deviations of a binomial distribution: a chance of 1 in 16 000.
    expect(Math.abs(ones - requests * 0.9)).toBeLessThan(4 * Math.sqrt(requests * 0.09));
  });
  it("serves a split whose clusters have different connect timeouts", async () => {
    const batch = await Promise.all(Array.from({ length: 40 }, () => get("/mixed")));
    expect(new Set(batch.map(({ body }) => body.split("\n")[0]))).toEqual(new Set(["one", "two"]));
  });
});

describe("upgrades", () => {
  const upgrade = (token: string) =>
    [
      "GET /ws HTTP/1.1",
      "Host: a.test",
      "Connection: keep-alive, Upgrade",
      `Upgrade: ${token}`,
      "Sec-WebSocket-Key: x",
      "Sec-WebSocket-Version: 13",
      "",
      "",
    ].join("\r\n");
  it("passes WebSocket bytes both ways", async () => {
    const socket = connect(port, "127.0.0.1");
    let text = "";
    socket.on("data", (piece) => {
      text += piece;
      if (text.endsWith("\r\n\r\n")) socket.write("ping");
      if (text.endsWith("ping")) socket.destroy();
    });
    socket.write(upgrade("WebSocket"));
    await new Promise((resolve) => socket.once("close", resolve));
    expect(text).toMatch(/^HTTP\/1\.1 101 [\s\S]*\r\n\r\nping$/);
  });
  it.each(["foo", "websocket, foo"])("refuses %s", async (token) => {
    expect((await exchange(port, upgrade(token))).status).toBe(403);
  });
  it("serves a request that offers h2c, or does not ask", async () => {
    expect((await exchange(port, upgrade("h2c"))).body).not.toMatch(/^upgrade:/im);
    expect((await get("/", "a.test", ["Upgrade: foo"])).status).toBe(200);
  });
});

describe("one server for very many hosts", () => {
  const probes: [host: string, path: string, headers?: readonly string[]][] = [
    ["unknown.test", "/"],
    ["x.deep.wild.test", "/a"],
    ["x.wild.test", "/"],
    ["many2.test", "/"],
    ["a.test", "/filler7.test/x"],
    ["a.test", "/a%20b?c"],
    ["a.test", "/native/%2C?"],
    ["a.test", "/strip/a"],
    ["a.test", "/foo"],
    ["a.test", "/mixed/a"],
    ["a.test", "/chosen/a"],
    ["a.test", "/headers"],
    ["a.test", "/tagged"],
    ["a.test", "/dead"],
    ["a.test", "/nothing"],
    ["a.test", "/reset"],
    ["a.test", "/gone"],
    ["a.test", "/body"],
    ["a.test", "/r/prefix/a?b"],
    ["a.test", "/r/strip"],
    ["a.test", "/r/full?"],
    ["a.test", "//"],
    ["a.test", "/../"],
    ["a.test", "/", ["Connection: upgrade", "Upgrade: foo"]],
    ["plain.test", "/p"],
    ["plain.test", "/p/"],
    ["plain.test", "/items/7"],
    ["plain.test", "/items/7/x"],
    ["plain.test", "/abc/def/g"],
    ["plain.test", "/abcd"],
    ["plain.test", "/m", ["X-Env: cx", "X-Two: 1"]],
    ["plain.test", `${LONG}/x/y`],
    ["raw.test", "/a%20b"],
    ["raw.test", "/items/7"],
    ["decoded.test", "/a%40b"],
    ["decoded.test", "/y/b"],
    ["line.test", "/l/5"],
    ["line.test", "/l/5%0a"],
    ["long.test", LONG],
    ["long.test", `${LONG}/a`],
    ["long.test", `${LONG}/x/a`],
    ["values.test", "/", ["X-V: ONE"]],
    ["values.test", "/", ["X-V: value-39"]],
  ];
  it.each(["filler7.test", "FILLER7.test.:1"])("%s", async (host) => {
    expect((await exchange(sharedPort, request("GET /x", host))).body).toBe("filler7");
  });
  it.each(probes)("%s %s as a server of its own", async (host, path, headers = []) => {
    const asked = request(`GET ${path}`, host, headers);
    const [own, shared] = await Promise.all([exchange(port, asked), exchange(sharedPort, asked)]);
    const textOf = ({ status, body, headers: fields }: Answer) => [
      status,
      path.startsWith("/mixed") ? body.replace(/^(?:one|two)/, "") : body,
      fields.filter(([name]) => name !== "date" && name !== "content-length"),
    ];
    expect(JSON.stringify(textOf(shared)).replaceAll(String(sharedPort), String(port))).toBe(
      JSON.stringify(textOf(own)),
    );
  });
});

describe("TCP", () => {
  const talk = (to: number, text: string): Promise<string> =>
    new Promise((resolve) => {
      const socket = connect({ port: to, host: "127.0.0.1", allowHalfOpen: true });
      let received = "";
      socket.on("data", (piece) => {
        received += piece;
      });
      socket.on("error", () => {});
      socket.on("close", () => resolve(received));
      socket.on("end", () => socket.end());
      if (text === "") return;
      socket.end(text);
    });
  it("keeps a half-closed connection and tries the next endpoint", async () => {
    const all = await Promise.all(Array.from({ length: 20 }, (_, index) => talk(tcp[0] as number, `hello${index}`)));
    expect(all).toEqual(Array.from({ length: 20 }, (_, index) => `got hello${index}`));
  });
  it("closes when idle", async () => {
    const start = Date.now();
    expect(await talk(tcp[0] as number, "")).toBe("");
    expect(Date.now() - start).toBeGreaterThan(300);
  });
  it("closes when there is nobody to serve", async () => {
    expect(await talk(tcp[1] as number, "")).toBe("");
    expect(await talk(tcp[2] as number, "")).toBe("");
  });
});

it("nginx had nothing to complain about its configuration", () => {
  expect(nginx.log()).not.toMatch(/\[(?:emerg|alert|crit)\]|could not build|rewrite or internal redirection cycle/);
});
