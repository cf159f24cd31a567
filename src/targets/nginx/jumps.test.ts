/** Real nginx: hosts whose jumps are listed, and the same hosts with so many that they are searched, answer alike. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { PoliciesIr, RespondIr, RuleIr, VirtualHostIr } from "../../ir/index.ts";
import { finish } from "../../util/steps.ts";
import { nginxTarget } from "./index.ts";
import { jumpsOf, MAX_LISTED } from "./jumps.ts";
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
  virtualHost,
} from "./testIr.ts";
import { type Answer, exchange, freePorts, type RunningNginx, request, startBackend, startNginx } from "./testNginx.ts";

const respond = (body: string, contentType = "text/plain"): RespondIr => ({
  kind: "respond",
  status: 200,
  body,
  contentType,
});
const beta = { conditions: [header("x-beta", "present")] };
const fields = changes({ set: [{ name: "x-set", value: "new" }], remove: ["etag"] });
const answering = (more: Partial<PoliciesIr> = {}) => ({
  ...beta,
  action: forward("one"),
  policies: policies({ responseHeaders: fields, ...more }),
});
const jumped = (id: string, path: string, more: Partial<RuleIr> = {}) =>
  rule(id, path, { ...beta, action: forward("one"), ...more });
const same = { kind: "redirect", scheme: null, hostname: null, port: "listener", status: 302 } as const;

/** Longer than a name in nginx's tree of locations may be, together with that of a rule. */
const LONG_HOST = `${"h".repeat(60)}.${"h".repeat(60)}.${"h".repeat(60)}.${"h".repeat(60)}.test`;

const ownHosts = (expression: readonly RuleIr[]): readonly RuleIr[] => [
  ...expression,
  rule("exact", "=/exact", { ...beta, action: respond("exact") }),
  jumped("plain", "/plain", { conditions: [method("POST")] }),
  jumped("plain2", "/plain", { conditions: [method("HEAD")] }),
  rule("rest", "/plain", { action: forward("two") }),
  jumped("deep", "/plain/deep"),
  jumped("deeper", "/plain/deep/er", { conditions: [header("x-other", "present"), method("GET")] }),
  jumped("changed", "/changed", answering({ requestHeaders: changes({ set: [{ name: "x-sent", value: "$a" }] }) })),
  jumped("moved", "/moved", answering({ rewrite: rewriteTo("/to") })),
  rule("native", "/native", { action: forward("one"), policies: policies({ rewrite: rewriteTo("/new") }) }),
  jumped("dead", "/dead", { ...answering(), action: forward("dead") }),
  jumped("hang", "/hang", answering({ timeouts: { idleMs: 200, requestMs: null } })),
  jumped("nobody", "/nobody", { ...answering(), action: forward(null) }),
  jumped("split", "/split", { action: forward({ one: 1, one2: 1 }) }),
  jumped("draw", "/draw", { action: forward({ one: 1, slow: 1 }) }),
  jumped("say", "/say", { ...answering(), action: respond('"$a"\n', "text/x; charset=utf-8") }),
  jumped("old", "/old", { ...answering(), action: { ...same, path: { kind: "prefix", value: "/new" } } }),
  ...Array.from({ length: 30 }, (_, index) =>
    rule(`v${index}`, "/values", { conditions: [header("x-v", "exact", `v${index}`)], action: respond(`v${index}`) }),
  ),
];
const plain = ownHosts([rule("digits", "~/[0-9]+", { action: respond("digits") })]);
const asked = ownHosts([rule("digits", "~/[0-9]+", { ...beta, action: respond("digits") })]);
const anyPath = rule("any", "/", { action: forward("one") });

const hosts = (more: readonly RuleIr[]): readonly VirtualHostIr[] => [
  virtualHost("plain.test", [...plain, ...more]),
  virtualHost("raw.test", [...plain, rule("blank", "=/a%20b", { action: respond("blank") }), ...more]),
  virtualHost("expressions.test", [...asked, ...more]),
  virtualHost("rooted.test", [...asked, ...more, anyPath]),
  virtualHost(LONG_HOST, [...asked, ...more, anyPath]),
];
const HOSTS = ["plain.test", "raw.test", "expressions.test", "rooted.test", LONG_HOST];

const clusters = (one: number, two: number, dead: number) => [
  cluster("dead", [dead]),
  cluster("one", [one]),
  cluster("one2", [one]),
  cluster("slow", [one], { connectTimeoutMs: 2000 }),
  cluster("two", [two]),
];
const MANY = Array.from({ length: MAX_LISTED + 6 }, (_, index) => index);
const more = MANY.map((index) => jumped(`more${index}`, `/more/${index}`));
const manyHosts = Array.from({ length: MAX_SERVERS }, (_, index) =>
  virtualHost(`f${index}.test`, [jumped(`f${index}`, "/")]),
);

type Asked = readonly [what: string, text: (host: string) => string];
const get = (path: string, ...lines: string[]): Asked => [
  `GET ${path} ${lines.join(" ")}`,
  (host) => request(`GET ${path}`, host, lines),
];
const BETA = "X-Beta: 1";
const probes: readonly Asked[] = [
  get("/exact", BETA),
  get("/exact"),
  get("/plain/a?b"),
  get("/plain/deep/er/x", BETA),
  get("/plain/deep/er/x", "X-Other: 1"),
  get("/plain/deep/er/x"),
  ["POST", (host) => `${request("POST /plain/%2C%20{x}?a=%2F", host, ["Content-Length: 4"])}body`],
  [
    "POST that waits for 100",
    (host) => `${request("POST /plain", host, ["Expect: 100-continue", "Content-Length: 4"])}body`,
  ],
  [
    "POST of chunks",
    (host) => `${request("POST /plain/x", host, ["Transfer-Encoding: chunked"])}4\r\nbody\r\n0\r\n\r\n`,
  ],
  ["HEAD", (host) => request("HEAD /plain/x", host)],
  ["POST to an absolute URI", (host) => request(`POST http://${host}/plain/a%2Cb?`, "other.test")],
  get("/changed/a??", BETA, "X-Sent: b", "X-Forwarded-For: 1.1.1.1"),
  get("/changed/a", BETA, "Connection: upgrade", "Upgrade: h2c"),
  get("/moved", BETA),
  get("/moved/%2C/{a}?", BETA),
  get("/moved/a?b=c", BETA),
  get("/native"),
  get("/native/a?b"),
  get("/native/%2C?"),
  get("/dead", BETA),
  get("/hang", BETA),
  get("/changed/reset", BETA),
  get("/changed/bad502", BETA),
  get("/nobody", BETA),
  get("/split/a%2Cb", BETA),
  get("/draw/a%2Cb?", BETA),
  get("/say/x.html", BETA),
  get("/old/a%2C?b", BETA),
  get("/values", "X-V: v29"),
  get("/values/x", "X-V: V29"),
  get("/12"),
  get("/12", BETA),
  get("/12/3", BETA),
  get("/more/7x", BETA),
  get("/nothing"),
  // What the searched locations are called.
  get("/@f/0", BETA),
  get("/@plain/0", BETA),
  get("/%40plain/0", BETA),
  get("@plain/0", BETA),
  get("@-not-found", BETA),
  ["the name as an absolute URI", (host) => request(`GET http://${host}@plain/0`, host)],
  ["the name behind a host", (host) => request("GET http://@plain/0", host)],
  ["the name in HTTP/0.9", () => "GET @plain/0\r\n\r\n"],
];

let ports: number[] = [];
let text = "";
let nginx: RunningNginx;
let stops: (() => Promise<void>)[] = [];

beforeAll(async () => {
  const [one, two] = await Promise.all([startBackend("one"), startBackend("two")]);
  const [few = 0, many = 0, shared = 0, dead = 0] = await freePorts(4);
  ports = [few, many, shared];
  const listeners = [
    httpPort("127.0.0.1", few, hosts([])),
    httpPort("127.0.0.1", many, hosts(more)),
    httpPort("127.0.0.1", shared, [...hosts([]), ...manyHosts]),
  ];
  const ir = fleet(listeners, clusters(one.port, two.port, dead));
  const rendered = finish(nginxTarget.createRenderer().render(ir));
  if (rendered.kind !== "files") throw new Error("nginx renders files");
  expect(await nginxTarget.check(rendered)).toEqual({ ok: true, message: "" });
  const textOf = (port: number) => rendered.files.find(({ path }) => path.endsWith(`${port}.conf`))?.text ?? "";
  text = textOf(few);
  for (const port of [many, shared]) {
    expect(textOf(port)).not.toContain("error_page 418");
    expect(textOf(port)).not.toContain("location @");
  }
  nginx = await startNginx(rendered.files, few);
  stops = [nginx.stop, one.stop, two.stop];
});

afterAll(async () => {
  for (const stop of stops) await stop();
});

describe.each(HOSTS)("the same answers on %s", (host) => {
  it.each(probes)("%s", async (_, ask) => {
    const answers = await Promise.all(ports.map((port) => exchange(port, ask(host)).catch(String)));
    const [listed, ...searched] = answers.map((answer, at) => seen(answer, ports[at] as number));
    expect(searched).toEqual([listed, listed]);
  });
});

/** What a client and an endpoint see, whatever the port. */
function seen(answer: Answer | string, port: number): string {
  if (typeof answer === "string") return answer;
  const { status, headers, body } = answer;
  const lasting = headers.filter(([name]) => name !== "date");
  return JSON.stringify([status, lasting, body]).replaceAll(String(port), "PORT");
}

it("lets no client ask for a location that is jumped to", async () => {
  for (const port of ports)
    for (const target of ["@plain/0", "@more0/0", "@-expressions", "@-not-found", "http://@plain/0"])
      expect((await exchange(port, request(`GET ${target}`, "plain.test", [BETA]))).status).toBe(400);
});

it("goes to what was picked, as it was sent", async () => {
  const [few = 0, many = 0] = ports;
  for (const port of [few, many]) {
    const ask = async (line: string, lines: readonly string[]) =>
      (await exchange(port, request(line, "plain.test", lines))).body.split("\n").slice(0, 2);
    expect(await ask("POST /plain/%2C?a=/@", ["Content-Length: 0"])).toEqual(["one", "POST /plain/%2C?a=/@ HTTP/1.1"]);
    expect(await ask("GET /moved/%2C?", [BETA])).toEqual(["one", "GET /to/%2C? HTTP/1.1"]);
    expect(await ask("GET /draw/%2C?", [BETA])).toEqual(["one", "GET /draw/%2C? HTTP/1.1"]);
  }
  expect((await exchange(many, request("GET /more/7/x", "plain.test", [BETA]))).body).toMatch(
    /^one\nGET \/more\/7\/x /,
  );
});

it("lists few, and as many more as there are clusters", () => {
  expect(text).toContain("{ error_page 418 = @plain/0; return 418; }");
  const timeouts = new Map(["a", "b"].map((name) => [name, 1000]));
  const of = (count: number, path = "/p") => [
    virtualHost("a.test", [
      ...more.slice(0, count).map((own) => ({ ...own, path: { kind: "prefix" as const, value: `${path}${own.id}` } })),
      ...MANY.map((index) => rule(`plain${index}`, `/plain/${index}`)),
    ]),
  ];
  expect(jumpsOf(of(MAX_LISTED + 2), timeouts)).toBe("listed");
  expect(jumpsOf(of(MAX_LISTED + 3), timeouts)).toBe("searched");
  expect(jumpsOf([...of(MAX_LISTED), ...of(3)], timeouts)).toBe("searched");
  const drawn = MANY.map((index) => rule(`d${index}`, `/d/${index}`, { action: forward({ a: 1, b: 1 }) }));
  expect(jumpsOf([virtualHost("a.test", drawn)], timeouts)).toBe("listed");
  expect(jumpsOf([virtualHost("a.test", drawn)], new Map([...timeouts, ["b", 5]]))).toBe("searched");
});

it("nginx had nothing to complain about its configuration", () => {
  expect(nginx.log()).not.toMatch(/\[(?:emerg|alert|crit)\]|could not build|rewrite or internal redirection cycle/);
});
