import { expect, test } from "vitest";
import type { HttpPortIr } from "../ir/index.ts";
import { applyChanges, type Change, emptySnapshot, validateConfig } from "../model/index.ts";
import { finish } from "../util/steps.ts";
import { explain } from "./index.ts";
import { compile } from "./testCompiler.ts";

const split = [{ cluster: "one" }];
const document = {
  fleets: [{ name: "edge", proxy: "envoy" }],
  listeners: [{ name: "web", fleets: ["edge"], port: 8080, protocol: "HTTP", http: { http2: "only" } }],
  clusters: [{ name: "one", protocol: "http2", endpoints: [{ address: "127.0.0.1", port: 1 }] }],
  routes: [
    {
      name: "calls",
      listeners: ["web"],
      protocol: "grpc",
      rules: [
        { name: "get", matches: [{ grpc: { service: "a.B", method: "Get" } }], split },
        { name: "blue", matches: [{ grpc: { service: "a.B" }, headers: [{ name: "X-Env", exact: "blue" }] }], split },
        { name: "rest", split, retry: { grpcStatuses: ["unavailable", "internal"] } },
      ],
    },
    { name: "pages", listeners: ["web"], rules: [{ split }] },
  ],
};

function fleet() {
  const { resources, diagnostics } = validateConfig(document);
  expect(diagnostics).toEqual([]);
  const changes = resources.map((resource) => ({ kind: resource.kind, name: resource.name, resource }) as Change);
  const found = compile(applyChanges(emptySnapshot, changes), null).fleets.get("edge");
  if (found === undefined) throw new Error("there is no fleet");
  return found;
}

function explained(path: string, headers: readonly (readonly [string, string])[]) {
  const request = { fleet: "edge", host: "a", method: "POST", path, headers };
  const { rules = [] } = finish(explain(fleet(), request)) ?? {};
  return rules.map(({ route, rule, match, verdict, reason }) => [`${route}/${rule}`, match, verdict, reason]);
}

test("rules of a gRPC route take calls only", () => {
  const [port] = fleet().ports as [HttpPortIr];
  const [host] = port.virtualHosts;
  expect(host?.rules.map(({ name, protocol, path }) => [name, protocol, path.kind, path.value])).toEqual([
    ["calls/get", "grpc", "exact", "/a.B/Get"],
    ["calls/blue", "grpc", "prefix", "/a.B"],
    ["calls/rest", "grpc", "prefix", "/"],
    ["pages/0", "http", "prefix", "/"],
  ]);
  expect(host?.rules[2]?.policies.retry).toEqual({
    attempts: 2,
    resends: null,
    grpcStatuses: ["internal", "unavailable"],
    backoffMs: null,
  });
});

test("explain speaks of calls", () => {
  expect(explained("/a.B/Get", [["content-type", "application/grpc+proto"]])).toEqual([
    ["calls/get", "grpc exact /a.B/Get", "wins", "the first rule in precedence order that matches"],
    ["calls/blue", "grpc prefix /a.B, header x-env = blue", "doesNotMatch", 'header x-env is not "blue"'],
    ["calls/rest", "grpc prefix /", "loses", "an exact path wins over a prefix one"],
    ["pages/0", "prefix /", "loses", "an exact path wins over a prefix one"],
  ]);
  const [get, , , pages] = explained("/a.B/Get", [["content-type", "application/grpc-web"]]);
  expect([get?.[3], pages?.[2]]).toEqual(["the request is no call of gRPC", "wins"]);
});
