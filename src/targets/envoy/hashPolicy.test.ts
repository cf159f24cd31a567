import { describe, expect, it } from "vitest";
import { finish } from "../../util/steps.ts";
import { hashKeysOf, hashPolicyOf, memoByKeys, routeKeysOf } from "./hashPolicy.ts";
import { createRenderer } from "./render.ts";
import { cluster, fleet, forward, httpPort, rule } from "./testing.ts";
import { typeUrls } from "./types.ts";

const hash = (name: string) => ({ policy: "hash", key: { kind: "header", name }, boundedLoad: null }) as const;

describe("keys", () => {
  const keys = hashKeysOf([cluster("a", [1]), cluster("b", [1], { balance: hash("x-user") })]);
  it("are those of clusters that hash", () => expect([...keys.keys()]).toEqual(["b"]));
  it("stand in routes that lead to such a cluster", () => {
    expect(hashPolicyOf([{ cluster: "a", weight: 1 }], keys)).toBeNull();
    const split = ["a", "b"].map((name) => ({ cluster: name, weight: 1 }));
    expect(hashPolicyOf(split, keys)?.policySpecifier).toEqual({ case: "header", value: { headerName: "x-user" } });
  });
  it("have what was made for them, the last of them only", () => {
    let made = 0;
    const make = memoByKeys(() => ++made);
    const cookies = new Map([["a", "SRV"]]);
    const of = (hashKeys: typeof keys, own = cookies) => make({ hashKeys, cookies: own, http2: new Set() });
    expect([of(keys), of(keys), of(new Map(keys)), of(keys, new Map())]).toEqual([1, 1, 1, 2]);
    for (let index = 0; index < 20; index++) make(routeKeysOf([cluster("c", [1], { balance: hash(`x-${index}`) })]));
    expect(of(keys)).toBe(23);
  });
});

it("a cluster's new key changes route tables that were rendered before, and no listener", () => {
  const { render } = createRenderer();
  const ports = [httpPort(8080, { "a.com": [rule("r.0.0", { path: "/", action: forward("a") })] })];
  const of = (name: string) => finish(render(fleet(ports, [cluster("a", [1], { balance: hash(name) })]))).resources;
  const [first, second, again] = [of("x-user"), of("x-other"), of("x-user")];
  const versions = (resources: typeof first, type: string) =>
    [...(resources.get(type)?.values() ?? [])].map((each) => each.version);
  expect(versions(second, typeUrls.routes)).not.toEqual(versions(first, typeUrls.routes));
  expect(versions(again, typeUrls.routes)).toEqual(versions(first, typeUrls.routes));
  expect(versions(second, typeUrls.listener)).toEqual(versions(first, typeUrls.listener));
});
