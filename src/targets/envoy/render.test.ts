import { fromBinary } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { ClusterSchema } from "../../gen/proto/envoy/config/cluster/v3/cluster_pb.js";
import { ClusterLoadAssignmentSchema } from "../../gen/proto/envoy/config/endpoint/v3/endpoint_pb.js";
import { ListenerSchema } from "../../gen/proto/envoy/config/listener/v3/listener_pb.js";
import { RouteConfigurationSchema } from "../../gen/proto/envoy/config/route/v3/route_pb.js";
import type { FleetIr, RuleIr } from "../../ir/index.ts";
import { finish } from "../../util/steps.ts";
import type { RenderedResource, RenderedResources } from "../target.ts";
import { createRenderer } from "./render.ts";
import { cluster, fleet, forward, httpPort, rule, tcpPort } from "./testing.ts";
import { typeUrls } from "./types.ts";

const { render } = createRenderer();

const PORT = "http-127-0-0-1-8080";
const ruleAt = (index: number, target = "a") => rule(`r${index}.0.0`, { path: `/p${index}`, action: forward(target) });
const rulesUpTo = (count: number) => Array.from({ length: count }, (_, index) => ruleAt(index));
const clusters = [cluster("a", [1]), cluster("b", [2])];

function fleetOf(name: string, rules: readonly RuleIr[]): FleetIr {
  const hosts = { "a.example.com": rules, "b.example.com": [ruleAt(0)] };
  return { ...fleet([httpPort(8080, hosts)], clusters), name };
}

function routesOf({ resources }: RenderedResources): RenderedResource {
  return resources.get(typeUrls.routes)?.get(PORT) as RenderedResource;
}

const decoded = (rendered: RenderedResources) => fromBinary(RouteConfigurationSchema, routesOf(rendered).bytes);
/** Renders as a process that never saw anything before would. */
const afresh = (ir: FleetIr) => finish(createRenderer().render(structuredClone(ir)));
const hostsOf = (rendered: RenderedResources) => decoded(rendered).virtualHosts;

describe("route configuration", () => {
  it("has the virtual hosts, each with guards first, and one for unknown hosts", () => {
    const table = decoded(finish(render(fleetOf("basic", rulesUpTo(2)))));
    expect(table.name).toBe(PORT);
    expect(table.ignorePortInHostMatching).toBe(true);
    expect(table.virtualHosts.map(({ domains }) => domains)).toEqual([
      ["a.example.com", "a.example.com."],
      ["b.example.com", "b.example.com."],
      ["*"],
    ]);
    expect(table.virtualHosts.map(({ name }) => name)).toEqual(["a.example.com", "b.example.com", "unknown host"]);
    for (const { routes } of table.virtualHosts) {
      expect(routes.slice(0, 4).map(({ name }) => name)).toEqual(["bad-path", "bad-host", "unknown-method", "trace"]);
    }
    expect(table.virtualHosts[0]?.routes.map(({ name }) => name).slice(4)).toEqual(["r0/0", "r1/0"]);
  });
  it("does not add the unknown host when the model has `*`", () => {
    const rendered = finish(render(fleet([httpPort(8080, { "*": [] })], [])));
    expect(decoded(rendered).virtualHosts.map(({ domains }) => domains)).toEqual([["*"]]);
  });
  it("has one virtual host for hosts with the same rules", () => {
    const hosts = hostsOf(finish(render(fleet([httpPort(8080, { "a.com *.b.com *": rulesUpTo(2) })], []))));
    expect(hosts.map(({ name, domains }) => [name, ...domains])).toEqual([
      ["a.com", "a.com", "a.com.", "*.b.com", "*.b.com.", "*"],
    ]);
  });
  it("has one for each of them where a redirect keeps the request's host", () => {
    const action = { kind: "redirect", scheme: null, hostname: null, port: 443, path: null, status: 301 } as const;
    const rules = [...rulesUpTo(200), rule("r.0.0", { path: "/", action })];
    const hosts = hostsOf(finish(render(fleet([httpPort(8080, { "a.com b.com *.c.com": rules })], []))));
    expect(hosts.map(({ name, domains }) => [name, ...domains])).toEqual([
      ["a.com", "a.com", "a.com."],
      ["b.com", "b.com", "b.com."],
      ["*.c.com", "*.c.com", "*.c.com."],
      ["unknown host", "*"],
    ]);
    const last = hosts.map(({ routes }) => routes.at(-1)?.action);
    expect(last.slice(0, 3).map((one) => (one?.case === "redirect" ? one.value.hostRedirect : null))).toEqual([
      "a.com",
      "b.com",
      "",
    ]);
    expect(hosts.map(({ routes }) => routes.length)).toEqual([205, 205, 205, 4]);
    const named = [...rulesUpTo(200), rule("r.0.0", { path: "/", action: { ...action, hostname: "d.com" } })];
    expect(hostsOf(finish(render(fleet([httpPort(8080, { "a.com b.com": named })], []))))).toHaveLength(2);
  });
  it("names the clusters that it needs, once", () => {
    const refs = routesOf(finish(render(fleetOf("refs", [...rulesUpTo(300), ruleAt(300, "b")])))).refs;
    expect(refs).toEqual([
      [typeUrls.cluster, "a"],
      [typeUrls.cluster, "b"],
    ]);
  });
  it("gives the same bytes and version, whatever was rendered before", () => {
    const rules = rulesUpTo(1000);
    const changes: ((list: RuleIr[]) => void)[] = [
      (list) => list.splice(500, 1, ruleAt(500, "b")),
      (list) => list.splice(200, 1),
      (list) => list.splice(0, 0, ruleAt(5000)),
      (list) => list.push(ruleAt(6000)),
      (list) => list.push(...Array.from({ length: 100 }, (_, index) => ruleAt(7000 + index))),
      (list) => list.splice(300, 700),
      (list) => list.reverse(),
    ];
    const versions = new Set([routesOf(finish(render(fleetOf("history", rules)))).version]);
    for (const change of changes) {
      change(rules);
      const ir = fleetOf("history", [...rules]);
      const [now, fresh] = [routesOf(finish(render(ir))), routesOf(afresh(ir))];
      expect(now.version).toBe(fresh.version);
      expect(Buffer.from(now.bytes).equals(fresh.bytes)).toBe(true);
      expect(now.version).toMatch(/^[0-9a-f]{16}$/);
      versions.add(now.version);
    }
    expect(versions.size).toBe(changes.length + 1);
  });
  it("keeps the redirect of one virtual host out of another that shares the rule", () => {
    const action = {
      kind: "redirect",
      scheme: "https",
      hostname: null,
      port: "listener",
      path: null,
      status: 301,
    } as const;
    const shared = [rule("r.0.0", { path: "/", action })];
    const ports = [8080, 8081].map((port) => httpPort(port, { "a.example.com": shared, "b.example.com": shared }));
    const tables = [
      ...(finish(render(fleet(ports, [])))
        .resources.get(typeUrls.routes)
        ?.values() ?? []),
    ];
    const targets = tables.flatMap(({ bytes }) =>
      fromBinary(RouteConfigurationSchema, bytes).virtualHosts.flatMap(({ routes }) =>
        routes.flatMap(({ action: { case: kind, value } }) =>
          kind === "redirect"
            ? [`${value.schemeRewriteSpecifier.value}://${value.hostRedirect}:${value.portRedirect}`]
            : [],
        ),
      ),
    );
    expect(targets).toEqual(
      [8080, 8081].flatMap((port) => [`https://a.example.com:${port}`, `https://b.example.com:${port}`]),
    );
  });
});

describe("identity", () => {
  it("keeps unchanged resources and maps", () => {
    const rules = rulesUpTo(10);
    const first = finish(render(fleetOf("same", rules)));
    const second = finish(render(structuredClone(fleetOf("same", rules))));
    for (const [type, map] of first.resources) expect(second.resources.get(type)).toBe(map);
    const third = finish(render(fleetOf("same", [...rules.slice(1), ruleAt(0, "b")])));
    expect(third.resources.get(typeUrls.cluster)).toBe(first.resources.get(typeUrls.cluster));
    expect(third.resources.get(typeUrls.listener)).toBe(first.resources.get(typeUrls.listener));
    expect(routesOf(third)).not.toBe(routesOf(first));
  });
  it("is a renderer's own: two models of one fleet's name do not meet", () => {
    const [one, other] = [createRenderer(), createRenderer()];
    const irs = [fleetOf("same", rulesUpTo(300)), fleetOf("same", rulesUpTo(299))];
    for (const [index, renderer] of [one, other, one, other].entries()) {
      const ir = irs[index % 2] as FleetIr;
      expect(routesOf(finish(renderer.render(ir))).bytes).toEqual(routesOf(afresh(ir)).bytes);
    }
    const [first, second] = [finish(one.render(irs[0] as FleetIr)), finish(other.render(irs[0] as FleetIr))];
    for (const [type, map] of first.resources) expect(second.resources.get(type)).not.toBe(map);
  });
  it("changes only the assignment of a cluster whose endpoints changed", () => {
    const before = finish(render({ ...fleetOf("endpoints", []), clusters }));
    const after = finish(
      render({ ...fleetOf("endpoints", []), clusters: [cluster("a", [1, 3]), clusters[1] as never] }),
    );
    const get = (from: RenderedResources, type: string, name: string) => from.resources.get(type)?.get(name);
    expect(get(after, typeUrls.cluster, "a")).toBe(get(before, typeUrls.cluster, "a"));
    expect(get(after, typeUrls.assignment, "a")).not.toBe(get(before, typeUrls.assignment, "a"));
    expect(get(after, typeUrls.assignment, "b")).toBe(get(before, typeUrls.assignment, "b"));
  });
});

describe("clusters", () => {
  const healthCheck = {
    kind: "http",
    intervalMs: 2000,
    timeoutMs: 1000,
    rise: 2,
    fall: 3,
    initial: "down",
    port: 8081,
    tcp: null,
    grpc: null,
    http: {
      method: "HEAD",
      path: "/h",
      host: "x",
      headers: [],
      bodyContains: null,
      bodyRegex: null,
      protocol: "http1" as const,
      expectedStatus: [{ low: 200, high: 299 }],
    },
  } as const;
  const { resources } = finish(
    render(
      fleet(
        [],
        [
          cluster("a", [1], { healthCheck }),
          cluster("b", [2], { balance: { policy: "leastRequest" } }),
          cluster("none", []),
        ],
      ),
    ),
  );
  const bytesOf = (type: string, name: string) => resources.get(type)?.get(name)?.bytes as Uint8Array;
  it("needs its assignment", () => {
    expect(resources.get(typeUrls.cluster)?.get("a")?.refs).toEqual([[typeUrls.assignment, "a"]]);
  });
  it("writes the health check with every failure counted", () => {
    const { healthChecks, commonLbConfig } = fromBinary(ClusterSchema, bytesOf(typeUrls.cluster, "a"));
    expect(healthChecks[0]).toMatchObject({ reuseConnection: false, unhealthyThreshold: 3, healthyThreshold: 2 });
    expect(healthChecks[0]?.noTrafficInterval?.seconds).toBe(2n);
    expect(healthChecks[0]?.healthChecker.value).toMatchObject({
      expectedStatuses: [{ start: 200n, end: 300n }],
      retriableStatuses: [{ start: 100n, end: 600n }],
    });
    expect(commonLbConfig).toMatchObject({ healthyPanicThreshold: { value: 0 }, updateMergeWindow: { seconds: 0n } });
  });
  it("writes endpoints with weight and check port", () => {
    const assignment = fromBinary(ClusterLoadAssignmentSchema, bytesOf(typeUrls.assignment, "a"));
    const [endpoint] = assignment.endpoints[0]?.lbEndpoints ?? [];
    expect(endpoint?.loadBalancingWeight).toBe(1);
    expect(endpoint?.hostIdentifier.value).toMatchObject({ healthCheckConfig: { portValue: 8081 } });
    expect(fromBinary(ClusterLoadAssignmentSchema, bytesOf(typeUrls.assignment, "none")).endpoints).toEqual([]);
  });
  it("scans fully for least requests", () => {
    const policy = fromBinary(ClusterSchema, bytesOf(typeUrls.cluster, "b")).loadBalancingPolicy?.policies[0];
    expect(policy?.typedExtensionConfig?.typedConfig?.typeUrl).toMatch(/LeastRequest$/);
  });
});

describe("listeners", () => {
  const TCP = "tcp-127-0-0-1-9000";
  const split = [
    { cluster: "a", weight: 3 },
    { cluster: "b", weight: 1 },
  ];
  const { resources } = finish(render(fleet([httpPort(8080, {}), tcpPort(9000, split, { address: "::1" })], clusters)));
  it("needs its route configuration, or its clusters", () => {
    const listeners = resources.get(typeUrls.listener);
    expect(listeners?.get(PORT)?.refs).toEqual([[typeUrls.routes, PORT]]);
    expect(listeners?.get(TCP)?.refs).toEqual([
      [typeUrls.cluster, "a"],
      [typeUrls.cluster, "b"],
    ]);
  });
  it("binds the port", () => {
    const listener = fromBinary(ListenerSchema, resources.get(typeUrls.listener)?.get(TCP)?.bytes as Uint8Array);
    expect(listener.address?.address.value).toMatchObject({ address: "::1", portSpecifier: { value: 9000 } });
  });
});
