import { expect, it } from "vitest";
import type { FleetIr } from "../../../ir/index.ts";
import { finish } from "../../../util/steps.ts";
import type { RenderedFiles } from "../../target.ts";
import { checkNginx } from "../check.ts";
import { createRenderer } from "../render.ts";
import { cluster, fleet, forward, httpPort, rule, tcpPort, udpPort, virtualHost } from "../testIr.ts";
import { inspectBodyRegex } from "./bodyRegex.ts";
import { takeOut } from "./takeOut.ts";

const healthCheck = {
  kind: "tcp",
  intervalMs: 1,
  timeoutMs: 1,
  rise: 1,
  fall: 1,
  initial: "down",
  port: null,
  tcp: { send: null, expect: null },
  http: null,
  grpc: null,
} as const;

const page = {
  protocol: "http1" as const,
  method: "GET",
  path: "/",
  host: "",
  headers: [],
  bodyContains: null,
  expectedStatus: [],
};

/** What a user wrote that reads as a server of another group. */
const trap = 'x\n  upstream two {\n    server 127.0.0.1:1 max_fails=0;\n"';

function rendered(healthChecks: FleetIr["healthChecks"]): RenderedFiles {
  const clusters = [
    cluster("one", [1, 2], {
      healthCheck,
      balance: { policy: "hash", key: { kind: "cookie", name: trap }, boundedLoad: null },
    }),
    cluster("three", [1]),
    cluster("two", [1, 3], { healthCheck }),
  ];
  const rules = clusters.map(({ name }) => rule(`${name}.0`, `/${name}`, { action: forward(name) }));
  const ports = [
    httpPort("127.0.0.1", 80, [virtualHost("*", rules)]),
    tcpPort("127.0.0.1", 81, { split: [{ cluster: "two", weight: 1 }] }),
  ];
  const files = finish(createRenderer().render({ ...fleet(ports, clusters), healthChecks }));
  if (files.kind !== "files") throw new Error("nginx renders files");
  return files;
}

/** The lines that the second has in place of the first's, with their file and group. */
function changed(before: RenderedFiles["files"], after: RenderedFiles["files"]): readonly string[] {
  return before.flatMap(({ path, text }, at) => {
    const lines = after[at]!.text.split("\n");
    let group = "";
    return text.split("\n").flatMap((line, index) => {
      group = /^ {2}upstream (\S+)/.exec(line)?.[1] ?? group;
      return line === lines[index] ? [] : [`${path} ${group}: ${lines[index]?.trim()}`];
    });
  });
}

it("an endpoint goes from the groups of its cluster, in both contexts, whatever users wrote", async () => {
  const { files } = rendered("agent");
  const out = finish(takeOut(files, [{ cluster: "two", address: "127.0.0.1", port: 1 }]));
  expect(changed(files, out)).toEqual([
    "upstreams-stream.conf two: server 127.0.0.1:1 max_fails=0 down;",
    "upstreams.conf two: server 127.0.0.1:1 max_fails=0 down;",
  ]);
  expect(out.filter((file, at) => file === files[at])).toHaveLength(files.length - 2);
  expect(finish(takeOut(files, []))).toBe(files);
});

it("an endpoint goes from the groups of its cookies too, as a backup too, and from the group of UDP sessions", async () => {
  const kept = cluster("kept", [1, 2], { healthCheck, affinity: { cookie: "who" } });
  const plain = cluster("plain", [1], { affinity: { cookie: "who" } });
  const ports = [
    httpPort("127.0.0.1", 80, [
      virtualHost(
        "*",
        [kept, plain].map(({ name }) => rule(`${name}.0`, `/${name}`, { action: forward(name) })),
      ),
    ]),
    udpPort("127.0.0.1", 53, { split: [{ cluster: "kept", weight: 1 }] }),
  ];
  const all = finish(createRenderer().render({ ...fleet(ports, [kept, plain]), healthChecks: "agent" }));
  if (all.kind !== "files") throw new Error("nginx renders files");
  const files = finish(takeOut(all.files, [{ cluster: "kept", address: "127.0.0.1", port: 1 }]));
  expect(changed(all.files, files)).toEqual([
    "upstreams-stream.conf kept.sessions: server 127.0.0.1:1 max_fails=0 down;",
    "upstreams.conf kept: server 127.0.0.1:1 max_fails=0 down;",
    "upstreams.conf kept.127.0.0.1-1: server 127.0.0.1:1 max_fails=0 down;",
    "upstreams.conf kept.127.0.0.1-2: server 127.0.0.1:1 max_fails=0 backup down;",
  ]);
  expect(await checkNginx({ ...all, files })).toEqual({ ok: true, message: "" });
});

it("clients of an endpoint that is down, as are all that follow it, go to others of the cluster", async () => {
  const ports = Array.from({ length: 14 }, (_, index) => index + 1);
  const kept = cluster("kept", ports, { healthCheck, affinity: { cookie: "who" } });
  const listeners = [httpPort("127.0.0.1", 80, [virtualHost("*", [rule("a.0", "/", { action: forward("kept") })])])];
  const all = finish(createRenderer().render({ ...fleet(listeners, [kept]), healthChecks: "agent" }));
  if (all.kind !== "files") throw new Error("nginx renders files");
  const without = (count: number): RenderedFiles["files"] =>
    finish(
      takeOut(
        all.files,
        ports.slice(0, count).map((port) => ({ cluster: "kept", address: "127.0.0.1", port })),
      ),
    );
  const serversOf = (files: RenderedFiles["files"], group: string): readonly string[] => {
    const { text = "" } = files.find(({ path }) => path === "upstreams.conf") ?? {};
    const [, block = ""] = new RegExp(`upstream ${group} \\{([^}]*)\\}`).exec(text) ?? [];
    return block.split("\n").flatMap((line) => /^ {4}server 127\.0\.0\.1:(.*);$/.exec(line)?.[1] ?? []);
  };
  const files = without(11);
  expect(serversOf(files, "kept.127.0.0.1-1")).toEqual(["12", "13", "14"].map((port) => `${port} max_fails=0`));
  expect(serversOf(files, "kept.127.0.0.1-3")).not.toContain("11 max_fails=0 backup");
  expect(serversOf(files, "kept.127.0.0.1-4")[8]).toBe("12 max_fails=0 backup");
  expect(await checkNginx({ ...all, files })).toEqual({ ok: true, message: "" });
  expect(serversOf(without(14), "kept.127.0.0.1-1")).toHaveLength(9);
});

it("an expression that would hold the agent up is refused", () => {
  const codes = (bodyRegex: string, healthChecks: FleetIr["healthChecks"]): readonly string[] => {
    const http = { ...page, bodyRegex };
    const own = cluster("one", [1], { healthCheck: { ...healthCheck, kind: "http", tcp: null, http } });
    return inspectBodyRegex({ ...fleet([], [own]), healthChecks }).map(({ code }) => code);
  };
  expect(codes("[a-z]{900}x", "agent")).toEqual(["HC-BODY-REGEX-NGINX"]);
  expect(codes("[a-z]{900}x", "external")).toEqual([]);
  expect(codes("(?:up|ok)", "agent")).toEqual([]);
});

it("a group of which nobody is left is one that nginx takes", async () => {
  const all = rendered("agent");
  const down = [1, 2, 3].flatMap((port) =>
    ["one", "two"].map((name) => ({ cluster: name, address: "127.0.0.1", port })),
  );
  const files = finish(takeOut(all.files, down));
  expect(await checkNginx({ ...all, files })).toEqual({ ok: true, message: "" });
});

it("without an agent that probes nothing stands in files of its own", () => {
  const paths = rendered("external").files.map(({ path }) => path);
  expect(paths.filter((path) => /^(probes|upstreams)/.test(path))).toEqual([]);
  expect(rendered("agent").files.find(({ path }) => path === "probes.json")?.mode).toBe(0o600);
});
