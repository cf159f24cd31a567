/** The gate with tables of its own; `src/suite/incremental.test.ts` shows that it forgets nothing from one look to the next. */
import { describe, expect, test } from "vitest";
import type { Diagnostic } from "../errors/diagnostic.ts";
import type { FleetIr, HttpPortIr, JsonValue, RuleIr, SourceIr, VirtualHostIr } from "../ir/index.ts";
import { NO_CONNECTION_LIMIT, USUAL_CLIENT_TIMEOUTS, USUAL_PROCESS } from "../ir/index.ts";
import { finish } from "../util/steps.ts";
import { createGate } from "./gate.ts";
import { loadTargets, PROXY_KINDS } from "./registry.ts";
import { distinctFindings, type Finding, type Target } from "./target.ts";

const BODY: JsonValue = {
  name: "shop",
  hostnames: ["a", "b"],
  rules: [{ timeouts: { request: "5s" } }, {}, { timeouts: { request: "9s" }, matches: [{ method: "GET" }] }],
};

const { get } = await loadTargets();
const nginx = get("nginx");
/** One gate for all tests: what it remembers of one fleet must not reach another. */
const look = createGate();
const gate = (ir: FleetIr, target: Target): Diagnostic[] => finish(look(ir, target));

const source = (body: JsonValue = BODY): SourceIr => ({ kind: "route", name: "shop", body });

function fleet(more: Partial<FleetIr> = {}): FleetIr {
  const name = `gate-${Math.random()}`;
  return {
    name,
    proxy: "nginx",
    version: null,
    healthChecks: null,
    accessLog: null,
    process: USUAL_PROCESS,
    ports: [],
    clusters: [],
    certificates: [],
    authorities: [],
    sources: [source()],
    ...more,
  };
}

/** Everything exact but for what a test says. */
function target(table: Partial<Record<string, unknown>>, more: Partial<Target> = {}): Target {
  return {
    ...nginx,
    capabilities: table as unknown as Target["capabilities"],
    inspect: () => [],
    inspectRule: () => [],
    ...more,
  };
}

const finding = (pointer: string): Finding => ({ code: "A-B", severity: "error", message: "m", pointer });
const rule = (id: string): RuleIr => ({ id, route: "shop" }) as RuleIr;
const host = (hostname: string, rules: RuleIr[]): VirtualHostIr => ({ hostnames: [hostname], rules, groups: null });
const port = (virtualHosts: VirtualHostIr[]): HttpPortIr => ({
  kind: "http",
  id: "p",
  address: "0.0.0.0",
  port: 1,
  listeners: ["l"],
  tls: null,
  passed: null,
  clientTimeouts: USUAL_CLIENT_TIMEOUTS,
  connectionLimit: NO_CONNECTION_LIMIT,
  geoTables: [],
  http2: "off" as const,
  http3: null,
  proxyProtocol: null,
  via: null,
  virtualHosts,
});
const pointersOf = (ir: FleetIr, asked: Target): string[] => gate(ir, asked).map(({ pointer }) => pointer);

describe("leaves", () => {
  test("each written value gives a diagnostic with resource, pointer, fleet and proxy", () => {
    const ir = fleet();
    const refused = { refused: "cannot be done", code: "A-B" };
    expect(gate(ir, target({ "route.rules[].timeouts.request": refused, "route.name": "exact" }))).toEqual(
      ["/rules/0/timeouts/request", "/rules/2/timeouts/request"].map((pointer) => ({
        code: "A-B",
        severity: "error",
        message: `fleet ${JSON.stringify(ir.name)}: cannot be done`,
        resource: { kind: "route", name: "shop" },
        pointer,
        fleet: ir.name,
        proxy: "nginx",
      })),
    );
  });

  test("an approximation is a warning; `when` limits it by value and version; list items are leaves too", () => {
    const when = (value: JsonValue, [major, minor]: readonly number[]) => value === "b" && major === 1 && minor === 22;
    const table = { "route.hostnames[]": { approximated: "x", code: "A-B", when } };
    expect(gate(fleet({ version: "1.22" }), target(table))).toMatchObject([
      { severity: "warning", pointer: "/hostnames/1" },
    ]);
    expect(gate(fleet({ version: "1.23" }), target(table))).toEqual([]);
    expect(pointersOf(fleet(), target(table, { defaultVersion: [1, 22, 0] }))).toEqual(["/hostnames/1"]);
  });

  test("other kinds and values of another shape are passed over", () => {
    const table = {
      "cluster.rules[].x": { refused: "x", code: "A-B" },
      "route.rules[].x": { refused: "x", code: "A-B" },
    };
    for (const body of [BODY, { rules: "text" }, { rules: { x: 1 } }, { rules: [1, null, []] }, null])
      expect(gate(fleet({ sources: [source(body)] }), target(table))).toEqual([]);
  });
});

describe("what stays from one look to the next", () => {
  test("only changed rules are examined again, each finding is told once", () => {
    const examined: string[] = [];
    const asked = target(
      {},
      {
        inspectRule: ({ id }) => {
          examined.push(id);
          return id.includes("bad") ? [finding(`/${id}`), finding(`/${id}`)] : [];
        },
      },
    );
    const [one, two, bad] = [rule("one"), rule("two"), rule("bad")];
    const other = host("b", [two]);
    const ir = fleet({ ports: [port([host("a", [one, bad]), other])] });
    expect(pointersOf(ir, asked)).toEqual(["/bad"]);
    expect(examined.splice(0)).toEqual(["one", "bad", "two"]);
    expect(pointersOf({ ...ir, ports: [port([host("a", [one, bad, rule("new")]), other])] }, asked)).toEqual(["/bad"]);
    expect(examined.splice(0)).toEqual(["new"]);
    expect(pointersOf({ ...ir, ports: [port([host("a", [one]), other])] }, asked)).toEqual([]);
    expect(examined).toEqual([]);
  });

  test("a host of other names is another look at its rules", () => {
    const asked = target({}, { inspectRule: (_, { hostnames }) => (hostnames.includes("b") ? [finding("/b")] : []) });
    const one = rule("one");
    const ir = fleet({ ports: [port([host("a", [one])])] });
    const both = { ...host("a", [one]), hostnames: ["a", "b"] };
    expect(pointersOf(ir, asked)).toEqual([]);
    expect(pointersOf({ ...ir, ports: [port([both])] }, asked)).toEqual(["/b"]);
    expect(pointersOf(ir, asked)).toEqual([]);
  });

  test("two targets of one fleet, and two gates, remember apart", () => {
    const refusing = target({ "route.name": { refused: "no", code: "A-B" } }, { proxy: "haproxy" });
    const ir = fleet();
    for (let times = 0; times < 2; times++) {
      expect(pointersOf(ir, target({}))).toEqual([]);
      expect(pointersOf(ir, refusing)).toEqual(["/name"]);
    }
    const examined: string[] = [];
    const watching = target(
      {},
      {
        inspectRule: ({ id }) => {
          examined.push(id);
          return [];
        },
      },
    );
    const routed = { ...ir, ports: [port([host("a", [rule("one")])])] };
    const [first, second] = [createGate(), createGate()];
    for (const gate of [first, second, first, second]) finish(gate(routed, watching));
    expect(examined).toEqual(["one", "one"]);
  });

  test("another version of the fleet is another look", () => {
    const table = {
      "route.name": {
        refused: "x",
        code: "A-B",
        when: (_value: JsonValue, version: readonly number[]) => version[1] === 1,
      },
    };
    const asked = target(table);
    const ir = fleet();
    expect(gate({ ...ir, version: "1.1" }, asked)).toHaveLength(1);
    expect(gate({ ...ir, version: "1.2" }, asked)).toEqual([]);
    expect(gate({ ...ir, version: "1.1" }, asked)).toHaveLength(1);
  });

  test("an inspection that throws in the middle hides nothing afterwards", () => {
    const bad = rule("bad");
    const asked = target(
      {},
      {
        inspectRule({ id }) {
          if (id === "throws") throw new Error("defect");
          return id === "bad" ? [finding("/bad")] : [];
        },
      },
    );
    const ir = fleet({ ports: [port([host("a", [bad])])] });
    expect(pointersOf(ir, asked)).toEqual(["/bad"]);
    expect(() => gate({ ...ir, ports: [port([host("a", [rule("throws")])])] }, asked)).toThrow("defect");
    expect(pointersOf(ir, asked)).toEqual(["/bad"]);
  });
});

test("of findings about the same place the same one stays in whatever order they come", () => {
  const one = { ...finding("/rules/0"), message: "rule r.0.0" };
  const two = { ...one, message: "rule r.0.1" };
  const elsewhere = finding("/rules/1");
  expect(distinctFindings([one, two, elsewhere])).toEqual([one, elsewhere]);
  expect(distinctFindings([two, one, elsewhere])).toEqual([one, elsewhere]);
});

test("several deviations of one leaf are told, each where it holds", () => {
  const when = (value: JsonValue) => value === "5s";
  const table = {
    "route.rules[].timeouts.request": [
      { approximated: "x", code: "A-B" },
      { refused: "y", code: "C-D", when },
    ],
  };
  expect(gate(fleet(), target(table)).map(({ code, severity, pointer }) => `${code} ${severity} ${pointer}`)).toEqual([
    "A-B warning /rules/0/timeouts/request",
    "C-D error /rules/0/timeouts/request",
    "A-B warning /rules/2/timeouts/request",
  ]);
});

test.each(PROXY_KINDS)("%s: a version older than what is written is refused, by the table", (proxy) => {
  const asked = get(proxy);
  const [major, minor] = asked.defaultVersion;
  const codes = (version: string): string[] => {
    const written: SourceIr = { kind: "fleet", name: "f", body: { name: "f", proxy, version } };
    return gate(fleet({ proxy, version, sources: [written] }), asked).map(
      ({ code, severity, pointer }) => `${severity} ${code} ${pointer}`,
    );
  };
  expect(codes(`${major}.${minor - 1}.9`)).toEqual([`error ${proxy.toUpperCase()}-VERSION /version`]);
  expect(codes(`${major}.${minor}`)).toEqual([]);
  expect(codes(`${major + 1}.0`)).toEqual([]);
});
