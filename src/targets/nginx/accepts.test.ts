/** Real nginx: what its own checker says of renderings at the edges. */
import { expect, it } from "vitest";
import type { FleetIr, RuleIr } from "../../ir/index.ts";
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

const clusters = [cluster("one", [1]), cluster("two", [2], { connectTimeoutMs: 2000 })];
const one = { action: forward("one") };
const respond = (body: string) => ({ kind: "respond", status: 200, body, contentType: "a/b" }) as const;
const host = (hostname: string, rules: readonly RuleIr[]) => virtualHost(hostname, rules);
const onPort = (...hosts: ReturnType<typeof host>[]): FleetIr => fleet([httpPort("127.0.0.1", 80, hosts)], clusters);
const numbers = (length: number) => Array.from({ length }, (_, index) => index);

const keywords = ["default", "volatile", "include", "hostnames", "if", "*.com", "*", "_x.a", "xn--p1ai", "1"];
/** Names that would be nginx's own variables, directives, or each other's. */
const names = ["http", "request", "arg", "host", "a-b", "a", "server", "location", "expressions", "not-found", "from"];

/** Values of the greatest length that the model allows, of the dearest characters. */
function longest(): readonly RuleIr[] {
  const dollars = "$".repeat(1024);
  const path = `/${"$".repeat(1023)}`;
  const fields = changes({
    set: [{ name: `x-${"s".repeat(125)}`, value: dollars }],
    add: [
      { name: `x-${"a".repeat(125)}`, value: dollars },
      { name: `x-${"a".repeat(125)}`, value: dollars },
    ],
    remove: [`x-${"r".repeat(125)}`],
  });
  const values = ["\\".repeat(1024), `\\${'"'.repeat(1023)}`, "v".repeat(1024), "V".repeat(1024), dollars];
  const location = { kind: "full", value: path } as const;
  const base = { kind: "redirect", scheme: null, hostname: `${"h".repeat(60)}.${"h".repeat(60)}`, port: 1 } as const;
  return [
    rule("l.0", `=${path}`, { ...one, policies: policies({ responseHeaders: fields, requestHeaders: fields }) }),
    rule("l.2", `~${'\\"'.repeat(250)}`, { action: { ...base, path: location, status: 301 } }),
    rule("l.3", `~${"x".repeat(1000)}[^a]`, { ...one, conditions: [method("GET")] }),
    ...values.map((value, index) =>
      rule(`l.1.${index}`, path, {
        ...one,
        conditions: [header("x-h", "exact", value), header("x-i", "regex", `(?:${'\\"'.repeat(250)})`)],
        policies: policies({ responseHeaders: fields, rewrite: rewriteTo(path) }),
      }),
    ),
    ...numbers(30).map((index) =>
      rule(`l.5.${index}`, path, { ...one, conditions: [header("x-h", "exact", `${index}${dollars.slice(2)}`)] }),
    ),
    rule("l.6", path, { action: { ...base, hostname: null, path: { kind: "prefix", value: path }, status: 302 } }),
    rule("l.4", "/", { action: respond("😀".repeat(2048)) }),
  ];
}

it.each<readonly [string, FleetIr]>([
  ["no ports", fleet([], [])],
  ["no virtual hosts", onPort()],
  ["no rules", onPort(host("a.test", []))],
  [
    "two ports with the same hosts, IPv6, low ports, addresses of other machines",
    fleet(
      ["203.0.113.9", "2001:db8::1"].map((address) =>
        httpPort(address, 80, [
          host("a.test", [
            rule("a.1", "/b", { action: forward({ one: 1, two: 2 }), conditions: [method("GET")] }),
            rule("a.0", "/", { action: forward({ one: 1, two: 2 }) }),
          ]),
        ]),
      ),
      clusters,
    ),
  ],
  [
    "host names that are keywords",
    onPort(...keywords.map((name, index) => host(name, [rule(`r${index}.0`, "/", one)]))),
  ],
  [
    "names that are taken or fall together",
    fleet(
      names.flatMap((listener, at) => [
        {
          ...httpPort("127.0.0.1", 80 + at, [
            host(
              "a.test",
              names.flatMap((route, index) => [
                rule(`${route}.1`, `/${index}/x`, { action: forward({ one: 1, two: 1 }), name: `${route}-b/c` }),
                rule(`${route}.0`, `/${index}`, { action: forward({ one: 1, two: 1 }), name: `${route}/b-c` }),
              ]),
            ),
          ]),
          listeners: [listener],
        },
      ]),
      clusters,
    ),
  ],
  [
    "1 000 endpoints",
    fleet(
      [
        tcpPort("127.0.0.1", 81, { split: forward("big").split }),
        httpPort("127.0.0.1", 80, [host("a.test", [rule("a.0", "/", { action: forward("big") })])]),
      ],
      [
        cluster(
          "big",
          numbers(1000).map((index) => index + 1),
        ),
      ],
    ),
  ],
  [
    "1 000 clusters",
    fleet(
      [
        httpPort("127.0.0.1", 80, [
          host(
            "a.test",
            numbers(1000).map((index) => rule(`a.${index}`, `/${index}`, { action: forward(`c${index}`) })),
          ),
        ]),
      ],
      numbers(1000).map((index) => cluster(`c${index}`, [1, 2])),
    ),
  ],
  [
    "a prefix that is too long for a location, replaced",
    onPort(
      host("a.test", [
        rule("a.0", `/x${"/b".repeat(500)}`, { ...one, policies: policies({ rewrite: rewriteTo("/") }) }),
      ]),
    ),
  ],
  [
    "the longest values",
    onPort(
      host("a.test", longest()),
      host(
        "b.test",
        longest().filter(({ path }) => path.kind !== "regex"),
      ),
    ),
  ],
  [
    "256 rules with different expressions on one prefix",
    onPort(
      host(
        "a.test",
        numbers(256).map((index) =>
          rule(`a.${index}`, "/", { ...one, conditions: [header("x-a", "regex", `a${index}+`)] }),
        ),
      ),
    ),
  ],
  [
    "301 names of fields",
    onPort(
      host(
        "a.test",
        numbers(301).map((index) => {
          const field = [{ name: `x-${"n".repeat(100)}-${index}`, value: `${index}` }];
          const own = changes({ set: field });
          const add = changes({ add: field });
          return rule(`a.${index}`, `/${index}`, {
            ...one,
            policies: policies({ responseHeaders: own, requestHeaders: add }),
          });
        }),
      ),
    ),
  ],
  [
    "more hosts than servers, two of a rule",
    onPort(
      ...numbers(MAX_SERVERS + 1).map((index) =>
        host(`h${index}.test`, [rule(`a.${index % 9}`, "/", one), rule("b.0", "~/[^/]", one)]),
      ),
    ),
  ],
  [
    "a deep path with a choice at each element",
    onPort(
      host(
        "a.test",
        numbers(40)
          .map((index) => rule(`d.${index}`, `/x${"/x".repeat(40 - index)}`, { ...one, conditions: [method("GET")] }))
          .concat(rule("d.99", "/", one)),
      ),
    ),
  ],
])("%s", async (_, ir) => {
  const rendered = finish(nginxTarget.createRenderer().render(ir));
  expect(await nginxTarget.check(rendered)).toEqual({ ok: true, message: "" });
});

it("says what is wrong, without paths, and names a missing binary", async () => {
  const files = [{ path: "nginx.conf", text: "events { } nonsense;", mode: 0o644 }];
  const broken = { kind: "files", files, generation: "", sockets: [] } as const;
  expect(await nginxTarget.check(broken)).toEqual({
    ok: false,
    message: '[emerg] unknown directive "nonsense" in nginx.conf:1\nnginx: configuration file nginx.conf test failed',
  });
  expect(await nginxTarget.check(broken, { binary: "no-such-nginx" })).toMatchObject({
    ok: false,
    message: expect.stringMatching(/^cannot run no-such-nginx: .*install nginx/),
  });
});
