import { describe, expect, it } from "vitest";
import type { FleetIr, HttpPortIr, RuleIr, VirtualHostIr } from "../../ir/index.ts";
import { finish } from "../../util/steps.ts";
import type { RenderedFiles } from "../target.ts";
import { nginxTarget } from "./index.ts";
import { MAX_LISTED } from "./jumps.ts";
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

const rules = (): readonly RuleIr[] => [
  rule("a.0", "=/x", { action: forward("one") }),
  rule("a.1", "~/[0-9]+", { action: forward("one"), policies: policies({ timeouts: { idleMs: 5, requestMs: null } }) }),
  rule("a.2", "/y", {
    conditions: [header("x-a", "exact", "1")],
    action: forward("two"),
    policies: policies({ rewrite: rewriteTo("/z") }),
  }),
  rule("a.3", "/y", { action: forward({ one: 1, two: 3 }) }),
  rule("a.4", "/", { action: forward("one"), policies: policies({ responseHeaders: setField("x-r", "1") }) }),
];
const setField = (name: string, value: string) => changes({ set: [{ name, value }] });
const hosts = (own = rules()): readonly VirtualHostIr[] => [
  virtualHost(["a.test", "aa.test"], own),
  virtualHost("b.test", [rule("b.0", "/", { action: forward("one") })]),
];
const clusters = () => [cluster("one", [1]), cluster("two", [2], { balance: { policy: "leastRequest" } })];
const build = (own?: readonly RuleIr[]): FleetIr =>
  fleet([httpPort("127.0.0.1", 80, hosts(own)), httpPort("::1", 8080, hosts(own))], clusters());

function filesOf(ir: FleetIr, renderer = nginxTarget.createRenderer()): RenderedFiles {
  const rendered = finish(renderer.render(ir));
  if (rendered.kind !== "files") throw new Error("nginx renders files");
  return rendered;
}

function textOf({ files }: RenderedFiles): string {
  return files.map(({ path, text }) => `--- ${path}\n${text}`).join("");
}

/** Lines of one rendering in the place of the other's, each once; files and lines are as many. */
function changedLines(before: RenderedFiles, after: RenderedFiles): readonly string[] {
  const [old, own] = [textOf(before).split("\n"), textOf(after).split("\n")];
  expect(own.length).toBe(old.length);
  const changed = old.flatMap((line, at) => (line === own[at] ? [] : [`- ${line.trim()}`, `+ ${own[at]?.trim()}`]));
  return [...new Set(changed)];
}

describe("render", () => {
  it("is deterministic, also through JSON, and names its generation by content", () => {
    const one = filesOf(build());
    expect(filesOf(JSON.parse(JSON.stringify(build())) as FleetIr)).toEqual(one);
    expect(one.generation).toMatch(/^[0-9a-f]{16}$/);
    expect(filesOf(fleet([], clusters())).generation).not.toBe(one.generation);
  });
  it("writes one file for each socket, and the same ones for every fleet", () => {
    const ports = [...build().ports, tcpPort("127.0.0.1", 9, { split: forward("one").split })];
    const { files, sockets } = filesOf(fleet(ports, clusters()));
    expect(files.map(({ path }) => path)).toEqual([
      "common.conf",
      "listeners/web-80.conf",
      "listeners/web-8080.conf",
      "nginx.conf",
      "proxy-headers.conf",
      "server.conf",
      "streams/tcp-9.conf",
    ]);
    expect(sockets).toEqual([
      { address: "127.0.0.1", port: 80, listeners: ["web-80"], file: "listeners/web-80.conf" },
      { address: "::1", port: 8080, listeners: ["web-8080"], file: "listeners/web-8080.conf" },
      { address: "127.0.0.1", port: 9, listeners: ["tcp-9"], file: "streams/tcp-9.conf" },
    ]);
    const empty = filesOf(fleet([], []));
    for (const path of ["common.conf", "proxy-headers.conf", "server.conf"]) {
      expect(files.find((file) => file.path === path)).toEqual(empty.files.find((file) => file.path === path));
    }
  });
  it("knows modules only for TCP, and names nothing of the machine", () => {
    const http = textOf(filesOf(build()));
    expect(http).not.toMatch(/^\s*(?:pid|error_log|daemon|user|load_module)\b/m);
    expect(http).not.toMatch(/modules|^stream/m);
    expect(http.match(/ \/(?:etc|usr|var|tmp|run)\/\S*/g)).toBeNull();
    const ports = [tcpPort("127.0.0.1", 9, { split: forward("one").split }), ...build().ports];
    const both = textOf(filesOf(fleet(ports, clusters())));
    expect(both.match(/ \/(?:etc|usr|var|tmp|run)\/\S*/g)).toEqual([" /etc/nginx/modules-enabled/*.conf;"]);
    expect(both.match(/upstream one \{/g)).toHaveLength(2);
    expect(both.match(/upstream two \{/g)).toHaveLength(1);
  });
  it("keeps idle connections over a reload where nginx can", () => {
    const has = (version: string | null) => /keepalive_min_timeout 5s;/.test(textOf(filesOf({ ...build(), version })));
    expect([null, "1.26.3", "1.27.3", "1.27.4", "1.28", "2.0"].map(has)).toEqual([
      false,
      false,
      false,
      true,
      true,
      true,
    ]);
  });
  it("has no part that no rule needs", () => {
    const text = textOf(filesOf(fleet([httpPort("127.0.0.1", 80, [hosts()[1] as VirtualHostIr])], clusters())));
    const listener = text.slice(text.indexOf("--- listeners/"), text.indexOf("--- nginx.conf"));
    expect(listener).not.toMatch(/map |split_clients|add_header|not-found|escaped_path|proxy_set_header/);
    expect(listener.match(/location .*/g)).toEqual(["location / {"]);
  });
});

describe("a changed rule", () => {
  const withRule = (id: string, more: Partial<RuleIr>) =>
    build(rules().map((own) => (own.id === `${id}.0` ? { ...own, ...more } : own)));
  const cases: readonly (readonly [string, FleetIr, readonly string[]])[] = [
    [
      "another cluster: its line",
      withRule("a.0", { action: forward("two") }),
      ["- proxy_pass http://one;", "+ proxy_pass http://two;"],
    ],
    [
      "another value of a condition: its line",
      withRule("a.2", { conditions: [header("x-a", "exact", "2")] }),
      [
        "- if ($field_x_a = 1) { error_page 418 = @a/2; return 418; }",
        "+ if ($field_x_a = 2) { error_page 418 = @a/2; return 418; }",
      ],
    ],
    [
      "another weight: its share",
      withRule("a.3", { action: forward({ one: 1, two: 1 }) }),
      ["- 25.00% one;", "+ 50.00% one;"],
    ],
    [
      "another path: its location, and the comment",
      withRule("a.0", { path: { kind: "exact", value: "/w" } }),
      ["- # a/0: = /x", "+ # a/0: = /w", "- location = /x {", "+ location = /w {"],
    ],
    [
      "another value of a field of answers: its line",
      withRule("a.4", { policies: policies({ responseHeaders: setField("x-r", "2") }) }),
      ["- set $set_x_r 1;", "+ set $set_x_r 2;"],
    ],
  ];
  it.each(cases)("%s", (_, after, lines) => {
    expect(changedLines(filesOf(build()), filesOf(after))).toEqual(lines);
  });
});

describe("a renderer's memory", () => {
  const changeLast = (ir: FleetIr, change: (host: VirtualHostIr) => VirtualHostIr): FleetIr => ({
    ...ir,
    ports: ir.ports.map((port) =>
      port.kind !== "http" ? port : { ...port, virtualHosts: port.virtualHosts.map((host) => change(host)) },
    ),
  });
  const steps: readonly (readonly [string, (ir: FleetIr) => FleetIr])[] = [
    ["nothing", (ir) => ir],
    [
      "a rule",
      (ir) =>
        changeLast(ir, ({ hostnames, rules: [first, ...rest] }) =>
          virtualHost(hostnames, [{ ...(first as RuleIr), action: forward("two") }, ...rest]),
        ),
    ],
    ["a rule goes", (ir) => changeLast(ir, ({ hostnames, rules: [, ...rest] }) => virtualHost(hostnames, rest))],
    [
      "a path that only the sent one meets",
      (ir) => changeLast(ir, ({ hostnames, rules: own }) => virtualHost(hostnames, [rule("n.0", "=/a%20b"), ...own])),
    ],
    [
      "an expression with a condition",
      (ir) =>
        changeLast(ir, ({ hostnames, rules: own }) =>
          virtualHost(hostnames, [
            ...own.filter(({ path }) => path.kind === "exact"),
            rule("n.1", "~/z[0-9]", { conditions: [method("GET")], action: forward("one") }),
            ...own.filter(({ path }) => path.kind !== "exact"),
          ]),
        ),
    ],
    [
      "the connect timeout of a cluster",
      (ir) => ({
        ...ir,
        clusters: [cluster("a", []), cluster("one", [1], { connectTimeoutMs: 77 }), cluster("two", [2])],
      }),
    ],
    [
      "a name that falls together with another",
      (ir) =>
        changeLast(ir, ({ hostnames, rules: own }) =>
          virtualHost(hostnames, [
            ...own.filter(({ path }) => path.value !== "/"),
            rule("n.3", "/n", { name: "n-3/c", conditions: [method("GET")], action: forward("one") }),
            rule("n.4", "/o", { name: "n/3-c", conditions: [method("GET")], action: forward({ one: 1, two: 1 }) }),
            rule("n.5", "/p", { name: "n/3/c", conditions: [method("GET")], action: forward({ one: 1, two: 1 }) }),
          ]),
        ),
    ],
    [
      "more jumps than nginx lists",
      (ir) =>
        changeLast(ir, ({ hostnames, rules: own }) =>
          virtualHost(hostnames, [
            ...Array.from({ length: MAX_LISTED + ir.clusters.length + 1 }, (_, index) =>
              rule(`m.${index}`, `/m/${index}`, { conditions: [method("GET")], action: forward("one") }),
            ),
            ...own.filter(({ conditions }) => conditions.length === 0),
          ]),
        ),
    ],
    [
      "so many clusters that it lists them again",
      (ir) => ({ ...ir, clusters: [...ir.clusters, ...["x", "y", "z"].map((name) => cluster(name, []))] }),
    ],
    ["no more clusters", (ir) => ({ ...ir, clusters: ir.clusters.slice(0, 3) })],
    ["the port of a listener", (ir) => ({ ...ir, ports: ir.ports.map((own) => ({ ...own, port: own.port + 1000 })) })],
    [
      "a host less",
      (ir) => ({
        ...ir,
        ports: ir.ports.map((port) =>
          port.kind !== "http" ? port : { ...port, virtualHosts: port.virtualHosts.slice(1) },
        ),
      }),
    ],
    ["a port less", (ir) => ({ ...ir, ports: ir.ports.slice(1) })],
  ];
  it("changes no byte", () => {
    const renderer = nginxTarget.createRenderer();
    const base = { ...build(), clusters: [cluster("a", []), ...clusters()] };
    for (const start of [base, base]) {
      let ir: FleetIr = start;
      for (const [what, step] of steps) {
        ir = step(ir);
        const files = filesOf(ir, renderer);
        expect([what, files]).toEqual([what, filesOf(ir)]);
        if (what.startsWith("more jumps")) expect(textOf(files)).not.toContain("error_page 418");
        if (what.startsWith("so many clusters")) expect(textOf(files)).toContain("error_page 418");
      }
    }
  });
  it("lowers only what changed", () => {
    let looks = 0;
    const watched = (own: RuleIr): RuleIr => {
      const get = () => {
        looks++;
        return own.policies;
      };
      return Object.defineProperty({ ...own }, "policies", { get, enumerable: true });
    };
    const many = Array.from({ length: 100 }, (_, index) =>
      watched(rule(`m.${index}`, `/${index}`, { action: forward("one") })),
    );
    const of = (list: readonly RuleIr[]) =>
      fleet([httpPort("127.0.0.1", 80, [virtualHost("a.test", list)])], clusters());
    const renderer = nginxTarget.createRenderer();
    const looksAt = (ir: FleetIr): number => {
      looks = 0;
      filesOf(ir, renderer);
      return looks;
    };
    const first = looksAt(of(many));
    expect(first).toBeGreaterThanOrEqual(100);
    expect(looksAt(of(many))).toBe(0);
    const changed = watched(rule("m.7", "/7", { action: forward("two") }));
    expect(looksAt(of(many.map((own, at) => (at === 7 ? changed : own))))).toBe(first / 100);
  });
});

describe("effect", () => {
  const { effect } = nginxTarget;
  const one = filesOf(build());
  it("is nothing for equal files and for proxies that do not run yet", () => {
    expect([effect(null, one), effect(one, filesOf(build()))]).toEqual(["none", "none"]);
  });
  it("is a reload for other files", () => {
    expect(effect(one, filesOf({ ...build(), version: "1.28" }))).toBe("reload");
  });
  it("drains a listener for other sockets", () => {
    const [first, second] = build().ports as [HttpPortIr, HttpPortIr];
    const less = filesOf(fleet([first], clusters()));
    const moved = filesOf(fleet([first, { ...second, port: 8081 }], clusters()));
    expect([effect(one, less), effect(less, one), effect(one, moved)]).toEqual(Array(3).fill("listenerDrain"));
  });
});
