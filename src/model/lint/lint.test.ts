import { expect, test } from "vitest";
import { finish } from "../../util/steps.ts";
import { applyChanges, changeTo, emptySnapshot, lint, validateConfig } from "../index.ts";

const endpoint = { address: "10.0.0.1", port: 80 };

function toldOf(document: object): string[] {
  const { resources, diagnostics } = validateConfig(document);
  expect(diagnostics).toEqual([]);
  const snapshot = applyChanges(emptySnapshot, resources.map(changeTo));
  return finish(lint(snapshot)).map(
    ({ code, resource, pointer }) => `${code} ${resource?.kind}/${resource?.name}${pointer}`,
  );
}

const model = {
  fleets: [{ name: "edge", proxy: "envoy" }],
  listeners: [{ name: "web", fleets: ["edge"], port: 80, protocol: "HTTP" }],
  clusters: [{ name: "blue", endpoints: [endpoint], healthCheck: "tcp" }],
  healthChecks: [{ name: "tcp", type: "tcp" }],
  routes: [{ name: "r", listeners: ["web"], rules: [{ split: [{ cluster: "blue" }] }] }],
};

test("nothing of a model in which everything is used", () => {
  expect(toldOf(model)).toEqual([]);
  expect(toldOf({})).toEqual([]);
});

test("what nobody uses, of every kind", () => {
  const extra = {
    fleets: [...model.fleets, { name: "f2", proxy: "nginx" }],
    listeners: [...model.listeners, { name: "l2", fleets: ["edge"], port: 81, protocol: "HTTP" }],
    clusters: [...model.clusters, { name: "c2", endpoints: [] }],
    healthChecks: [...model.healthChecks, { name: "h2", type: "tcp" }],
  };
  expect(toldOf({ ...model, ...extra })).toEqual(
    ["fleet/f2", "listener/l2", "cluster/c2", "healthCheck/h2"].map((name) => `LINT-UNUSED ${name}`),
  );
});

test("a probe's timeout over its interval, at the field that is written", () => {
  const checks = [
    { name: "tcp", type: "tcp", interval: "2s", timeout: "2001ms" },
    { name: "b", type: "tcp", interval: "1s" },
    { name: "c", type: "tcp", interval: "2s", timeout: "2000ms" },
  ];
  const clusters = checks.map(({ name }) => ({ name, endpoints: [endpoint], healthCheck: name }));
  const split = clusters.map(({ name }) => ({ cluster: name }));
  expect(
    toldOf({ ...model, healthChecks: checks, clusters, routes: [{ ...model.routes[0], rules: [{ split }] }] }),
  ).toEqual(["LINT-CHECK-TIMEOUT healthCheck/tcp/timeout", "LINT-CHECK-TIMEOUT healthCheck/b/interval"]);
});

test("endpoints that all have no weight; a cluster without endpoints says what it means", () => {
  const weights = (...all: number[]) => all.map((weight, index) => ({ ...endpoint, port: 80 + index, weight }));
  const withEndpoints = (endpoints: object[]) => ({ ...model, clusters: [{ ...model.clusters[0], endpoints }] });
  expect(toldOf(withEndpoints(weights(0, 0)))).toEqual(["LINT-NO-WEIGHT cluster/blue/endpoints"]);
  expect(toldOf(withEndpoints(weights(0, 1)))).toEqual([]);
  const out = { address: "10.0.0.1", port: 80 };
  expect(
    toldOf(
      withEndpoints([
        { ...out, state: "drain" },
        { ...out, port: 81, state: "down" },
      ]),
    ),
  ).toEqual(["LINT-NO-WEIGHT cluster/blue/endpoints"]);
  expect(toldOf(withEndpoints([]))).toEqual([]);
});

test("loops over loopback, if two fleets run on one machine", () => {
  const names = ["a", "b"];
  const port = 8080;
  const document = {
    fleets: names.map((name, index) => ({ name, proxy: "nginx", bindAddress: `127.0.0.${2 + index}` })),
    listeners: names.map((name) => ({ name, fleets: [name], port, protocol: "HTTP" })),
    clusters: names.map((name, index) => ({ name, endpoints: [endpoint, { address: `127.0.0.${3 - index}`, port }] })),
    routes: names.map((name) => ({ name, listeners: [name], rules: [{ split: [{ cluster: name }] }] })),
  };
  expect(toldOf(document)).toEqual(names.map((name) => `LINT-HAIRPIN route/${name}/rules/0/split/0/cluster`));
});

test("cookies of one name that a client gets from two clusters of one hostname", () => {
  const affinity = { cookie: { name: "SRV" } };
  const clusters = [
    { name: "a", endpoints: [endpoint], affinity },
    { name: "b", endpoints: [{ ...endpoint, port: 81 }], affinity },
    { name: "same", endpoints: [endpoint], affinity },
    { name: "own", endpoints: [{ ...endpoint, port: 82 }], affinity: { cookie: { name: "OWN" } } },
  ];
  const rule = (cluster: string) => ({ matches: [{ path: { prefix: `/${cluster}` } }], split: [{ cluster }] });
  const routed = (...routes: object[]) => ({
    ...model,
    healthChecks: [],
    clusters,
    routes: routes.map((route, index) => ({ name: `r${index}`, listeners: ["web"], ...route })),
  });
  const rules = ["a", "b", "same", "own"].map(rule);
  expect(toldOf(routed({ rules }))).toEqual(["LINT-AFFINITY-COOKIE cluster/b/affinity/cookie/name"]);
  const apart = ["a", "b", "same", "own"].map((name) => ({ hostnames: [`${name}.example.com`], rules: [rule(name)] }));
  expect(toldOf(routed(...apart))).toEqual([]);
});

test("rules behind a redirect to HTTPS; challenges are served there, and such a listener needs no route", () => {
  const redirecting = (name: string, port: number) => {
    return { name, fleets: ["edge"], port, protocol: "HTTP", http: { redirectToHttps: {} } };
  };
  const rules = (...paths: object[]) => [
    ...paths.map((path) => ({ matches: [{ path }], split: [{ cluster: "blue" }] })),
    { split: [{ cluster: "blue" }] },
  ];
  const challenges = ["exact", "prefix"].map((kind) => ({ [kind]: "/.well-known/acme-challenge/x" }));
  const routes = [
    ...model.routes,
    { name: "both", listeners: ["plain", "web"], hostnames: ["b.example"], rules: rules() },
    { name: "only", listeners: ["plain", "bare"], rules: rules(...challenges, { regex: "/.well-known/.*" }) },
  ];
  const listeners = [...model.listeners, redirecting("plain", 81), redirecting("bare", 82), redirecting("alone", 83)];
  expect(toldOf({ ...model, listeners, routes })).toEqual([
    "LINT-REDIRECTED route/only/rules/2",
    "LINT-REDIRECTED route/only/rules/3",
  ]);
});
