/** Real HAProxy: models with so many of one kind that they take second forms, and lines of more words than HAProxy reads. */
import type { Server } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ClusterIr, RuleIr, VirtualHostIr } from "../../ir/index.ts";
import { finish } from "../../util/steps.ts";
import type { RenderedFiles } from "../target.ts";
import { haproxyTarget } from "./index.ts";
import {
  cluster,
  type Decide,
  fleet,
  forward,
  type HeaderTest,
  httpPort,
  noChanges,
  prefix,
  type RuleInput,
  regex,
  respond,
  rulesOf,
  virtualHost,
} from "./testSupport/ir.ts";
import { type Ask, ask, echoUpstream, freePorts, portOf, type RunningProxy, startProxy } from "./testSupport/proxy.ts";

const list = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index));
const host = (name: string, inputs: readonly RuleInput[], decide: Decide = "chain"): VirtualHostIr =>
  virtualHost(`${name}.test`, rulesOf(name, inputs), decide);
const fallback: RuleInput = { path: prefix("/"), action: respond("none") };

let upstreams: Server[] = [];
let clusters: ClusterIr[] = [];
beforeAll(async () => {
  const names = ["a", "b", "c"];
  upstreams = await Promise.all(names.map(echoUpstream));
  clusters = upstreams.map((server, index) => cluster(names[index] as string, [portOf(server)]));
});
afterAll(() => {
  for (const server of upstreams) server.close();
});

interface Serving {
  readonly files: RenderedFiles["files"];
  readonly get: (target: string, more: Ask) => ReturnType<typeof ask>;
}

/** Runs `work` with a HAProxy that serves the hosts. */
async function serving(hosts: readonly VirtualHostIr[], work: (serving: Serving) => Promise<void>): Promise<void> {
  const [port = 0] = await freePorts(1);
  const rendered = finish(haproxyTarget.createRenderer().render(fleet({ ports: [httpPort(port, hosts)], clusters })));
  if (rendered.kind !== "files") throw new Error("HAProxy has files");
  expect(await haproxyTarget.check(rendered)).toEqual({ ok: true, message: "" });
  const proxy: RunningProxy = await startProxy(rendered.files, port);
  try {
    await work({ files: rendered.files, get: (target, more) => ask(port, target, more) });
  } finally {
    await proxy.stop();
  }
}

const listenerOf = ({ files }: Serving): string => files.find(({ path }) => path === "listener.web.cfg")?.text ?? "";
const mainOf = ({ files }: Serving): string => files.find(({ path }) => path === "haproxy.cfg")?.text ?? "";
const pathsOf = ({ files }: Serving): string[] => files.map(({ path }) => path);

describe("many conditions", () => {
  it("256 rules with different expressions on one header", async () => {
    const inputs = list(256, (index): RuleInput => {
      const headers: HeaderTest[] = [{ name: "x-n", test: "regex", value: `n${index}[a-z]+` }];
      return { path: prefix("/"), action: respond(`rule ${index}`), headers };
    });
    await serving([host("a", [...inputs, fallback])], async ({ get }) => {
      const asked = ["n0x", "n17x", "n255x", "n256x", "n17"];
      const answers = await Promise.all(asked.map((value) => get("/", { headers: [`X-N: ${value}`] })));
      expect(answers.map(({ body }) => body)).toEqual(["rule 0", "rule 17", "rule 255", "none", "none"]);
    });
  });
  it("301 distinct header names", async () => {
    const inputs = list(301, (index): RuleInput => {
      const headers: HeaderTest[] = [{ name: `x-${index}`, test: "present", value: "" }];
      return { path: prefix(`/p${index}`), action: respond(`rule ${index}`), headers };
    });
    for (const decide of ["chain", "table"] as const) {
      await serving([host("a", inputs, decide)], async ({ get }) => {
        const status = async (path: string, field: string) => (await get(path, { headers: [`${field}: 1`] })).status;
        expect(await Promise.all([status("/p7", "X-7"), status("/p7", "X-8"), status("/p300", "X-300")])).toEqual([
          200, 404, 200,
        ]);
      });
    }
  });
  it("more tests of one rule than words fit on a line", async () => {
    const headers = list(16, (index): HeaderTest => ({ name: `x-${index}`, test: "regex", value: `v${index}` }));
    const inputs: RuleInput[] = [
      { path: prefix("/p"), action: respond("prefix"), method: "GET", headers },
      { path: regex("/r[0-9]"), action: respond("regex"), method: "GET", headers },
      fallback,
    ];
    const lines = list(16, (index) => `X-${index}: v${index}`);
    await serving([host("a", inputs)], async (own) => {
      const bodies = async (fields: readonly string[]) =>
        (await Promise.all(["/p", "/r1"].map((path) => own.get(path, { headers: fields })))).map(({ body }) => body);
      expect(await bodies(lines)).toEqual(["prefix", "regex"]);
      for (const missing of [0, 8, 15]) {
        expect(await bodies(lines.filter((_, index) => index !== missing))).toEqual(["none", "none"]);
      }
      for (const line of listenerOf(own).split("\n")) expect(line.split(" ").length).toBeLessThanOrEqual(64);
    });
  });
  it("a header that must be there and must not", async () => {
    const headers: HeaderTest[] = [
      { name: "x-a", test: "absent", value: "" },
      { name: "x-a", test: "present", value: "" },
    ];
    await serving(
      [host("a", [{ path: prefix("/"), action: respond("never"), headers }, fallback])],
      async ({ get }) => {
        expect((await get("/", {})).body).toBe("none");
        expect((await get("/", { headers: ["X-A: 1"] })).body).toBe("none");
      },
    );
  });
  it("long values", async () => {
    const value = `${"'%}\\ ".repeat(200)}x`;
    const rule = (more: Partial<RuleInput>): RuleInput => ({ path: prefix("/"), action: respond("long"), ...more });
    const headers: HeaderTest[] = [{ name: "x-a", test: "exact", value }];
    const responseHeaders = { ...noChanges, set: [{ name: "x-b", value }] };
    for (const decide of ["chain", "table"] as const) {
      const filler = host(
        "z",
        list(60, (index) => rule({ path: prefix(`/${index}`), method: "PUT" })),
        decide,
      );
      await serving([host("a", [rule({ headers, responseHeaders }), fallback], decide), filler], async ({ get }) => {
        const answer = await get("/", { headers: [`X-A: ${value}`] });
        expect([answer.body, answer.headers["x-b"]]).toEqual(["long", value]);
        expect((await get("/", { headers: [`X-A: ${value}x`] })).body).toBe("none");
      });
    }
  });
});

describe("many expressions", () => {
  it("the first that matches, of each host", async () => {
    const inputs = (name: string): RuleInput[] => [
      ...list(12, (index) => ({ path: regex(`/x[0-9]*${index}[.-].*`), action: respond(`${name} ${index}`) })),
      fallback,
    ];
    const anchored = host("c", [{ path: regex("^/x5.*$"), action: respond("anchored") }, fallback]);
    await serving([host("a", inputs("a")), host("b", inputs("b")), anchored], async (own) => {
      expect(pathsOf(own)).toContain("maps/web/regex.map");
      const body = async (name: string, path: string) => (await own.get(path, { host: `${name}.test` })).body;
      expect(await body("a", "/x5.y")).toBe("a 5");
      // 1 and 11 match it.
      expect(await body("b", "/x11-")).toBe("b 1");
      expect(await body("b", "/x5")).toBe("none");
      expect(await body("c", "/x5.y")).toBe("anchored");
    });
  });
});

describe("many changes", () => {
  const header = (index: number, value: string): Partial<RuleInput> => ({
    responseHeaders: { set: [{ name: "x-rule", value }], add: [{ name: "x-up", value: `add ${index}` }], remove: [] },
    requestHeaders: {
      set: [],
      add: [
        { name: "x-in", value: `1 ${index}` },
        { name: "x-in", value: `2 ${index}` },
      ],
      remove: [],
    },
  });
  const bodyOf = (body: string) => JSON.parse(body) as { requestLine: string; headers: string[] };

  it("of one thing", async () => {
    const inputs = list(40, (index): RuleInput => {
      const rewritePrefix = index % 2 === 0 ? "/" : `/new${index}`;
      return {
        path: prefix(`/p${index + 10}`),
        action: forward("a"),
        rewritePrefix,
        ...header(index, `%[src] ${index}`),
      };
    });
    const idle: RuleInput[] = list(5, (index) => ({
      path: prefix(`/i${index}`),
      action: forward("a"),
      idleMs: 900 + index,
    }));
    await serving([host("a", [...inputs, ...idle, { path: prefix("/plain"), action: forward("a") }])], async (own) => {
      expect(mainOf(own)).not.toContain("-m str a/");
      for (const index of [0, 7, 39]) {
        const { headers, body } = await own.get(`/p${index + 10}/x?y`, { headers: ["X-In: 0"] });
        expect([headers["x-rule"], headers["x-up"]]).toEqual([`%[src] ${index}`, `a,add ${index}`]);
        const seen = bodyOf(body);
        expect(seen.requestLine).toBe(`GET ${index % 2 === 0 ? "" : `/new${index}`}/x?y HTTP/1.1`);
        const added = seen.headers.filter((line) => /^x-in:/i.test(line)).map((line) => line.slice(6));
        expect(added).toEqual(["0", `1 ${index}`, `2 ${index}`]);
      }
      const plain = await own.get("/plain", {});
      expect([plain.headers["x-rule"], plain.headers["x-up"]]).toEqual([undefined, "a"]);
      expect(bodyOf(plain.body).requestLine).toBe("GET /plain HTTP/1.1");
    });
  });
  it("of 300 names: backends of their own, which see their endpoints as the cluster does", async () => {
    const inputs = list(300, (index): RuleInput => {
      const changes = { ...noChanges, set: [{ name: `x-${index}`, value: `v ${index}` }] };
      const more = index % 2 === 0 ? { rewritePrefix: "/" } : { idleMs: 800 };
      const own = { path: prefix(`/p${index}`), action: forward("a"), ...more };
      return { ...own, requestHeaders: changes, responseHeaders: changes };
    });
    const canary = forward([
      { cluster: "a", weight: 1 },
      { cluster: "b", weight: 1 },
    ]);
    const responseHeaders = { ...noChanges, set: [{ name: "x-canary", value: "yes" }] };
    const others: RuleInput[] = [
      { path: prefix("/canary"), action: canary, responseHeaders },
      { path: prefix("/plain"), action: forward("a") },
    ];
    await serving([host("a", [...inputs, ...others])], async (own) => {
      expect(mainOf(own)).toContain("\nbackend a:a:123 from forward\n");
      const { headers, body } = await own.get("/p123", {});
      expect(Object.entries(headers).filter(([name]) => /^x-\d/.test(name))).toEqual([["x-123", "v 123"]]);
      expect(bodyOf(body).headers.filter((line) => /^x-\d/.test(line))).toEqual(["x-123: v 123"]);
      expect(bodyOf((await own.get("/p124/x", {})).body).requestLine).toBe("GET /x HTTP/1.1");
      const plain = await own.get("/plain", {});
      expect(Object.keys(plain.headers).filter((name) => /^x-\d/.test(name))).toEqual([]);
      const answers = await Promise.all(list(40, () => own.get("/canary", {})));
      expect(new Set(answers.map((answer) => answer.headers["x-up"]))).toEqual(new Set(["a", "b"]));
      expect(new Set(answers.map((answer) => answer.headers["x-canary"]))).toEqual(new Set(["yes"]));
    });
  });
  it("of 300 names, where the least busy endpoint is to be chosen: together", async () => {
    clusters = clusters.map((each) => (each.name === "a" ? { ...each, balance: { policy: "leastRequest" } } : each));
    const inputs = list(300, (index): RuleInput => {
      const responseHeaders = { ...noChanges, set: [{ name: `x-${index}`, value: "v" }] };
      return { path: prefix(`/p${index}`), action: forward("a"), responseHeaders };
    });
    await serving([host("a", [...inputs, { path: prefix("/plain"), action: forward("a") }])], async (own) => {
      expect(pathsOf(own)).toContain("changes/a/rules.list");
      expect((await own.get("/p123", {})).headers["x-123"]).toBe("v");
      expect(Object.keys((await own.get("/plain", {})).headers).filter((name) => /^x-\d/.test(name))).toEqual([]);
    });
  });
});

describe("many splits", () => {
  it("draw by the shares of their rule", async () => {
    const inputs = list(40, (index): RuleInput => {
      const split = [
        { cluster: "a", weight: index === 3 ? 1 : 1000 },
        { cluster: "b", weight: index === 3 ? 1000 : 1 },
        ...(index === 5 ? [{ cluster: "c", weight: 1000 }] : []),
      ];
      return { path: prefix(`/p${index}`), action: forward(split) };
    });
    const rules: readonly RuleIr[] = rulesOf("a", inputs);
    await serving([virtualHost("a.test", rules)], async (own) => {
      expect(pathsOf(own).filter((path) => path.includes("split"))).toEqual([
        "maps/web/split.0.map",
        "maps/web/split.1-from.map",
        "maps/web/split.1.map",
        "maps/web/split.2-from.map",
        "maps/web/split.2.map",
      ]);
      const tally = async (path: string) => {
        const answers = await Promise.all(list(60, () => own.get(path, {})));
        const counts: Record<string, number> = {};
        for (const { headers } of answers)
          counts[headers["x-up"] ?? "none"] = (counts[headers["x-up"] ?? "none"] ?? 0) + 1;
        return counts;
      };
      // One in a thousand: more than 5 of 60 are out of the question.
      expect((await tally("/p0")).a).toBeGreaterThan(54);
      expect((await tally("/p3")).b).toBeGreaterThan(54);
      const three = await tally("/p5");
      // 60 draws at a half: mean 30, standard deviation 4
      expect(three.a).toBeGreaterThan(10);
      expect(three.c).toBeGreaterThan(10);
    });
  });
});
