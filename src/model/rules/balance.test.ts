import { expect, test } from "vitest";
import { applyChanges, type Change, checkSnapshot, emptySnapshot, validateConfig } from "../index.ts";

const endpoints = [{ address: "127.0.0.1", port: 1 }];
const hashed = (name: string, hash: object) => ({ name, endpoints, balance: { policy: "hash", hash } });

function problemsOf(clusters: readonly object[], routes: readonly object[] = []): string[] {
  const { resources, diagnostics } = validateConfig({
    fleets: [{ name: "edge", proxy: "envoy" }],
    listeners: [
      { name: "web", fleets: ["edge"], port: 8080, protocol: "HTTP" },
      { name: "raw", fleets: ["edge"], port: 9000, protocol: "TCP" },
      { name: "packets", fleets: ["edge"], port: 9000, protocol: "UDP" },
    ],
    clusters,
    routes,
  });
  expect(diagnostics).toEqual([]);
  const changes = resources.map((resource) => ({ kind: resource.kind, name: resource.name, resource }) as Change);
  const found = checkSnapshot(applyChanges(emptySnapshot, changes), changes);
  return found.map(({ code, resource, pointer }) => `${code} ${resource?.kind}/${resource?.name} ${pointer}`);
}

const ofCluster = (balance: object) => problemsOf([{ name: "c", endpoints, balance }]);

test("hash and its policy belong together", () => {
  expect(ofCluster({ policy: "hash" })).toEqual(["MODEL-BALANCE cluster/c /balance"]);
  expect(ofCluster({ policy: "random", hash: { by: "source" } })).toEqual(["MODEL-BALANCE cluster/c /balance/hash"]);
  expect(ofCluster({ policy: "hash", hash: { by: "source" } })).toEqual([]);
});

test.each([
  [{ by: "source", name: "x" }, "/name"],
  [{ by: "path", name: "x" }, "/name"],
  [{ by: "header" }, ""],
  [{ by: "cookie" }, ""],
  [{ by: "query" }, ""],
  [{ by: "header", name: "x_user" }, "/name"],
  [{ by: "header", name: "Host" }, "/name"],
  [{ by: "header", name: "X-Forwarded-For" }, "/name"],
  [{ by: "header", name: "Connection" }, "/name"],
  [{ by: "header", name: "x-envoy-retry-on" }, "/name"],
  [{ by: "cookie", name: "a~b" }, "/name"],
])("the name of a key: %j", (hash, at) => {
  expect(ofCluster({ policy: "hash", hash })).toEqual([`MODEL-BALANCE cluster/c /balance/hash${at}`]);
});

test("the ring has an end", () => {
  const many = Array.from({ length: 17 }, (_, index) => ({ address: "127.0.0.1", port: index + 1, weight: 256 }));
  const balance = { policy: "hash", hash: { by: "source" } };
  expect(problemsOf([{ name: "c", endpoints: many, balance }])).toEqual(["MODEL-BALANCE cluster/c /endpoints"]);
  expect(problemsOf([{ name: "c", endpoints: many.slice(1), balance }])).toEqual([]);
  expect(problemsOf([{ name: "c", endpoints: many }])).toEqual([]);
});

const http = (rule: object) => [{ name: "r", listeners: ["web"], rules: [rule] }];
const passed = { tcp: "raw", udp: "packets" };
const pair = [{ cluster: "a" }, { cluster: "b" }];
const byUser = { by: "header", name: "x-user" };

test("clusters of one split hash by one key; one that does not hash is none of them", () => {
  const of = (a: object, b: object) => problemsOf([hashed("a", a), hashed("b", b)], http({ split: pair }));
  expect(of(byUser, { by: "header", name: "x-other" })).toEqual(["MODEL-BALANCE route/r /rules/0/split/1/cluster"]);
  expect(of(byUser, { by: "header", name: "X-User", boundedLoad: 150 })).toEqual([]);
  expect(problemsOf([hashed("a", byUser), { name: "b", endpoints }], http({ split: pair }))).toEqual([]);
});

test.each(["tcp", "udp"] as const)("%s hashes by source, without a bound", (protocol) => {
  const rules = [{ split: [{ cluster: "a" }] }];
  const of = (hash: object) =>
    problemsOf([hashed("a", hash)], [{ name: "r", listeners: [passed[protocol]], protocol, rules }]);
  expect(of({ by: "source" })).toEqual([]);
  expect(of({ by: "path" })).toEqual(["MODEL-BALANCE route/r /rules/0/split/0/cluster"]);
  expect(of({ by: "source", boundedLoad: 150 })).toEqual(["MODEL-BALANCE route/r /rules/0/split/0/cluster"]);
});

test("a rule does not change what is hashed", () => {
  const of = (hash: object, more: object) =>
    problemsOf([hashed("a", hash)], http({ split: [{ cluster: "a" }], ...more }));
  const change = { requestHeaders: { set: [{ name: "X-User", value: "v" }] } };
  expect(of(byUser, change)).toEqual(["MODEL-BALANCE route/r /rules/0/requestHeaders/set/0/name"]);
  expect(of(byUser, { requestHeaders: { remove: ["a", "x-user"] } })).toEqual([
    "MODEL-BALANCE route/r /rules/0/requestHeaders/remove/1",
  ]);
  expect(of({ by: "header", name: "x-other" }, change)).toEqual([]);
  expect(of({ by: "cookie", name: "sid" }, { requestHeaders: { remove: ["Cookie"] } })).toEqual([
    "MODEL-BALANCE route/r /rules/0/requestHeaders/remove/0",
  ]);
  expect(of({ by: "path" }, { rewrite: { path: { full: "/same" } } })).toEqual([
    "MODEL-BALANCE route/r /rules/0/rewrite/path/full",
  ]);
  expect(of({ by: "path" }, { rewrite: { path: { prefix: "/new" } } })).toEqual([]);
});
