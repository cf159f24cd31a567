import { expect, test } from "vitest";
import { applyChanges, type Change, checkSnapshot, emptySnapshot, validateConfig } from "../index.ts";

const cluster = (name: string, cookie?: string) => ({
  name,
  endpoints: [{ address: "127.0.0.1", port: 1 }],
  ...(cookie === undefined ? {} : { affinity: { cookie: { name: cookie } } }),
});

function problemsOf(clusters: readonly object[], route: object): string[] {
  const { resources, diagnostics } = validateConfig({
    fleets: [{ name: "edge", proxy: "envoy" }],
    listeners: [
      { name: "web", fleets: ["edge"], port: 8080, protocol: "HTTP" },
      { name: "raw", fleets: ["edge"], port: 9000, protocol: "TCP" },
    ],
    clusters,
    routes: [{ name: "r", listeners: ["web"], ...route }],
  });
  expect(diagnostics).toEqual([]);
  const changes = resources.map((resource) => ({ kind: resource.kind, name: resource.name, resource }) as Change);
  const found = checkSnapshot(applyChanges(emptySnapshot, changes), changes);
  return found.map(({ code, resource, pointer }) => `${code} ${resource?.kind}/${resource?.name} ${pointer}`);
}

const split = [{ cluster: "plain" }, { cluster: "kept" }];
const clusters = [cluster("plain"), cluster("kept", "SRV")];

test("a TCP route has no cookies", () => {
  const raw = { listeners: ["raw"], protocol: "tcp", rules: [{ split }] };
  expect(problemsOf(clusters, raw)).toEqual(["MODEL-AFFINITY route/r /rules/0/split/1/cluster"]);
  expect(problemsOf(clusters, { ...raw, rules: [{ split: [{ cluster: "plain" }] }] })).toEqual([]);
});

test.each([
  [{ requestHeaders: { set: [{ name: "Cookie", value: "a" }] } }, "/requestHeaders/set/0/name"],
  [{ requestHeaders: { remove: ["x", "COOKIE"] } }, "/requestHeaders/remove/1"],
  [{ responseHeaders: { set: [{ name: "Set-Cookie", value: "a" }] } }, "/responseHeaders/set/0/name"],
  [{ responseHeaders: { remove: ["set-cookie"] } }, "/responseHeaders/remove/0"],
])("a rule does not change the fields in which the cookie travels: %j", (changes, at) => {
  expect(problemsOf(clusters, { rules: [{ split, ...changes }] })).toEqual([`MODEL-AFFINITY route/r /rules/0${at}`]);
  expect(problemsOf(clusters, { rules: [{ split: [{ cluster: "plain" }], ...changes }] })).toEqual([]);
});

test("more of set-cookie, and cookies that endpoints see nothing of, are fine", () => {
  const changes = { responseHeaders: { add: [{ name: "Set-Cookie", value: "a=1" }], remove: ["Cookie"] } };
  expect(problemsOf(clusters, { rules: [{ split, ...changes }] })).toEqual([]);
});

test.each(["__Host-srv", "__secure-srv"])("browsers would drop %s", (name) => {
  const found = problemsOf([cluster("plain"), cluster("kept", name)], { rules: [{ split }] });
  expect(found).toEqual(["MODEL-AFFINITY cluster/kept /affinity/cookie/name"]);
});
