/** What a rendering is: stable, of the model's names, free of the machine it was made on, and accepted by HAProxy. */
import { describe, expect, it } from "vitest";
import type { ClusterIr, FleetIr, HttpPortIr, PortIr, RuleIr, VirtualHostIr } from "../../ir/index.ts";
import { finish } from "../../util/steps.ts";
import type { RenderedFiles } from "../target.ts";
import { inspectFleet } from "../target.ts";
import { haproxyTarget } from "./index.ts";
import {
  cluster,
  exact,
  fleet,
  forward,
  httpPort as httpPortOf,
  noChanges,
  prefix,
  type RuleInput,
  regex,
  respond,
  rulesOf,
  tcpPort,
  virtualHost,
} from "./testSupport/ir.ts";

const httpPort = (virtualHosts: readonly VirtualHostIr[], more: Partial<HttpPortIr> = {}) =>
  httpPortOf(8080, virtualHosts, more);

function edge(ports: readonly PortIr[], clusters: readonly ClusterIr[] = [cluster("c", [9001])]): FleetIr {
  return fleet({ ports, clusters });
}

function render(ir: FleetIr): RenderedFiles {
  return finish(haproxyTarget.createRenderer().render(ir)) as RenderedFiles;
}

function textOf(rendered: RenderedFiles, path: string): string {
  const found = rendered.files.find((file) => file.path === path);
  if (found === undefined) throw new Error(`no ${path} in ${rendered.files.map((file) => file.path)}`);
  return found.text;
}

/** The lines that only one of the two has, as `haproxy.cfg -  line`. */
function changedLines(before: RenderedFiles, after: RenderedFiles): string[] {
  const lines = (rendered: RenderedFiles): string[] =>
    rendered.files.flatMap(({ path, text }) => text.split("\n").map((line) => `${path} ${line.trim()}`));
  const [old, fresh] = [lines(before), lines(after)];
  const minus = old.filter((line) => !fresh.includes(line)).map((line) => line.replace(" ", " - "));
  const plus = fresh.filter((line) => !old.includes(line)).map((line) => line.replace(" ", " + "));
  return [...minus, ...plus];
}

const plain = (count: number): readonly RuleIr[] =>
  rulesOf(
    "plain",
    Array.from({ length: count }, (_, index) => ({ path: prefix(`/p${index}`), action: forward("c") })),
  );

const MIXED: readonly RuleInput[] = [
  { name: "write", path: exact("/e"), action: forward("c"), method: "POST" },
  { name: "read", path: exact("/e"), action: forward("d") },
  { name: "item", path: regex("/r[0-9] '}"), action: respond("not plain: 'x'", 404) },
  { name: "moved", path: prefix("/m"), action: redirect({ path: { kind: "prefix", value: "/n" } }) },
  {
    name: "canary",
    path: prefix("/w"),
    action: forward([
      { cluster: "c", weight: 9 },
      { cluster: "d", weight: 1 },
    ]),
  },
  {
    name: "api",
    path: prefix("/h"),
    action: forward("c"),
    idleMs: 5_000,
    rewritePrefix: "/x",
    headers: [{ name: "x-a", test: "exact", value: "}" }],
    requestHeaders: { ...noChanges, set: [{ name: "x-q", value: "1" }] },
    responseHeaders: { ...noChanges, set: [{ name: "x-b", value: "old" }] },
  },
  { name: "home", path: prefix("/"), action: forward("c") },
];

function redirect(more: object) {
  const defaults = { scheme: null, hostname: null, port: null, path: null, status: 302 } as const;
  return { kind: "redirect", ...defaults, ...more } as const;
}

const mixed = (name: string, inputs = MIXED): VirtualHostIr => virtualHost(`${name}.test`, rulesOf(name, inputs));
const clusters = [cluster("c", [9001]), cluster("d", [9002])];

/** The mixed rules with one of them changed. */
function withChange(name: string, more: Partial<RuleInput>): FleetIr {
  const inputs = MIXED.map((input) => (input.name === name ? { ...input, ...more } : input));
  return edge([httpPort([mixed("a", inputs), mixed("b")])], clusters);
}
const unchanged = (): FleetIr => withChange("none", {});

describe("render", () => {
  it("gives equal bytes for equal IR", async () => {
    const ir = edge(
      [httpPort(["aa", "b", "cc"].map((name) => mixed(name))), tcpPort(9, "db", { split: [] })],
      clusters,
    );
    const rendered = render(ir);
    expect(render(JSON.parse(JSON.stringify(ir)) as FleetIr)).toEqual(rendered);
    expect(rendered.generation).toMatch(/^[0-9a-f]{16}$/);
    expect(rendered.files.map(({ path }) => path)).toEqual(rendered.files.map(({ path }) => path).sort());
    expect(rendered.sockets).toEqual([
      { address: "127.0.0.1", port: 8080, listeners: ["web"], file: "listener.web.cfg" },
      { address: "127.0.0.1", port: 9, listeners: ["db"], file: "listener.db.cfg" },
    ]);
    expect(await haproxyTarget.check(rendered)).toEqual({ ok: true, message: "" });
  });
  it("gives the bytes of a fresh renderer after any change", () => {
    const renderer = haproxyTarget.createRenderer();
    const changes: [string, Partial<RuleInput>][] = [
      ["none", {}],
      ["api", { rewritePrefix: "/y" }],
      ["api", { headers: [] }],
      ["write", { method: "PUT" }],
      ["item", { path: regex("/other") }],
      ["home", { action: respond("x") }],
      ["canary", { action: forward("d") }],
      ["none", {}],
    ];
    for (const [name, change] of changes) {
      const ir = withChange(name, change);
      expect(finish(renderer.render(ir))).toEqual(render(ir));
      const other = edge([httpPort([mixed("a")], { listeners: ["other"], port: 81 })], clusters);
      expect(finish(renderer.render(other))).toEqual(render(other));
    }
  });
  it("starts without a port, on a socket that no client reaches", async () => {
    const rendered = render(edge([], []));
    expect(await haproxyTarget.check(rendered)).toEqual({ ok: true, message: "" });
    expect(textOf(rendered, "haproxy.cfg").match(/^ *bind .*/gm)).toEqual(["  bind abns@trimtab-edge"]);
    expect(rendered.sockets).toEqual([]);
  });
  it("has a configuration that does not grow with routes and hosts", () => {
    const small = render(edge([httpPort([mixed("aa"), mixed("bbbb")])], clusters));
    const large = render(
      edge([httpPort([mixed("aa"), mixed("bbbb"), virtualHost("many.test", plain(2_000))])], clusters),
    );
    for (const path of ["haproxy.cfg", "listener.web.cfg"]) expect(textOf(large, path)).toBe(textOf(small, path));
    expect(large.generation).not.toBe(small.generation);
  });
  it("has no part that no rule needs", () => {
    const { files } = render(edge([httpPort([virtualHost("a.test", plain(1))])]));
    expect(files.map(({ path }) => path)).toEqual([
      "haproxy.cfg",
      "listener.web.cfg",
      "maps/web/backends.map",
      "maps/web/prefix.map",
      "maps/web/sites.map",
    ]);
    const text = files.map((file) => file.text).join("");
    expect(text).not.toMatch(/defaults tcp|acl |map_reg|map_str\(maps\/web\/exact|allow|rand\(/);
  });
  it("names nothing of a machine", () => {
    const text = render(unchanged())
      .files.map((file) => file.text)
      .join("");
    expect(text).not.toMatch(/^\s*(?:log|user|group|pidfile|daemon|chroot|stats) /m);
    expect(text).not.toMatch(/(?:map_\w+\(|file |-f )\//);
  });
  it("writes a rule that several virtual hosts share once, and hosts of the same rules as one site", () => {
    const shared = plain(3);
    const own = rulesOf("own", [{ path: exact("/own"), action: forward("c") }]);
    const hosts = Array.from({ length: 100 }, (_, index) => virtualHost(`h${index}.test`, [...own, ...shared]));
    const ir = edge([httpPort([...hosts, virtualHost(["x.test", "y.test"], shared)])]);
    const rendered = render(ir);
    expect(textOf(rendered, "maps/web/backends.map")).toBe("own/0 c\nplain/0 c\nplain/1 c\nplain/2 c\n");
    expect(textOf(rendered, "maps/web/exact.map").split("\n")).toHaveLength(101);
    expect(textOf(rendered, "maps/web/sites.map")).toMatch(
      /\nx\.test x\.test\nx\.test:8080 x\.test\ny\.test x\.test\ny\.test:8080 x\.test\n$/,
    );
  });
  it("writes the matches of a rule once, but for those whose prefix is replaced", () => {
    const inputs: RuleInput[] = ["/a", "/b"].flatMap((path) => ({
      name: "r",
      path: prefix(path),
      action: forward("c"),
    }));
    const same = render(edge([httpPort([virtualHost("a.test", rulesOf("x", inputs))])]));
    expect(textOf(same, "maps/web/backends.map")).toBe("x/r c\n");
    const replaced = inputs.map((input) => ({ ...input, rewritePrefix: "/" }));
    const apart = render(edge([httpPort([virtualHost("a.test", rulesOf("x", replaced))])]));
    expect(textOf(apart, "maps/web/backends.map")).toBe("x/r c\nx/r/1 c\n");
  });
  it("writes no default port into a redirect to the listener", () => {
    const locationAt = (port: number, scheme: "http" | "https") => {
      const rules = rulesOf("r", [{ path: prefix("/"), action: redirect({ port: "listener", scheme }) }]);
      const text = textOf(render(edge([httpPort([virtualHost("a.test", rules)], { port })])), "listener.web.cfg");
      return /location '(\w+):\/\/%\[[^\]]*\](.*)%\[pathq\]'/.exec(text)?.slice(1).join("");
    };
    expect([locationAt(80, "http"), locationAt(80, "https")]).toEqual(["http", "https:80"]);
    expect([locationAt(443, "http"), locationAt(443, "https")]).toEqual(["http:443", "https"]);
  });
  it("binds IPv6 apart from IPv4, and starts with nothing to do", async () => {
    const empty = render(edge([httpPort([], { address: "::" })], []));
    expect(textOf(empty, "listener.web.cfg")).toContain("  bind [::]:8080 v6only\n");
    expect(await haproxyTarget.check(empty)).toEqual({ ok: true, message: "" });
  });
  it("starts endpoints down where HAProxy can", () => {
    const healthCheck = {
      kind: "tcp",
      intervalMs: 1,
      timeoutMs: 1,
      rise: 1,
      fall: 1,
      initial: "down",
      port: null,
      http: null,
      tcp: null,
      grpc: null,
    } as const;
    const checked = [cluster("c", [9001], { healthCheck })];
    const hosts = [virtualHost("a.test", plain(1))];
    const textFor = (version: string) =>
      textOf(render(fleet({ ports: [httpPort(hosts)], clusters: checked, version })), "haproxy.cfg");
    expect(textFor("3.1")).toContain(" init-state down\n");
    expect(textFor("3.0.9")).not.toContain("init-state");
  });
});

describe("a change touches its own lines", () => {
  it.each<[string, string, Partial<RuleInput>, readonly string[]]>([
    [
      "another path",
      "canary",
      { path: prefix("/w2") },
      ["maps/web/prefix.map - a.test/w/ a/canary", "maps/web/prefix.map + a.test/w2/ a/canary"],
    ],
    [
      "another cluster",
      "home",
      { action: forward("d") },
      ["maps/web/backends.map - a/home c", "maps/web/backends.map + a/home d"],
    ],
    [
      "another header",
      "api",
      { responseHeaders: { ...noChanges, set: [{ name: "x-b", value: "new" }] } },
      [
        "haproxy.cfg - http-after-response set-header x-b 'old' if { var(txn.rule) -m str a/api }",
        "haproxy.cfg + http-after-response set-header x-b 'new' if { var(txn.rule) -m str a/api }",
      ],
    ],
    [
      "another prefix",
      "api",
      { rewritePrefix: "/y" },
      [
        "haproxy.cfg - # a/api: /h becomes /x",
        "haproxy.cfg - http-request set-path '/x%[path,bytes(2)]' if { var(txn.rule) -m str a/api }",
        "haproxy.cfg + # a/api: /h becomes /y",
        "haproxy.cfg + http-request set-path '/y%[path,bytes(2)]' if { var(txn.rule) -m str a/api }",
      ],
    ],
    [
      "another method",
      "write",
      { method: "PUT" },
      [
        "listener.web.cfg - http-request set-var(txn.rule) str(a/write) if { var(txn.rule) -m str -- '?=a.test/e' } { method -m str POST }",
        "listener.web.cfg + http-request set-var(txn.rule) str(a/write) if { var(txn.rule) -m str -- '?=a.test/e' } { method -m str PUT }",
      ],
    ],
    [
      "another body",
      "item",
      { action: respond("nor this: 'x'", 404) },
      ["bodies/a.item.txt - not plain: 'x'", "bodies/a.item.txt + nor this: 'x'"],
    ],
    [
      "another share",
      "canary",
      {
        action: forward([
          { cluster: "c", weight: 800 },
          { cluster: "d", weight: 201 },
        ]),
      },
      [
        "maps/web/split.a.canary.map - 0:899999 c",
        "maps/web/split.a.canary.map - 900000:999999 d",
        "maps/web/split.a.canary.map + 0:799200 c",
        "maps/web/split.a.canary.map + 799201:999999 d",
      ],
    ],
  ])("%s", (...[, name, change, expected]) => {
    expect(changedLines(render(unchanged()), render(withChange(name, change)))).toEqual(expected);
  });
  it("a host of 200 that goes", () => {
    const hosts = Array.from({ length: 200 }, (_, index) => {
      const responseHeaders = { ...noChanges, set: [{ name: "x-a", value: "1" }] };
      return virtualHost(
        `h${index}.test`,
        rulesOf(`r${index}`, [{ path: prefix("/"), action: forward("c"), responseHeaders }]),
      );
    });
    const before = render(edge([httpPort(hosts)]));
    const after = render(edge([httpPort(hosts.filter((_, index) => index !== 77))]));
    expect(changedLines(before, after)).toEqual([
      "changes/c/response.x-a.map - r77/0 1",
      "maps/web/backends.map - r77/0 c",
      "maps/web/prefix.map - h77.test/ r77/0",
      "maps/web/sites.map - h77.test h77.test",
      "maps/web/sites.map - h77.test:8080 h77.test",
    ]);
  });
});

describe("effect", () => {
  const { effect } = haproxyTarget;
  it("is none for equal files, a reload for others, or a change of the running process", () => {
    expect(effect(render(unchanged()), render(unchanged()))).toBe("none");
    expect(effect(render(unchanged()), render(withChange("home", { action: forward("d") })))).toBe("runtime");
    expect(effect(render(unchanged()), render(withChange("write", { method: "PUT" })))).toBe("reload");
    expect(effect(null, render(unchanged()))).toBe("reload");
  });
  it("drains a listener whose socket moves", () => {
    const at = (port: number) => render(edge([httpPort([mixed("a")], { port })], clusters));
    expect(effect(at(80), at(81))).toBe("listenerDrain");
  });
});

describe("check", () => {
  const files = (text: string): RenderedFiles => ({
    kind: "files",
    generation: "0",
    files: [{ path: "haproxy.cfg", text, mode: 0o644 }],
    sockets: [],
  });
  it("tells what HAProxy finds wrong, without folders", async () => {
    const { ok, message } = await haproxyTarget.check(files("global\n  nonsense\n"));
    expect(ok).toBe(false);
    expect(message).toMatch(/parsing \[haproxy\.cfg:2\].*nonsense/);
    expect(message).not.toMatch(/\/tmp|NOTICE/);
  });
  it("names a binary that is not there", async () => {
    const { ok, message } = await haproxyTarget.check(files(""), { binary: "no-such-haproxy" });
    expect([ok, message]).toEqual([false, expect.stringMatching(/^cannot run no-such-haproxy: .*install HAProxy/)]);
  });
});

describe("inspect", () => {
  const codesOf = (ir: FleetIr) =>
    inspectFleet(haproxyTarget, ir).map(({ code, severity, pointer }) => [code, severity, pointer]);
  it("warns of least requests with unequal weights", () => {
    const of = (weight: number, policy: "roundRobin" | "leastRequest") =>
      codesOf(
        edge(
          [],
          [
            cluster(
              "c",
              [
                [9001, 3],
                [9002, weight],
              ],
              { balance: { policy } },
            ),
          ],
        ),
      );
    expect(of(1, "leastRequest")).toEqual([["LB-LC-WEIGHTS-HAPROXY", "warning", "/balance/policy"]]);
    expect(of(3, "leastRequest")).toEqual([]);
    expect(of(1, "roundRobin")).toEqual([]);
  });
});
