/** Clients near a zone: which rules and clusters are made for them. */
import { expect, test } from "vitest";
import type { FleetIr, HttpPortIr } from "../../ir/index.ts";
import { applyChanges, changeTo, emptySnapshot, makeResource, type Snapshot } from "../../model/index.ts";
import { finish } from "../../util/steps.ts";
import { explain } from "../explain.ts";
import { compile } from "../testCompiler.ts";

const endpoints = [
  { address: "10.0.0.1", port: 80, zone: "North" },
  { address: "10.0.0.2", port: 80, zone: "north" },
  { address: "10.0.0.3", port: 80, zone: "nobody" },
  { address: "10.0.0.4", port: 80 },
];
const locality = { preferLocal: { table: "regions" } };
const entries = [
  { cidr: "198.51.100.0/24", label: "north" },
  { cidr: "203.0.113.0/24", label: "North" },
];

const resources = [
  makeResource("fleet", { name: "edge", proxy: "nginx" }),
  makeResource("listener", { name: "web", fleets: ["edge"], port: 80, protocol: "HTTP" }),
  makeResource("cluster", { name: "shop", endpoints, locality }),
  makeResource("cluster", { name: "plain", endpoints }),
  makeResource("geoTable", { name: "regions", entries }),
  makeResource("route", {
    name: "shop",
    listeners: ["web"],
    rules: [
      { name: "plain", matches: [{ path: { prefix: "/plain" } }], split: [{ cluster: "plain" }] },
      {
        name: "own",
        matches: [{ path: { prefix: "/own" }, geo: { table: "regions", labels: ["north"] } }],
        split: [{ cluster: "shop" }],
      },
      { name: "all", matches: [{ path: { prefix: "/a" }, method: "GET" }], split: [{ cluster: "shop" }] },
    ],
  }),
];
const snapshot = applyChanges(emptySnapshot, resources.map(changeTo));

function edge(of: Snapshot): FleetIr {
  return compile(of, null).fleets.get("edge") as FleetIr;
}

function rulesOf({ ports }: FleetIr) {
  return (ports[0] as HttpPortIr).virtualHosts.flatMap(({ rules }) =>
    rules.map(({ id, name, conditions, action }) => ({
      id,
      name,
      asks: conditions.map(({ field, test: how, value }) => `${field.kind} ${how} ${value}`).join(", "),
      to: action.kind === "forward" ? action.split.map(({ cluster }) => cluster).join() : "",
    })),
  );
}

test("a rule for each label comes before the one that was written, and asks for nothing that could not be", () => {
  expect(rulesOf(edge(snapshot))).toEqual([
    { id: "shop.0.0", name: "shop/plain", asks: "", to: "plain" },
    { id: "shop.1_north-2.0", name: "shop/own_north-2", asks: "geo exact north", to: "shop_north-2" },
    { id: "shop.1.0", name: "shop/own", asks: "geo exact north", to: "shop" },
    { id: "shop.2_north.0", name: "shop/all_north", asks: "method exact GET, geo exact North", to: "shop_north" },
    { id: "shop.2_north-2.0", name: "shop/all_north-2", asks: "method exact GET, geo exact north", to: "shop_north-2" },
    { id: "shop.2.0", name: "shop/all", asks: "method exact GET", to: "shop" },
  ]);
});

test("its cluster has the endpoints of that zone first, and says whose it is", () => {
  const { clusters } = edge(snapshot);
  expect(clusters.map(({ name, near }) => [name, near])).toEqual([
    ["plain", null],
    ["shop", null],
    ["shop_north", { cluster: "shop", label: "North" }],
    ["shop_north-2", { cluster: "shop", label: "north" }],
  ]);
  expect(clusters[2]?.endpoints.map(({ priority }) => priority)).toEqual([0, 1, 1, 1]);
});

test("what did not change stays the same object; another table's labels are seen", () => {
  const first = compile(snapshot, null);
  const moved = makeResource("cluster", { name: "plain", endpoints: [] });
  const second = compile(applyChanges(snapshot, [changeTo(moved)]), first);
  expect(second.fleets.get("edge")?.ports).toBe(first.fleets.get("edge")?.ports);
  const table = makeResource("geoTable", { name: "regions", entries: entries.slice(0, 1) });
  const third = compile(applyChanges(snapshot, [changeTo(table)]), first);
  expect(rulesOf(third.fleets.get("edge") as FleetIr).map(({ name }) => name)).toEqual([
    "shop/plain",
    "shop/own_north",
    "shop/own",
    "shop/all_north",
    "shop/all",
  ]);
});

test("explain names the rule that was written, and the cluster that takes the client", () => {
  const request = { fleet: "edge", host: "x", method: "GET", path: "/a", headers: [], source: "203.0.113.9" };
  const found = finish(explain(edge(snapshot), request));
  expect(found?.outcome).toMatchObject({ split: [{ cluster: "shop_north", sharePercent: 100 }] });
  expect(found?.rules.find(({ verdict }) => verdict === "wins")).toMatchObject({ route: "shop", rule: "all" });
});
