/**
 * No field without effect: each leaf of `schemas/`, changed in a valid model that has it, changes the output of every proxy that
 * does not refuse it; what a proxy refuses, its gate reports. Fields that are not for traffic stand in a list, and the list is
 * checked in the same way. A new field is tried here with no further code.
 */
import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { leafPaths } from "../gen/leafPaths.ts";
import type { LeafPath, ProxyKind } from "../ir/index.ts";
import { createPipeline } from "../pipeline/index.ts";
import { PROXY_KINDS } from "../targets/registry.ts";
import { deviationsOf } from "../targets/target.ts";
import type { Place } from "../tooling/leaves.ts";
import { type EditKind, isPossible, makeEdit, PLACES, type Spot, spotsOf } from "./arbitrary/edits.ts";
import { arbitraryOf } from "./arbitrary/fromSchema.ts";
import { hintOf } from "./arbitrary/hints.ts";
import { type Document, plain } from "./arbitrary/names.ts";
import { modelOf } from "./arbitraryModel.ts";
import { giveWay } from "./giveWay.ts";
import { leafOf, targets } from "./modelFiles.ts";
import { copied, editedSnapshot, freshSnapshot, type Outcome, outcomesOf } from "./outcome.ts";

interface WithoutEffect {
  readonly reason: string;
  readonly leaves: readonly LeafPath[];
  /** On these proxies only. Default: on all. */
  readonly on?: readonly ProxyKind[];
}

const endingWith = (ending: string): LeafPath[] => leafPaths.filter((path) => path.endsWith(ending));

/** Fields without effect on what a proxy gets. */
const WITHOUT_EFFECT: readonly WithoutEffect[] = [
  { reason: "marks for selecting resources", leaves: endingWith(".labels") },
  { reason: "text for people", leaves: endingWith(".description") },
  { reason: "the gate judges it; all admitted versions get the same", leaves: ["fleet.version"], on: ["envoy"] },
  { reason: "judged where Envoys connect; the proxies are not told", leaves: ["fleet.xds.allow[]"], on: ["envoy"] },
  {
    reason: "stands on the command line, or is how Envoy is anyway",
    leaves: [
      "fleet.process.workers",
      "fleet.process.cpuAffinity",
      "fleet.process.openFiles",
      "fleet.process.maxConnections",
      "fleet.process.reusePort",
      "fleet.process.shutdownGrace",
    ],
    on: ["envoy"],
  },
  { reason: "Envoy's queue has no timeout", leaves: ["cluster.limits.queueTimeout"], on: ["envoy"] },
  {
    reason: "a warning: nginx looks when a request comes",
    leaves: ["cluster.outlierDetection.interval"],
    on: ["nginx"],
  },
  { reason: "a warning: it begins with a share of its own", leaves: ["cluster.slowStart.minPercent"], on: ["haproxy"] },
  {
    reason: "a warning: Envoy knows only down, and HAProxy before 3.1 only up",
    leaves: ["healthCheck.initial"],
    on: ["envoy", "haproxy"],
  },
  {
    reason: "what is drained stays in old workers, which end after shutdownGrace",
    leaves: ["cluster.drainTimeout"],
    on: ["nginx"],
  },
  { reason: "only what a canary moves is seen, not who moves it", leaves: ["canary.name"] },
  { reason: "must be what the listeners say; the listeners' has effect", leaves: ["route.protocol"] },
  { reason: "Envoy does not count them, and says so", leaves: ["cluster.pool.maxIdle"], on: ["envoy"] },
  {
    reason: "refused where requests come to the cluster, by the nginx that is installed",
    leaves: ["cluster.protocol"],
    on: ["nginx"],
  },
  {
    reason: "tried again at once, and the warning says so",
    leaves: ["route.rules[].retry.backoff"],
    on: ["nginx", "haproxy"],
  },
  { reason: "only what it says is seen, where a cluster names it", leaves: ["healthCheck.name"] },
];

/** Fields of which a proxy takes one value alone: any other is refused, so no model has another. */
const ONE_VALUE: readonly (readonly [ProxyKind, LeafPath])[] = [
  ["haproxy", "fleet.accessLog.path"],
  ["nginx", "cluster.proxyProtocol"],
  ["nginx", "listener.proxyProtocol.mode"],
  ["nginx", "listener.http.http3"],
  ["haproxy", "listener.http.http3"],
];

/** Fields that only a listener has which the proxy refuses as a whole, in the versions of models here: golden cases show the refusal. */
const OF_REFUSED_LISTENERS: readonly (readonly [ProxyKind, LeafPath])[] = [
  // It stands beside `http3: true`, which is refused without a `version`.
  ["nginx", "listener.http.http3Port"],
  ["haproxy", "listener.http.http3Port"],
  ["haproxy", "listener.udp.balance"],
  // A rule for calls has nothing else to say of retries: no model of theirs has any.
  ["nginx", "route.rules[].retry.grpcStatuses[]"],
  ["haproxy", "route.rules[].retry.grpcStatuses[]"],
];

/** passthrough has no other field beside it, and terminate needs one: each alone is no valid change. Golden cases have both. */
const NEVER_ALONE: readonly LeafPath[] = ["listener.tls.mode"];

/** Models, values and spots are the same in each run: a leaf that is found to have effect is found in the next run too. */
const SEED = 1;
/** Valid models in which a leaf's effect is looked for. Most show theirs in the first that has them. */
const MAX_MODELS = 320;
/** Spots of one leaf that are changed in one model, and values that are tried at each. */
const SPOTS = 3;
const VALUES = 3;
/** Changes without effect after which a field has none. One with effect needs a dozen, or a hundred where it has some for TCP alone. */
const MAX_CHANGES = 300;
/** Changes of a field of the list that must show no effect. */
const ENOUGH = 5;
const TIMEOUT_MS = 15 * 60 * 1000;

giveWay();

function isWithoutEffect(leaf: LeafPath, proxy: ProxyKind): boolean {
  return WITHOUT_EFFECT.some(({ leaves, on = PROXY_KINDS }) => leaves.includes(leaf) && on.includes(proxy));
}

function sampleOf<T>(arbitrary: fc.Arbitrary<T>, seed: number, numRuns: number): T[] {
  return fc.sample(fc.noBias(arbitrary), { seed, numRuns });
}

/** How a leaf is changed: where, by which kind of edit, and to what. */
interface Way {
  readonly place: Place;
  readonly kind: EditKind;
  readonly isMeant: (spot: Spot) => boolean;
  readonly values: fc.Arbitrary<unknown>;
}

/**
 * Another value. Where there is one value only, it goes with all that it says. A value where there was none shows only that a
 * field is looked at, so it counts (`isSet`) where models never have the field, where it is refused, and where no effect may show.
 */
function waysOf(leaf: LeafPath, { isSet, isRefused }: { isSet: boolean; isRefused: boolean }): readonly Way[] {
  const place = placeOf(leaf);
  const at = leaf.lastIndexOf(".");
  if (place.schema.const !== undefined) {
    const isMeant = ({ container, key }: Spot): boolean => leaf.slice(at + 1) in (container[key] as object);
    return [{ place: placeOf(leaf.slice(0, at)), kind: "remove", isMeant, values: fc.constant(null) }];
  }
  const kinds: readonly EditKind[] = isSet || hintOf(place).presence === 0 ? ["change", "set"] : ["change"];
  const ways = kinds.map((kind): Way => ({ place, kind, isMeant: () => true, values: arbitraryOf(place) }));
  return isRefused ? [...ways, ...waysOfWhole(leaf)] : ways;
}

/** No model has what is refused, and so nothing to change in it: what the leaf stands in is set as a whole. */
function waysOfWhole(leaf: LeafPath): readonly Way[] {
  return PLACES.filter(({ path }) => leaf.startsWith(`${path}.`) || leaf.startsWith(`${path}[`)).map((place) => {
    return { place, kind: "set", isMeant: () => true, values: arbitraryOf(place) };
  });
}

function placeOf(path: string): Place {
  const place = PLACES.find((each) => each.path === path);
  if (place === undefined) throw new Error(`there is no place ${path}`);
  return place;
}

/** Documents that differ from this one in the leaf only, if at all. */
function* changed(document: Document, ways: readonly Way[], seed: number): Iterable<Document> {
  for (const way of ways) yield* changedOneWay(document, way, seed);
}

function* changedOneWay(document: Document, { place, kind, isMeant, values }: Way, seed: number): Iterable<Document> {
  const spotsIn = (from: Document): Spot[] =>
    spotsOf(from, place).filter((spot) => isPossible(kind, spot) && isMeant(spot));
  const count = Math.min(SPOTS, spotsIn(document).length);
  for (let index = 0; index < count; index++) {
    for (const value of sampleOf(values, seed, VALUES)) {
      const next = plain(document);
      makeEdit(next, { kind, spot: spotsIn(next)[index] as Spot, value });
      yield next;
    }
  }
}

type Outcomes = ReadonlyMap<string, Outcome>;

/** What a change of a leaf shows. "other refusal": nothing. */
type Seen = "effect" | "no effect" | "refused" | "other refusal";

/** Whether proxies get the same, whatever their fleets are called. */
function areSame(before: Outcomes, after: Outcomes): boolean {
  const textsOf = (outcomes: Outcomes): string[] =>
    [...outcomes.values()].map(({ proxy, text }) => `${proxy} ${text}`).sort();
  return isDeepStrictEqual(textsOf(before), textsOf(after));
}

describe.each(PROXY_KINDS)("%s", (proxy) => {
  const { capabilities } = targets.get(proxy);
  const isRefused = (leaf: LeafPath): boolean => {
    const hasOneValue = ONE_VALUE.some(([on, path]) => on === proxy && path === leaf);
    return deviationsOf(capabilities[leaf]).some(
      (found) => "refused" in found && (found.when === undefined || hasOneValue),
    );
  };
  const isOutOfReach = (leaf: LeafPath): boolean =>
    OF_REFUSED_LISTENERS.some(([on, path]) => on === proxy && path === leaf);
  /** Leaves of which nothing is shown yet, and how often each was changed without effect. */
  const open = new Map<LeafPath, number>(
    leafPaths.filter((leaf) => !isOutOfReach(leaf) && !NEVER_ALONE.includes(leaf)).map((leaf) => [leaf, 0]),
  );
  const odd: string[] = [];

  const seenOf = (leaf: LeafPath, before: Outcomes, after: Outcomes): Seen => {
    const errors = [...after.values()].flatMap(({ verdicts }) =>
      verdicts.filter(({ severity }) => severity === "error"),
    );
    if (isRefused(leaf)) return errors.some((found) => leafOf(found)?.leaf === leaf) ? "refused" : "other refusal";
    if (errors.length > 0) return "other refusal";
    return areSame(before, after) ? "no effect" : "effect";
  };

  const note = (leaf: LeafPath, seen: Seen): void => {
    if (seen === "other refusal") return;
    const times = (open.get(leaf) ?? 0) + 1;
    if (seen === "effect" && isWithoutEffect(leaf, proxy)) odd.push(`${leaf} has an effect: take it off the list`);
    if (seen !== "no effect" || (isWithoutEffect(leaf, proxy) && times >= ENOUGH)) open.delete(leaf);
    else open.set(leaf, times);
  };

  test("each field has the effect that the table says", { timeout: TIMEOUT_MS }, () => {
    for (let index = 0; index < MAX_MODELS && [...open.values()].some((times) => times < MAX_CHANGES); index++) {
      const [document] = sampleOf(modelOf(proxy), SEED + index, 1) as [Document];
      const base = freshSnapshot(document);
      if (base === null) throw new Error("modelOf gives valid models");
      const pipeline = createPipeline(targets);
      const before = outcomesOf(pipeline, base);
      for (const [leaf, times] of [...open]) {
        if (times >= MAX_CHANGES) continue;
        const refused = isRefused(leaf);
        const ways = waysOf(leaf, { isSet: refused || isWithoutEffect(leaf, proxy), isRefused: refused });
        for (const next of changed(document, ways, SEED + index)) {
          const snapshot = editedSnapshot({ document, snapshot: base }, next);
          if (snapshot === null) continue;
          const quick = isWithoutEffect(leaf, proxy) ? null : seenOf(leaf, before, outcomesOf(pipeline, snapshot));
          // A pipeline that remembers the model before is quick; what is shown once and for all is shown by one without memory.
          const isSettled = quick === null || quick === "effect" || quick === "refused";
          const fresh = isSettled ? outcomesOf(createPipeline(targets), copied(snapshot)) : null;
          note(leaf, fresh === null ? (quick as Seen) : seenOf(leaf, before, fresh));
          if (!open.has(leaf)) break;
        }
      }
    }
    const left = [...open].map(([leaf, times]) => `${leaf}: changed ${times} times, no effect`);
    expect([...left, ...odd]).toEqual([]);
  });
});
