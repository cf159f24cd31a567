/** What a listener that redirects to HTTPS keeps of its routes, and that an edit gives what a fresh compilation gives. */
import { expect, test } from "vitest";
import type { HttpPortIr } from "../../ir/index.ts";
import { applyChanges, changeTo, emptySnapshot, type Snapshot, validateConfig } from "../../model/index.ts";
import { compile } from "../testCompiler.ts";

const ACME = { path: { prefix: "/.well-known/acme-challenge" } };
const answer = { respond: { status: 200 } };
const fleets = [{ name: "f", proxy: "nginx" }];
const listener = (more: object) => ({ name: "web", fleets: ["f"], port: 80, protocol: "HTTP", ...more });
const redirecting = listener({ http: { redirectToHttps: { status: 308 } } });
const route = (name: string, hostnames: string[] | undefined, ...matches: object[]) => ({
  name,
  listeners: ["web"],
  ...(hostnames === undefined ? {} : { hostnames }),
  rules: [...matches.map((match) => ({ matches: [match], ...answer })), answer],
});
const routes = [route("a", ["a.example", "b.example"], ACME), route("c", ["c.example"])];

function snapshotOf(document: object, before = emptySnapshot): Snapshot {
  const { resources, diagnostics } = validateConfig(document);
  expect(diagnostics).toEqual([]);
  return applyChanges(before, resources.map(changeTo));
}

function portOf(compiled: ReturnType<typeof compile>): HttpPortIr {
  return compiled.fleets.get("f")?.ports[0] as HttpPortIr;
}

/** Hosts, and names of their rules. */
function served(compiled: ReturnType<typeof compile>) {
  return portOf(compiled).virtualHosts.map(({ hostnames, rules }) => [hostnames, rules.map(({ name }) => name)]);
}

const OWN = "web_https/redirectToHttps";

test("challenges stay, and everything else is redirected, on every host of the listener", () => {
  const compiled = compile(snapshotOf({ fleets, listeners: [redirecting], routes }), null);
  expect(served(compiled)).toEqual([
    [["*"], [OWN]],
    [
      ["a.example", "b.example"],
      ["a/0", OWN],
    ],
  ]);
  expect(portOf(compiled).virtualHosts[0]?.rules[0]?.action).toEqual({
    ...{ kind: "redirect", scheme: "https", hostname: null, port: 443, path: null, status: 308 },
  });
  const narrow = { ...redirecting, hostname: "*.example" };
  expect(served(compile(snapshotOf({ fleets, listeners: [narrow], routes }), null))[0]).toEqual([["*.example"], [OWN]]);
});

test("each edit gives what a fresh compilation gives, and what did not change is the same", () => {
  const steps: object[] = [
    { fleets, listeners: [redirecting], routes },
    { routes: [route("c", ["c.example"], ACME)] },
    { routes: [route("a", ["a.example"], { ...ACME, method: "GET" })] },
    { routes: [route("a", undefined, ACME)] },
    { routes: [route("a", undefined)] },
    { listeners: [listener({ http: { redirectToHttps: { port: 8443 } } })] },
    { listeners: [listener({})] },
    { listeners: [redirecting] },
  ];
  let [snapshot, compiled]: [Snapshot, ReturnType<typeof compile> | null] = [emptySnapshot, null];
  for (const step of steps) {
    snapshot = snapshotOf(step, snapshot);
    compiled = compile(snapshot, compiled);
    expect(JSON.stringify([...compiled.fleets])).toBe(JSON.stringify([...compile(snapshot, null).fleets]));
  }
  const before = compiled as ReturnType<typeof compile>;
  const after = compile(
    snapshotOf({ routes: [route("c", ["c.example"], ACME, { path: { exact: "/x" } })] }, snapshot),
    before,
  );
  expect(portOf(after).virtualHosts).toBe(portOf(before).virtualHosts);
});
