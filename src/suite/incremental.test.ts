/**
 * Recomputing only what changed gives what computing everything gives: IR, path groups, rendered bytes and the gate's verdicts,
 * after any sequence of changes, whichever earlier result they build on.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Compiled } from "../compiler/index.ts";
import { compile, withPathGroups } from "../compiler/testCompiler.ts";
import { type Diagnostic, diagnosticKey } from "../errors/diagnostic.ts";
import type { FleetIr } from "../ir/index.ts";
import { applyChanges, diffSnapshots, type Snapshot, toDocument } from "../model/index.ts";
import { createGate, type Gate } from "../targets/gate.ts";
import { compareText } from "../util/sorted.ts";
import { finish } from "../util/steps.ts";
import { type AnyEdit, arbitraryEdit } from "./arbitrary/edits.ts";
import { mend } from "./arbitrary/mend.ts";
import { type Document, type Item, plain } from "./arbitrary/names.ts";
import { arbitraryModel, listeningModel } from "./arbitraryModel.ts";
import { giveWay } from "./giveWay.ts";
import { renderedText, renderFleet, targets } from "./modelFiles.ts";
import { freshSnapshot } from "./outcome.ts";

const RUNS = Number(process.env.TRIMTAB_SEQUENCES ?? 40);
const SEED = Number(process.env.TRIMTAB_SEED ?? Date.now() % 2 ** 31);
const TIMEOUT_MS = 15 * 60 * 1000;

giveWay();

/** Regexes of one length in one host: only the order in which they are declared decides between them. */
const regexEdit = fc
  .tuple(
    fc.constantFrom("re-1", "re-2", "re-3"),
    fc.shuffledSubarray(["/aa+", "/bb+", "/cc+", "/dd+"]),
    fc.constantFrom("GET", "POST"),
  )
  .map(
    ([name, regexes, method]): AnyEdit =>
      (document) => {
        const others = (document.routes ?? []).filter((route) => route.name !== name);
        const rules = regexes.map((regex) => ({ matches: [{ path: { regex }, method }], respond: { status: 200 } }));
        const route = { name, listeners: ["web"], hostnames: ["re.example.net"], rules };
        document.routes = rules.length === 0 ? others : [...others, route];
      },
  );

const someEdit = fc.oneof({ weight: 4, arbitrary: arbitraryEdit }, { weight: 1, arbitrary: regexEdit });

/** Takes some objects of the next drawn model, leaves others as they are, and makes some edits. */
const step = fc.record({
  drawn: arbitraryModel,
  /** The n-th object of both models together: from which to take it. */
  take: fc.array(fc.boolean(), { minLength: 8, maxLength: 24 }),
  edits: fc.array(someEdit, { maxLength: 3 }),
  /** How many results back the compilation builds on. */
  back: fc.nat(3),
});

interface Mix {
  readonly drawn: Document;
  readonly take: readonly boolean[];
  readonly edits: readonly AnyEdit[];
}

function mixed(before: Document, { drawn: other, take, edits }: Mix): Document {
  const next: Document = {};
  let index = 0;
  for (const collection of new Set([...Object.keys(before), ...Object.keys(other)])) {
    const old = new Map((before[collection] ?? []).map((item) => [item.name, item]));
    const fresh = new Map((other[collection] ?? []).map((item) => [item.name, item]));
    next[collection] = [...new Set([...old.keys(), ...fresh.keys()])].flatMap((name) => {
      const item = (take[index++ % take.length] ? fresh : old).get(name);
      return item === undefined ? [] : [item];
    });
  }
  const document = plain(next);
  for (const change of edits) change(document);
  return plain(mend(document));
}

/** Remembers every model of this test. */
const gate = createGate();

function verdicts(look: Gate, ir: FleetIr): readonly Diagnostic[] {
  const found = finish(look(ir, targets.get(ir.proxy)));
  return found.sort((a, b) => compareText(diagnosticKey(a), diagnosticKey(b)));
}

function renderedOf(ir: FleetIr): string {
  return renderedText(renderFleet(ir));
}

function expectEqual(incremental: Compiled, scratch: Compiled): void {
  expect([...incremental.fleets.keys()]).toEqual([...scratch.fleets.keys()]);
  for (const [name, ir] of incremental.fleets) {
    const whole = scratch.fleets.get(name) as FleetIr;
    expect(JSON.stringify(withPathGroups(ir), null, 1)).toBe(JSON.stringify(withPathGroups(whole), null, 1));
    const found = verdicts(createGate(), whole);
    expect(JSON.stringify(verdicts(gate, ir), null, 1)).toBe(JSON.stringify(found, null, 1));
    // What a proxy refuses, such as UDP on HAProxy, is never rendered.
    if (!found.some(({ severity }) => severity === "error")) expect(renderedOf(ir)).toBe(renderedOf(whole));
  }
}

test(`after any changes (seed ${SEED}, ${RUNS} sequences; TRIMTAB_SEED repeats it)`, { timeout: TIMEOUT_MS }, () => {
  console.log(`incremental.test.ts: seed ${SEED}, ${RUNS} sequences`);
  let compared = 0;
  fc.assert(
    fc.property(arbitraryModel, fc.array(step, { minLength: 2, maxLength: 8 }), (first, steps) => {
      let snapshot = freshSnapshot(first) as Snapshot;
      const results: Compiled[] = [compile(snapshot, null)];
      for (const change of steps) {
        const whole = freshSnapshot(mixed(toDocument(snapshot) as Document, change));
        if (whole === null) continue;
        snapshot = applyChanges(snapshot, diffSnapshots(snapshot, whole));
        const base = results[Math.max(0, results.length - 1 - change.back)] as Compiled;
        const result = compile(snapshot, base);
        expectEqual(result, compile(whole, null));
        results.push(result);
        compared += 1;
      }
    }),
    { numRuns: RUNS, seed: SEED, endOnFailure: true },
  );
  // Otherwise hardly a change was a valid one, and nothing was shown.
  expect(compared).toBeGreaterThan(RUNS);
});

test("what no change touches stays the same object", () => {
  fc.assert(
    fc.property(listeningModel, (document) => {
      const snapshot = freshSnapshot(document) as Snapshot;
      const before = compile(snapshot, null);
      const route = {
        name: "new",
        listeners: ["web"],
        hostnames: ["new.example.net"],
        // Served by listeners that redirect to HTTPS, too.
        rules: [{ matches: [{ path: { exact: "/.well-known/acme-challenge/new" } }], respond: { status: 200 } }],
      };
      const whole = freshSnapshot({
        ...document,
        routes: [...((document.routes as object[]) ?? []), route],
      }) as Snapshot;
      const added = compile(applyChanges(snapshot, diffSnapshots(snapshot, whole)), before);
      for (const [name, ir] of before.fleets) {
        const now = added.fleets.get(name) as FleetIr;
        expect(now.clusters).toBe(ir.clusters);
        const touched = now.ports.filter((port) => !ir.ports.includes(port));
        const fresh = touched.map((port) => {
          const old = ir.ports.find(({ id }) => id === port.id);
          if (port.kind !== "http" || old?.kind !== "http") return port.kind;
          const kept = new Set(old.virtualHosts);
          return port.virtualHosts.filter((host) => !kept.has(host)).map(({ hostnames }) => hostnames);
        });
        expect(fresh).toEqual([[["new.example.net"]]]);
      }
      const back = compile(applyChanges(added.snapshot, [{ kind: "route", name: "new", resource: null }]), added);
      expect(JSON.stringify([...back.fleets])).toBe(JSON.stringify([...before.fleets]));
    }),
    { numRuns: RUNS, seed: SEED, endOnFailure: true },
  );
});

/** Several runs (`util/runs.ts`) of rules and of paths; the models above are too small to have more than one. */
const MANY_ROUTES = 300;
const HOSTNAMES = [["a.example.com"], ["a.example.com", "b.example.com"], ["*.example.net"]];
const ACTIONS = [
  { split: [{ cluster: "one" }] },
  { split: [{ cluster: "one" }, { cluster: "two", weight: 2 }] },
  { split: [{ cluster: "two" }], rewrite: { path: { prefix: "/new" } } },
  { respond: { status: 200, body: "hello" } },
];

/** `salt` is anything: it decides which path, hosts and action the route has. */
function manyRoute(index: number, salt: number): Item {
  const action = ACTIONS[salt % ACTIONS.length];
  const isExact = salt % 7 === 0 && action?.rewrite === undefined;
  const path = isExact ? { exact: `/e/${index}/${salt}` } : { prefix: `/p/${salt % MANY_ROUTES}/${index}` };
  const match = { path, ...(salt % 5 === 0 ? { method: "GET" } : {}) };
  const rules = [{ matches: [match], ...action }];
  return { name: `r${index}`, listeners: ["web"], hostnames: HOSTNAMES[salt % HOSTNAMES.length], rules };
}

test("hosts of hundreds of rules, whose text is kept in runs", () => {
  const changes = fc.array(fc.tuple(fc.nat(MANY_ROUTES), fc.nat(10_000)), { minLength: 1, maxLength: 3 });
  const endpoints = [{ address: "127.0.0.1", port: 9000 }];
  let document: Document = {
    fleets: ["nginx", "haproxy"].map((proxy) => ({ name: proxy, proxy })),
    listeners: [{ name: "web", fleets: ["nginx", "haproxy"], port: 18080, protocol: "HTTP" }],
    clusters: ["one", "two"].map((name) => ({ name, endpoints })),
    routes: Array.from({ length: MANY_ROUTES }, (_, index) => manyRoute(index, index * 31)),
  };
  let snapshot = freshSnapshot(document) as Snapshot;
  let compiled = compile(snapshot, null);
  const step = (list: readonly (readonly [number, number])[], connectMs: number): void => {
    const routes = new Map((document.routes as Item[]).map((route) => [route.name, route]));
    for (const [index, salt] of list) {
      if (salt % 4 === 0) routes.delete(`r${index}`);
      else routes.set(`r${index}`, manyRoute(index, salt));
    }
    const clusters = ["one", "two"].map((name) => ({ name, endpoints, timeouts: { connect: `${connectMs}ms` } }));
    document = { ...document, clusters, routes: [...routes.values()] };
    const whole = freshSnapshot(document) as Snapshot;
    snapshot = applyChanges(snapshot, diffSnapshots(snapshot, whole));
    compiled = compile(snapshot, compiled);
    for (const ir of compiled.fleets.values()) {
      // What went through JSON shares no object with what was rendered before.
      expect(renderedText(renderFleet(ir))).toBe(renderedText(renderFleet(ir, true)));
    }
  };
  fc.assert(fc.property(changes, fc.constantFrom(1000, 1000, 2000), step), {
    numRuns: Math.ceil(RUNS / 2),
    seed: SEED,
    endOnFailure: true,
  });
});
