/** What a rendering is: stable, small beside its maps, free of the machine it was made on, and accepted by HAProxy. */
import { describe, expect, it } from "vitest";
import type { ClusterIr, FleetIr, HttpPortIr, PortIr, RuleIr, VirtualHostIr } from "../../ir/index.ts";
import { finish } from "../../util/steps.ts";
import type { RenderedFiles } from "../target.ts";
import { inspectFleet } from "../target.ts";
import { haproxyTarget } from "./index.ts";
import { render } from "./render.ts";
import {
  cluster,
  exact,
  fleet,
  forward,
  noChanges,
  prefix,
  regex,
  respond,
  rulesOf,
  virtualHost,
} from "./testSupport/ir.ts";
import { lowerPaths } from "./virtualHost.ts";

const DIRECTORY = "maps/http-127-0-0-1-8080";

function httpPort(virtualHosts: readonly VirtualHostIr[], more: Partial<HttpPortIr> = {}): HttpPortIr {
  return { kind: "http", id: "http-127-0-0-1-8080", address: "127.0.0.1", port: 8080, virtualHosts, ...more };
}

function edge(ports: readonly PortIr[], clusters: readonly ClusterIr[] = [cluster("c", [9001])]): FleetIr {
  return fleet({ ports, clusters });
}

function textOf(rendered: RenderedFiles, path: string): string {
  const found = rendered.files.find((file) => file.path === path);
  if (found === undefined) throw new Error(`no ${path} in ${rendered.files.map((file) => file.path)}`);
  return found.text;
}

const plain = (count: number): readonly RuleIr[] =>
  rulesOf(
    "plain",
    Array.from({ length: count }, (_, index) => ({ path: prefix(`/p${index}`), action: forward("c") })),
  );

const mixed = (name: string): VirtualHostIr =>
  virtualHost(
    `${name}.test`,
    rulesOf(name, [
      { path: exact("/e"), action: forward("c"), method: "POST" },
      { path: regex("/r[0-9] '}"), action: respond(`body of ${name}`, 404) },
      {
        path: prefix("/w"),
        action: forward([
          { cluster: "c", weight: 9 },
          { cluster: "d", weight: 1 },
        ]),
      },
      {
        path: prefix("/h"),
        action: forward("c", { idleTimeoutMs: 5_000, rewritePrefix: "/x" }),
        headers: [{ name: "x-a", kind: "exact", value: "}" }],
        responseHeaders: { ...noChanges, set: [{ name: "x-b", value: name }] },
      },
    ]),
    name.length % 2 === 0 ? "table" : "chain",
  );

const clusters = [cluster("c", [9001]), cluster("d", [9002])];

describe("render", () => {
  it("gives equal bytes for equal IR", async () => {
    const ir = edge([httpPort(["aa", "b", "cc"].map(mixed))], clusters);
    const rendered = finish(render(ir));
    expect(finish(render(JSON.parse(JSON.stringify(ir)) as FleetIr))).toEqual(rendered);
    expect(rendered.generation).toMatch(/^[0-9a-f]{16}$/);
    expect(rendered.files.map(({ path }) => path)).toEqual(rendered.files.map(({ path }) => path).sort());
    expect(await haproxyTarget.check(rendered)).toEqual({ ok: true, message: "" });
  });
  it("starts without a port, on a socket that no client reaches", async () => {
    const rendered = finish(render(edge([], [])));
    expect(await haproxyTarget.check(rendered)).toEqual({ ok: true, message: "" });
    expect(textOf(rendered, "haproxy.cfg").match(/^ *bind .*/gm)).toEqual(["  bind abns@trimtab-edge"]);
  });
  it("changes the generation with any file", () => {
    const one = finish(render(edge([httpPort([virtualHost("a.test", plain(1))])])));
    const two = finish(render(edge([httpPort([virtualHost("a.test", plain(2))])])));
    expect(two.generation).not.toBe(one.generation);
    expect(textOf(two, "haproxy.cfg")).toBe(textOf(one, "haproxy.cfg"));
  });
  it("has a configuration that does not grow with routes and hosts", () => {
    const small = textOf(finish(render(edge([httpPort([mixed("aa"), mixed("bbbb")])], clusters))), "haproxy.cfg");
    const rules = virtualHost("many.test", plain(2_000));
    const large = textOf(
      finish(render(edge([httpPort([mixed("aa"), mixed("bbbb"), rules])], clusters))),
      "haproxy.cfg",
    );
    expect(large).toBe(small);
  });
  it("names nothing of a machine", () => {
    const text = finish(render(edge([httpPort([mixed("aa")])], clusters)))
      .files.map((file) => file.text)
      .join("");
    expect(text).not.toMatch(/^\s*(?:log|user|group|pidfile|daemon|chroot|stats) /m);
    expect(text).not.toMatch(/(?:map_\w+\(|file |-f )\//);
  });
  it("keeps every other line when one virtual host changes", () => {
    const hosts = Array.from({ length: 200 }, (_, index) =>
      virtualHost(
        `h${index}.test`,
        rulesOf(`r${index}`, [
          {
            path: prefix("/"),
            action: forward("c"),
            responseHeaders: { ...noChanges, set: [{ name: "x-a", value: "1" }] },
          },
        ]),
      ),
    );
    const before = textOf(finish(render(edge([httpPort(hosts)]))), `${DIRECTORY}/response-set.x-a.map`).split("\n");
    const others = hosts.filter((_, index) => index !== 77);
    const after = textOf(finish(render(edge([httpPort(others)]))), `${DIRECTORY}/response-set.x-a.map`).split("\n");
    expect(after).toEqual(before.filter((line) => line !== "r77.0.0 1"));
  });
  it("writes an unchanged virtual host's paths once", () => {
    const host = mixed("aa");
    const [paths] = finish(lowerPaths(host));
    expect(finish(lowerPaths(host))[0]).toBe(paths);
    expect(finish(lowerPaths({ ...host, id: "v2" }))[0]).not.toEqual(paths);
  });
  it("writes a rule that several virtual hosts share once", () => {
    const shared = plain(3);
    const own = rulesOf("own", [{ path: exact("/own"), action: forward("c") }]);
    const hosts = Array.from({ length: 100 }, (_, index) => virtualHost(`h${index}.test`, [...own, ...shared]));
    const ir = edge([httpPort(hosts)]);
    const rendered = finish(render(ir));
    expect(finish(render(JSON.parse(JSON.stringify(ir)) as FleetIr))).toEqual(rendered);
    expect(textOf(rendered, `${DIRECTORY}/backend.map`)).toBe(
      "own.0.0 http.c\nplain.0.0 http.c\nplain.1.0 http.c\nplain.2.0 http.c\n",
    );
    expect(textOf(rendered, `${DIRECTORY}/exact.map`).split("\n")).toHaveLength(101);
  });
  it("writes no default port into a redirect to the listener", () => {
    const action = {
      kind: "redirect",
      scheme: null,
      hostname: null,
      port: "listener",
      path: null,
      status: 302,
    } as const;
    const hosts = [virtualHost("a.test", rulesOf("r", [{ path: prefix("/"), action }]))];
    const linesAt = (port: number) =>
      textOf(finish(render(edge([httpPort(hosts, { port })]))), "haproxy.cfg").match(
        /set-var\(txn\.dp\) 'str\(.*?\)'/g,
      );
    expect(linesAt(80)).toEqual(["set-var(txn.dp) 'str()'", "set-var(txn.dp) 'str(:80)'"]);
    expect(linesAt(443)).toEqual(["set-var(txn.dp) 'str(:443)'", "set-var(txn.dp) 'str()'"]);
  });
  it("binds IPv6 apart from IPv4, and starts with nothing to do", async () => {
    const empty = finish(render(edge([httpPort([], { address: "::", id: "http----8080" })], [])));
    expect(textOf(empty, "haproxy.cfg")).toContain("  bind [::]:8080 v6only\n");
    expect(await haproxyTarget.check(empty)).toEqual({ ok: true, message: "" });
  });
  it("starts endpoints down where HAProxy can", () => {
    const healthCheck = { kind: "tcp", intervalMs: 1, timeoutMs: 1, rise: 1, fall: 1, port: null, http: null } as const;
    const checked = [cluster("c", [9001], { healthCheck })];
    const hosts = [virtualHost("a.test", plain(1))];
    const textFor = (version: string) =>
      textOf(finish(render(fleet({ ports: [httpPort(hosts)], clusters: checked, version }))), "haproxy.cfg");
    expect(textFor("3.1")).toContain(" init-state down\n");
    expect(textFor("3.0.9")).not.toContain("init-state");
  });
});

describe("check", () => {
  const files = (text: string): RenderedFiles => ({
    kind: "files",
    generation: "0",
    files: [{ path: "haproxy.cfg", text, mode: 0o644 }],
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
  it("refuses versions before 2.6", () => {
    expect(codesOf(fleet({ ports: [], clusters: [], version: "2.4.22" }))).toEqual([
      ["HAPROXY-VERSION", "error", "/version"],
    ]);
    expect(codesOf(fleet({ ports: [], clusters: [], version: "2.6" }))).toEqual([]);
  });
  it("warns of least requests with unequal weights", () => {
    const of = (weight: number, policy: ClusterIr["policy"]) =>
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
              { policy },
            ),
          ],
        ),
      );
    expect(of(1, "leastRequest")).toEqual([["LB-LC-WEIGHTS-HAPROXY", "warning", "/balance/policy"]]);
    expect(of(3, "leastRequest")).toEqual([]);
    expect(of(1, "roundRobin")).toEqual([]);
  });
  it("refuses a body that no buffer holds, once", () => {
    const rules = rulesOf("r", [{ path: prefix("/"), action: respond("ä".repeat(30_000)) }]);
    const hosts = ["a.test", "b.test"].map((name) => virtualHost(name, rules));
    expect(codesOf(edge([httpPort(hosts)]))).toEqual([["HAPROXY-BODY-SIZE", "error", "/rules/0/respond/body"]]);
  });
});
