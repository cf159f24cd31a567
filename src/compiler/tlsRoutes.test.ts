import { expect, test } from "vitest";
import type { PortIr } from "../ir/index.ts";
import { applyChanges, type Change, emptySnapshot, type Snapshot, validateConfig } from "../model/index.ts";
import { CERTIFICATES } from "../suite/arbitrary/certificates.ts";
import { finish } from "../util/steps.ts";
import { explain } from "./index.ts";
import { compile } from "./testCompiler.ts";

const { chain, privateKey } = CERTIFICATES.exampleEcdsa;

function snapshotOf(listeners: readonly object[], routes: readonly object[]): Snapshot {
  const document = {
    fleets: [{ name: "edge", proxy: "envoy" }],
    listeners: listeners.map((each) => ({ fleets: ["edge"], port: 443, protocol: "TLS", ...each })),
    clusters: [{ name: "one", endpoints: [{ address: "127.0.0.1", port: 1 }] }],
    // Of `*.example.com` and `example.com`.
    certificates: [{ name: "example", chain, privateKey }],
    routes: routes.map((each) => ({ protocol: "tls", rules: [{ split: [{ cluster: "one" }] }], ...each })),
  };
  const { resources, diagnostics } = validateConfig(document);
  expect(diagnostics.filter(({ severity }) => severity === "error")).toEqual([]);
  const changes = resources.map((resource) => ({ kind: resource.kind, name: resource.name, resource }) as Change);
  return applyChanges(emptySnapshot, changes);
}

const fleetOf = (snapshot: Snapshot) => {
  const fleet = compile(snapshot, null).fleets.get("edge");
  if (fleet === undefined) throw new Error("no fleet");
  return fleet;
};
const portOf = (snapshot: Snapshot): PortIr => fleetOf(snapshot).ports[0] as PortIr;

/** `names -> listener/route`, and what is refused. */
function tableOf(port: PortIr): { readonly routes: string[]; readonly refused: readonly string[] } {
  const table = port.kind === "tls" ? port : port.kind === "http" ? port.passed : null;
  if (table === null) throw new Error("no table");
  const routes = table.routes.map(({ serverNames, listener, route, terminate }) => {
    return `${serverNames.join(" ")} ${terminate === null ? "->" : "ended ->"} ${listener}/${route}`;
  });
  return { routes, refused: table.refused };
}

const passthrough = { tls: { mode: "passthrough" } };
const ended = { tls: { certificates: ["example"] } };

test("passed through: names of routes, cut to their listeners, and no fall-through from one to another", () => {
  const port = portOf(
    snapshotOf(
      [
        { name: "any", ...passthrough },
        { name: "narrow", hostname: "*.narrow.com", ...passthrough },
        { name: "bare", hostname: "bare.com", ...passthrough },
      ],
      [
        { name: "all", listeners: ["any"] },
        { name: "some", listeners: ["any", "narrow"], hostnames: ["A.narrow.com", "*.B.com", "bare.com"] },
      ],
    ),
  );
  expect(tableOf(port)).toEqual({
    routes: ["* -> any/all", "*.b.com -> any/some", "a.narrow.com -> narrow/some"],
    refused: ["*.narrow.com", "bare.com"],
  });
});

test("ended: names that both routes and certificates have", () => {
  const routes = [
    { name: "one", listeners: ["t"], hostnames: ["a.example.com", "other.com"] },
    { name: "rest", listeners: ["t"], hostnames: ["*.com"] },
  ];
  const strict = tableOf(portOf(snapshotOf([{ name: "t", ...ended }], routes)));
  expect(strict).toEqual({
    routes: ["*.example.com example.com ended -> t/rest", "a.example.com ended -> t/one"],
    refused: [],
  });
  const first = { tls: { certificates: ["example"], unknownServerName: "first" } };
  const lax = tableOf(portOf(snapshotOf([{ name: "t", ...first }], routes)));
  expect(lax.routes).toEqual([
    "*.com *.example.com example.com ended -> t/rest",
    "a.example.com other.com ended -> t/one",
  ]);
});

test("beside requests: who takes every name takes clients that ask for none", () => {
  const web = { name: "web", protocol: "HTTPS", tls: { certificates: ["example"], unknownServerName: "first" } };
  const routes = [
    { name: "r", protocol: "http", listeners: ["web"] },
    { name: "p", listeners: ["p"] },
  ];
  const own = portOf(snapshotOf([web, { name: "p", hostname: "p.example.com", ...passthrough }], routes));
  expect(tableOf(own)).toEqual({ routes: ["p.example.com -> p/p"], refused: [] });
  expect(own).toMatchObject({ id: "https-0-0-0-0-443", listeners: ["p", "web"], tls: { unknown: { scope: "*" } } });
  const narrow = { ...web, hostname: "*.web.com" };
  const all = portOf(snapshotOf([narrow, { name: "p", ...passthrough }], routes));
  expect(tableOf(all)).toEqual({ routes: ["* -> p/p"], refused: [] });
  expect(all).toMatchObject({ tls: { unknown: null, servers: [{ serverNames: ["*.web.com"] }] } });
  const strict = { ...narrow, tls: { certificates: ["example"] } };
  const refusing = portOf(snapshotOf([strict, { name: "p", ...passthrough }], routes));
  expect(refusing).toMatchObject({ tls: { servers: [], rejected: ["*.web.com"] } });
});

test("what did not change is the same object", () => {
  const listeners = [
    { name: "p", ...passthrough },
    { name: "t", hostname: "*.example.com", ...ended },
  ];
  const routes = [
    { name: "p", listeners: ["p"], hostnames: ["p.com"] },
    { name: "t", listeners: ["t"] },
  ];
  const before = compile(snapshotOf(listeners, routes), null);
  const more = [...routes, { name: "q", listeners: ["p"], hostnames: ["q.com"] }];
  const after = compile(snapshotOf(listeners, more), before);
  const fresh = compile(snapshotOf(listeners, more), null);
  expect(after.fleets.get("edge")).toEqual(fresh.fleets.get("edge"));
  const [old, next] = [before, after].map(({ fleets }) => fleets.get("edge")?.ports[0]);
  if (old?.kind !== "tls" || next?.kind !== "tls") throw new Error("no TLS port");
  expect(next.routes).toHaveLength(3);
  for (const route of old.routes) expect(next.routes).toContain(route);
});

test.each([
  ["a.p.com", "*.p.com", { kind: "pass", split: [{ cluster: "one", sharePercent: 100 }], tlsEnds: false }],
  ["A.example.com", "a.example.com", { kind: "pass", tlsEnds: true }],
  ["b.example.com", null, { kind: "close" }],
  ["", null, { kind: "error", status: 404 }],
] as const)("explain says where a connection for %j goes", (serverName, virtualHost, outcome) => {
  const fleet = fleetOf(
    snapshotOf(
      [
        { name: "p", hostname: "*.p.com", ...passthrough },
        { name: "t", hostname: "*.example.com", ...ended },
        { name: "web", protocol: "HTTPS", ...ended },
      ],
      [
        { name: "p", listeners: ["p"] },
        { name: "t", listeners: ["t"], hostnames: ["a.example.com"] },
      ],
    ),
  );
  const request = { fleet: "edge", serverName, host: "x.com", method: "GET", path: "/", headers: [] };
  expect(finish(explain(fleet, request))).toMatchObject({ virtualHost, outcome });
});
