import { describe, expect, it } from "vitest";
import { leafPaths } from "../../gen/leafPaths.ts";
import type { FleetIr, RuleIr } from "../../ir/index.ts";
import { finish } from "../../util/steps.ts";
import { landingPlace } from "../../util/templates.ts";
import { inspectFleet } from "../target.ts";
import { nginxTarget } from "./index.ts";
import { lowerFleet } from "./lower.ts";
import { createNamer } from "./names.ts";
import { param } from "./quote.ts";
import { lowerSplit, sharesOf, splitVariable } from "./splits.ts";
import { cluster, fleet, forward, header, httpPort, rule, tcpPort, virtualHost } from "./testIr.ts";

const hosts = () => [
  virtualHost("a.test", [
    rule("a.0.0", "=/x", { action: forward("one") }),
    rule("a.1.0", "/y", { headers: [header("x-a", "exact", "1")], action: forward("two", { rewritePrefix: "/z" }) }),
    rule("a.2.0", "~/[0-9]+", { action: forward("one", { idleTimeoutMs: 5 }) }),
  ]),
  virtualHost("b.test", [rule("b.0.0", "/", { action: forward("one") })], "table"),
];
const clusters = () => [cluster("one", [1]), cluster("two", [2], { policy: "leastRequest" })];
const build = (): FleetIr => fleet([httpPort("127.0.0.1", 80, hosts()), httpPort("::1", 8080, hosts())], clusters());

function textOf(ir: FleetIr): string {
  const rendered = finish(nginxTarget.render(ir));
  if (rendered.kind !== "files") throw new Error("nginx renders files");
  return rendered.files[0]?.text ?? "";
}

describe("render", () => {
  it("is deterministic, also through JSON, and names its generation by content", () => {
    const one = finish(nginxTarget.render(build()));
    expect(finish(nginxTarget.render(JSON.parse(JSON.stringify(build())) as FleetIr))).toEqual(one);
    expect(one).toMatchObject({ kind: "files", generation: expect.stringMatching(/^[0-9a-f]{16}$/) });
    const other = finish(nginxTarget.render(fleet([], clusters())));
    expect(other).not.toMatchObject({ generation: (one as { generation: string }).generation });
  });
  it("changes no other line when one rule changes", () => {
    const ir = build();
    const before = textOf(ir).split("\n");
    const [first, second] = ir.ports as [ReturnType<typeof httpPort>, ReturnType<typeof httpPort>];
    const changed = virtualHost("b.test", [rule("b.0.0", "/", { action: forward("two") })]);
    const after = textOf({
      ...ir,
      ports: [
        { ...first, virtualHosts: [first.virtualHosts[0]!, changed] },
        { ...second, virtualHosts: [second.virtualHosts[0]!, changed] },
      ],
    });
    expect(after.split("\n").filter((line) => !before.includes(line))).toEqual(['    "b.0.0" "cl_two";']);
  });
  it("keeps idle connections over a reload where nginx can", () => {
    const has = (version: string | null) => /keepalive_min_timeout 5s;/.test(textOf({ ...build(), version }));
    expect([null, "1.26.3", "1.27.3", "1.27.4", "1.28", "2.0"].map(has)).toEqual([
      false,
      false,
      false,
      true,
      true,
      true,
    ]);
  });
  const noText = () => landingPlace("block")("");
  it("lowers unchanged hosts and rules once", () => {
    const ir = build();
    const one = finish(lowerFleet(ir, noText));
    const two = finish(lowerFleet({ ...ir }, noText));
    expect(two.virtualHosts.every((host, index) => host === one.virtualHosts[index])).toBe(true);
    expect(two.runs.every((run, index) => run === one.runs[index])).toBe(true);
  });
  it("lowers a rule again when a cluster's connect timeout changes", () => {
    const ir = build();
    expect(textOf(ir)).not.toContain("proxy_connect_timeout 77ms");
    expect(textOf({ ...ir, clusters: [cluster("one", [1], { connectTimeoutMs: 77 }), cluster("two", [2])] })).toContain(
      "proxy_connect_timeout 77ms",
    );
  });
  it("names nothing of the machine, and needs the stream module only for TCP", () => {
    const http = textOf(build());
    expect(http).not.toMatch(/^\s*(?:pid|error_log|daemon|user)\b/m);
    expect(http.match(/ \/(?:etc|usr|var|tmp|run)\/\S*/g)).toEqual([" /etc/nginx/modules-enabled/*.conf;"]);
    expect(http).not.toContain("stream {");
    const both = textOf(
      fleet([tcpPort("127.0.0.1", 9, { split: [{ cluster: "one", weight: 1 }] }), ...build().ports], clusters()),
    );
    expect(both.match(/upstream cl_one \{/g)).toHaveLength(2);
    expect(both.match(/upstream cl_two \{/g)).toHaveLength(1);
  });
  it("shares one class among rules of one policy", () => {
    const rules = Array.from({ length: 50 }, (_, index) =>
      rule(`r.${index}.0`, `/p${index}`, { action: forward("one") }),
    );
    const text = textOf(fleet([httpPort("127.0.0.1", 80, [virtualHost("a.test", rules)])], clusters()));
    expect(text.match(/proxy_pass http:/g)).toHaveLength(1);
  });
});

describe("what nginx accepts", () => {
  it.each([
    ["no ports", fleet([], [])],
    ["no virtual hosts", fleet([httpPort("127.0.0.1", 80, [])], [])],
    ["no rules", fleet([httpPort("127.0.0.1", 80, [virtualHost("a.test", [])])], [])],
    [
      "two ports with the same hosts, IPv6, low ports, addresses of other machines",
      fleet([httpPort("203.0.113.9", 80, hosts()), httpPort("2001:db8::1", 80, hosts())], clusters()),
    ],
    [
      "host names that are keywords",
      fleet(
        [
          httpPort(
            "127.0.0.1",
            80,
            ["default", "volatile", "include", "hostnames", "*.com", "*", "_x.a"].map((name) =>
              virtualHost(name, [rule(`${name.replace(/[^a-z]/g, "z")}.0.0`, "/", { action: forward("one") })]),
            ),
          ),
        ],
        clusters(),
      ),
    ],
    [
      "1 000 endpoints",
      fleet(
        [
          tcpPort("127.0.0.1", 81, { split: [{ cluster: "big", weight: 1 }] }),
          httpPort("127.0.0.1", 80, [virtualHost("a.test", [rule("a.0.0", "/", { action: forward("big") })])]),
        ],
        [
          cluster(
            "big",
            Array.from({ length: 1000 }, (_, index) => index + 1),
          ),
        ],
      ),
    ],
    [
      "1 000 clusters",
      fleet(
        [
          httpPort("127.0.0.1", 80, [
            virtualHost(
              "a.test",
              Array.from({ length: 1000 }, (_, index) =>
                rule(`a.${index}.0`, `/${index}`, { action: forward(`c${index}`) }),
              ),
            ),
          ]),
        ],
        Array.from({ length: 1000 }, (_, index) => cluster(`c${index}`, [1, 2])),
      ),
    ],
    [
      "the longest values",
      fleet(
        [
          httpPort("127.0.0.1", 80, [
            virtualHost("a.test", longest(), "table"),
            virtualHost("b.test", longest(), "chain"),
          ]),
        ],
        clusters(),
      ),
    ],
  ])("%s", async (_, ir) => {
    expect(await nginxTarget.check(finish(nginxTarget.render(ir)))).toEqual({ ok: true, message: "" });
  });
  it("says what is wrong, without paths, and names a missing binary", async () => {
    const broken = {
      kind: "files",
      files: [{ path: "nginx.conf", text: "events { } nonsense;", mode: 0o644 }],
      generation: "",
    } as const;
    const found = await nginxTarget.check(broken);
    expect(found).toEqual({
      ok: false,
      message: '[emerg] unknown directive "nonsense" in nginx.conf:1\nnginx: configuration file nginx.conf test failed',
    });
    expect(await nginxTarget.check(broken, { binary: "no-such-nginx" })).toMatchObject({
      ok: false,
      message: expect.stringMatching(/^cannot run no-such-nginx: .*install nginx/),
    });
  });
});

/** Values of the greatest length that the model allows, of the dearest characters. */
function longest(): readonly RuleIr[] {
  const dollars = "$".repeat(1024);
  const path = `/${"$".repeat(1023)}`;
  const changes = {
    set: [{ name: `x-${"s".repeat(125)}`, value: dollars }],
    add: [
      { name: `x-${"a".repeat(125)}`, value: dollars },
      { name: `x-${"a".repeat(125)}`, value: dollars },
    ],
    remove: [`x-${"r".repeat(125)}`],
  };
  const headers = ["\\".repeat(1024), `\\${'"'.repeat(1023)}`, "v".repeat(1024), "V".repeat(1024), dollars].map(
    (value) => [header("x-h", "exact", value), header("x-i", "regex", `(?:${'\\"'.repeat(250)})`)],
  );
  return [
    rule("l.0.0", `=${path}`, { responseHeaders: changes, action: forward("one", { requestHeaders: changes }) }),
    ...headers.map((list, index) =>
      rule(`l.1.${index}`, path, {
        headers: list,
        responseHeaders: changes,
        action: forward("one", { rewritePrefix: path }),
      }),
    ),
    rule("l.2.0", `~${'\\"'.repeat(250)}`, {
      action: {
        kind: "redirect",
        scheme: null,
        hostname: "h".repeat(63),
        port: 1,
        path: { kind: "full", value: path },
        status: 301,
      },
    }),
    rule("l.3.0", path, {
      action: {
        kind: "redirect",
        scheme: null,
        hostname: null,
        port: null,
        path: { kind: "prefix", value: path },
        status: 302,
      },
    }),
    rule("l.4.0", "/", { action: { kind: "respond", status: 200, body: "😀".repeat(2048), contentType: "a/b" } }),
  ];
}

describe("splits", () => {
  it.each([
    [
      [1, 1, 1],
      [3333, 3334, 3333],
    ],
    [
      [90, 10],
      [9000, 1000],
    ],
    [
      [1, 1000, 1000],
      [5, 4997, 4998],
    ],
    [[1, ...Array<number>(31).fill(1000)], null],
  ])("%j", (weights, expected) => {
    const shares = sharesOf(weights.map((weight, index) => ({ cluster: `c${index}`, weight })));
    if (expected !== null) expect(shares).toEqual(expected);
    expect(Math.min(...shares)).toBeGreaterThan(0);
    expect(shares.reduce((sum, share) => sum + share, 0)).toBe(10_000);
  });
  it("is named by its weights, and gives the last the rest", () => {
    const split = [
      { cluster: "a", weight: 1 },
      { cluster: "b", weight: 3 },
    ];
    const namer = createNamer();
    expect(splitVariable(split, namer).text).toBe(splitVariable([...split], createNamer()).text);
    expect(splitVariable(split, namer).text).not.toBe(
      splitVariable(
        [
          { cluster: "a", weight: 3 },
          { cluster: "b", weight: 1 },
        ],
        namer,
      ).text,
    );
    const view = lowerSplit(split, splitVariable(split, namer), param("seed"));
    expect(view.shares.map(({ share, upstream }) => `${share.text} ${upstream.text}`)).toEqual([
      "25.00% cl_a",
      "* cl_b",
    ]);
  });
});

describe("capabilities and inspect", () => {
  it("answers for every leaf", () =>
    expect(Object.keys(nginxTarget.capabilities).sort()).toEqual([...leafPaths].sort()));
  it("is content with an ordinary fleet", () => expect(inspectFleet(nginxTarget, build())).toEqual([]));
  it.each([
    ["NGINX-VERSION", { ...build(), version: "1.21" }],
    ["NGINX-VERSION", { ...build(), version: "1.21.9" }],
    ["L7-SCALE", { ...build(), clusters: Array.from({ length: 2001 }, (_, index) => cluster(`c${index}`, [])) }],
    [
      "L7-SPLIT-RESOLUTION",
      fleet(
        [
          httpPort("127.0.0.1", 80, [
            virtualHost("a.test", [
              rule("a.0.0", "/", {
                action: forward(null, {
                  split: [
                    { cluster: "one", weight: 1 },
                    { cluster: "two", weight: 30_000 },
                  ],
                }),
              }),
            ]),
          ]),
        ],
        clusters(),
      ),
    ],
    [
      "L4-CONNECT-TIMEOUT-NGINX",
      fleet(
        [
          tcpPort("127.0.0.1", 9, {
            split: [
              { cluster: "one", weight: 1 },
              { cluster: "two", weight: 1 },
            ],
          }),
        ],
        [cluster("one", [1]), cluster("two", [2], { connectTimeoutMs: 7 })],
      ),
    ],
  ])("%s", (code, ir) => {
    expect(inspectFleet(nginxTarget, ir).map((found) => found.code)).toEqual([code]);
  });
  it("accepts 1.22 however it is written", () => {
    for (const version of ["1.22", "1.22.0", "1.27.3", "2.0"])
      expect(inspectFleet(nginxTarget, { ...build(), version })).toEqual([]);
  });
});
