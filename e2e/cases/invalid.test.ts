/** An invalid model: 422 with the pointer of every problem, nothing stored, no proxy changed. */
import { beforeAll, describe, expect, it } from "vitest";
import { call, problemsOf } from "../harness/api.ts";
import { e2e } from "../harness/context.ts";
import { base, cluster, type Document, type Model, merge, route } from "../harness/model.ts";
import { serveScenario } from "../harness/serve.ts";
import { observe } from "../harness/state.ts";

beforeAll(serveScenario);

/** The small base with a part; indices: fleets 0-2, listeners 0 `web`, routes 0 marker. */
function model(part: Partial<Model>): Model {
  return merge(base(e2e().ports, "never served"), part);
}

const ok = { split: [{ cluster: "c" }] };

interface Row {
  readonly name: string;
  readonly part: () => Partial<Model> & { [unknown: string]: unknown };
  /** Where each problem is. */
  readonly pointers: readonly string[];
}

const withRule = (...rules: object[]): Partial<Model> => ({
  clusters: [cluster("c", 9)],
  routes: [route("r", "r.example", ...rules)],
});
const listener = (name: string, more: object): Document => ({
  name,
  fleets: ["envoy"],
  port: e2e().ports.http2,
  protocol: "HTTP",
  ...more,
});

const rows: readonly Row[] = [
  {
    name: "unknown field in a rule",
    part: () => withRule({ ...ok, mirror: "x" }),
    pointers: ["/routes/1/rules/0/mirror"],
  },
  { name: "unknown collection", part: () => ({ gateways: [] }), pointers: ["/gateways"] },
  {
    name: "wrong type",
    part: () => withRule({ split: [{ cluster: "c", weight: "90" }] }),
    pointers: ["/routes/1/rules/0/split/0/weight"],
  },
  {
    name: "a list where an object belongs",
    part: () => withRule({ respond: [] }),
    pointers: ["/routes/1/rules/0/respond"],
  },
  { name: "missing field", part: () => ({ clusters: [{ name: "c" }] }), pointers: ["/clusters/0/endpoints"] },
  {
    name: "number out of range",
    part: () => ({ clusters: [cluster("c", 70_000)] }),
    pointers: ["/clusters/0/endpoints/0/port"],
  },
  { name: "two actions", part: () => withRule({ ...ok, respond: { status: 200 } }), pointers: ["/routes/1/rules/0"] },
  {
    name: "several problems of shape at once, and a reference that names nothing",
    part: () => ({
      clusters: [{ name: "Bad Name", endpoints: [{ address: "not an address", port: 0 }] }],
      routes: [route("r", "r..example", { ...ok, timeouts: { idle: "soon" } })],
    }),
    pointers: [
      "/clusters/0/endpoints/0/address",
      "/clusters/0/endpoints/0/port",
      "/clusters/0/name",
      "/routes/1/rules/0/split/0/cluster",
      "/routes/1/hostnames/0",
      "/routes/1/rules/0/timeouts/idle",
    ],
  },
  {
    name: "dangling references, all of them",
    part: () => ({
      clusters: [{ ...cluster("c", 9), healthCheck: "no-check" }],
      routes: [
        {
          ...route("r", "r.example", { split: [{ cluster: "c" }, { cluster: "no-cluster" }] }),
          listeners: ["web", "no-listener"],
        },
      ],
      listeners: [listener("l", { fleets: ["envoy", "no-fleet"] })],
    }),
    pointers: [
      "/clusters/0/healthCheck",
      "/listeners/1/fleets/1",
      "/routes/1/listeners/1",
      "/routes/1/rules/0/split/1/cluster",
    ],
  },
  {
    name: "port clash",
    part: () => ({ listeners: [listener("one", {}), listener("two", { protocol: "TCP" })] }),
    pointers: ["/listeners/2/port"],
  },
  {
    name: "same hostname on a shared port",
    part: () => ({
      listeners: [listener("one", { hostname: "a.example" }), listener("two", { hostname: "A.example" })],
    }),
    pointers: ["/listeners/2/port"],
  },
  {
    name: "duplicate match",
    part: () =>
      withRule({ matches: [{ path: { prefix: "/x" } }], ...ok }, { matches: [{ path: { prefix: "/x/" } }], ...ok }),
    pointers: ["/routes/1/rules/1/matches/0"],
  },
  {
    name: "weights that add up to 0",
    part: () => withRule({ split: [{ cluster: "c", weight: 0 }] }),
    pointers: ["/routes/1/rules/0/split"],
  },
  {
    name: "duplicate name",
    part: () => ({ clusters: [cluster("c", 9), cluster("c", 10)] }),
    pointers: ["/clusters/1/name"],
  },
  {
    name: "regex outside the common dialect",
    part: () => withRule({ matches: [{ path: { regex: "/(?=x).*" } }], ...ok }),
    pointers: ["/routes/1/rules/0/matches/0/path/regex"],
  },
  {
    name: "path that no request can have",
    part: () => withRule({ matches: [{ path: { exact: "/a/../b" } }], ...ok }),
    pointers: ["/routes/1/rules/0/matches/0/path/exact"],
  },
  {
    name: "canary whose cluster is not in the rule",
    part: () => ({
      ...withRule(ok),
      clusters: [cluster("c", 9), cluster("d", 9)],
      canaries: [{ name: "k", route: "r", rule: 0, stable: "c", canary: "d", steps: [{ weight: 5 }] }],
    }),
    pointers: ["/canaries/0/canary"],
  },
  {
    name: "hostname outside the listener's",
    part: () => ({
      ...withRule(ok),
      listeners: [listener("l", { hostname: "*.inside.example" })],
      routes: [{ ...route("r", "r.outside.example", ok), listeners: ["l"] }],
    }),
    pointers: ["/routes/1/hostnames/0"],
  },
];

describe("PUT /v1/config", () => {
  it.each(rows)("$name", async ({ part, pointers }) => {
    const before = await observe();
    const { fleets, listeners, routes, clusters, healthChecks, canaries, ...unknown } = part();
    const known = { fleets, listeners, routes, clusters, healthChecks, canaries };
    const given = Object.fromEntries(Object.entries(known).filter(([, value]) => value !== undefined));
    const answer = await call(e2e().program.api, "PUT /v1/config", { body: { ...model(given), ...unknown } });
    expect(answer.status, answer.text).toBe(422);
    expect(answer.contentType).toMatch(/^application\/problem\+json/);
    expect([...new Set(problemsOf(answer).map(({ pointer }) => pointer))].sort()).toEqual([...pointers].sort());
    for (const { code, message } of problemsOf(answer)) {
      expect(code).toMatch(/^[A-Z0-9]+(-[A-Z0-9]+)+$/);
      expect(message.length).toBeGreaterThan(10);
    }
    expect(await observe()).toEqual(before);
  });
});

describe("other ways to write", () => {
  it.each([
    {
      line: "PUT /v1/routes/r",
      body: route("r", "r.example", { split: [{ cluster: "nowhere" }] }),
      pointer: "/rules/0/split/0/cluster",
    },
    { line: "PUT /v1/clusters/echo-a", body: { name: "echo-a", endpoints: "none" }, pointer: "/endpoints" },
    { line: "PATCH /v1/clusters/echo-a", body: { colour: "red" }, pointer: "/colour" },
    { line: "POST /v1/config/apply", body: { clusters: [{ name: "x" }] }, pointer: "/clusters/0/endpoints" },
  ])("$line is refused at $pointer", async ({ line, body, pointer }) => {
    const before = await observe();
    const answer = await call(e2e().program.api, line, { body });
    expect(answer.status, answer.text).toBe(422);
    expect(problemsOf(answer).map((problem) => problem.pointer)).toEqual([pointer]);
    expect(await observe()).toEqual(before);
  });

  it("a resource that others name cannot be deleted", async () => {
    const before = await observe();
    const answer = await call(e2e().program.api, "DELETE /v1/clusters/echo-a");
    expect(answer.status).toBe(422);
    expect(problemsOf(answer).length).toBeGreaterThan(0);
    expect(await observe()).toEqual(before);
  });

  it.each(["{", "[]", "null", '"text"'])("a body that is no object: %s", async (body) => {
    const before = await observe();
    const answer = await call(e2e().program.api, "PUT /v1/config", { body });
    expect([400, 422]).toContain(answer.status);
    expect(await observe()).toEqual(before);
  });

  it("dryRun stores nothing, valid or not", async () => {
    const before = await observe();
    const valid = await call(e2e().program.api, "PUT /v1/config?dryRun=true", { body: model(withRule(ok)) });
    expect(valid.status).toBe(200);
    const invalid = await call(e2e().program.api, "PUT /v1/config?dryRun=true", {
      body: model({ clusters: [{ name: "x" }] }),
    });
    expect(invalid.status).toBe(422);
    expect(await observe()).toEqual(before);
  });
});
