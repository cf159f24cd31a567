/**
 * The capability gate: what a fleet's documents ask for against what its proxy can do. Only leaves that are not `exact` are
 * looked for, and of a model that changed only what changed is looked at.
 */
import type { Diagnostic } from "../errors/diagnostic.ts";
import type { FleetIr, JsonValue, LeafPath, RuleIr, SourceIr, VirtualHostIr } from "../ir/index.ts";
import { pointer } from "../util/pointer.ts";
import { type Steps, shouldYield } from "../util/steps.ts";
import {
  type Deviation,
  deviationsOf,
  distinctFindings,
  type Finding,
  type Support,
  type Target,
  type Version,
} from "./target.ts";
import { createTracker, note, type Tracker, track } from "./tracker.ts";
import { parseVersion } from "./version.ts";

interface Watch {
  readonly leaf: LeafPath;
  /** Path below the kind: `rules[].timeouts.request` -> `["rules", "[]", "timeouts", "request"]`. */
  readonly steps: readonly string[];
  readonly support: Deviation;
}

/** What stays from one look at a fleet to the next, so that a change costs what changed. */
interface FleetCache {
  readonly target: Target;
  readonly version: string;
  readonly watches: ReadonlyMap<string, readonly Watch[]>;
  readonly sources: Tracker<SourceIr>;
  /** By port id. */
  ports: Map<string, Tracker<VirtualHostIr>>;
  /** What was said of a virtual host's rules; handed on from one version of a host to the next. */
  readonly rules: WeakMap<VirtualHostIr, Tracker<RuleIr>>;
}

/** Fleets are few (at most 256 in a model, each of one or two targets); names that come and go are forgotten beyond this. */
const MAX_CACHED_FLEETS = 512;

/** Diagnostics of one fleet as one of its targets sees it: refusals are errors, approximations warnings. */
export type Gate = (ir: FleetIr, target: Target) => Steps<Diagnostic[]>;

/** A gate that remembers its last look at each fleet. Its looks must not overlap. */
export function createGate(): Gate {
  const caches = new Map<string, FleetCache>();
  return function* gate(ir, target) {
    const key = `${target.proxy} ${ir.name}`;
    const cache = currentCache(caches.get(key), ir, target);
    // What is only half up to date would hide refusals from the next look: it comes back when all of it is.
    caches.delete(key);
    const findings = yield* findingsOf(ir, cache);
    if (caches.size >= MAX_CACHED_FLEETS) caches.clear();
    caches.set(key, cache);
    return findings.map((finding) => toDiagnostic(finding, ir));
  };
}

function* findingsOf(ir: FleetIr, cache: FleetCache): Steps<readonly Finding[]> {
  const version = parseVersion(cache.version);
  for (const source of track(cache.sources, ir.sources).fresh) {
    const watches = cache.watches.get(source.kind);
    if (watches === undefined) continue;
    note(cache.sources, source, examine(source, watches, version));
    yield;
  }
  const ports = new Map<string, Tracker<VirtualHostIr>>();
  for (const port of ir.ports) {
    if (port.kind === "tcp") continue;
    const tracker = cache.ports.get(port.id) ?? createTracker();
    const { replaced, fresh } = track(tracker, port.virtualHosts);
    const byNames = new Map(replaced.map((old) => [namesOf(old), old]));
    for (const host of fresh) note(tracker, host, yield* examineHost(cache, host, byNames.get(namesOf(host))));
    ports.set(port.id, tracker);
  }
  cache.ports = ports;
  const all = [cache.sources, ...ports.values()].flatMap(({ findings }) => [...findings.values()].flat());
  return distinctFindings([...all, ...cache.target.inspect(ir)]);
}

/** Of a host an inspection sees its names beside the rule: with the same names it says the same of the same rule. */
function namesOf({ hostnames }: VirtualHostIr): string {
  return hostnames.join(" ");
}

const NONE: readonly Finding[] = [];

function* examineHost(
  cache: FleetCache,
  host: VirtualHostIr,
  before: VirtualHostIr | undefined,
): Steps<readonly Finding[]> {
  const tracker = (before === undefined ? undefined : cache.rules.get(before)) ?? createTracker<RuleIr>();
  for (const [index, rule] of track(tracker, host.rules).fresh.entries()) {
    note(tracker, rule, cache.target.inspectRule(rule, host));
    if (shouldYield(index)) yield;
  }
  yield;
  cache.rules.set(host, tracker);
  return tracker.findings.size === 0 ? NONE : [...tracker.findings.values()].flat();
}

function toDiagnostic(finding: Finding, ir: FleetIr): Diagnostic {
  return {
    ...finding,
    message: `fleet ${JSON.stringify(ir.name)}: ${finding.message}`,
    fleet: ir.name,
    proxy: ir.proxy,
  };
}

/** What is known of the fleet, if it was asked about the same version of the same target; else an empty memory. */
function currentCache(known: FleetCache | undefined, ir: FleetIr, target: Target): FleetCache {
  const version = ir.version ?? target.defaultVersion.join(".");
  if (known?.target === target && known.version === version) return known;
  const watches = watchesOf(target);
  return { target, version, watches, sources: createTracker(), ports: new Map(), rules: new WeakMap() };
}

function watchesOf(target: Target): Map<string, Watch[]> {
  const watches = new Map<string, Watch[]>();
  for (const [leaf, support] of Object.entries(target.capabilities) as [LeafPath, Support][]) {
    const [kind = "", ...steps] = leaf.replaceAll("[]", ".[]").split(".");
    for (const deviation of deviationsOf(support))
      watches.set(kind, [...(watches.get(kind) ?? []), { leaf, steps, support: deviation }]);
  }
  return watches;
}

function examine(source: SourceIr, watches: readonly Watch[], version: Version): readonly Finding[] {
  const findings: Finding[] = [];
  for (const watch of watches) {
    for (const { value, at } of valuesAt(source.body, watch.steps, [])) {
      if (watch.support.when !== undefined && !watch.support.when(value, version)) continue;
      const refused = "refused" in watch.support;
      findings.push({
        code: watch.support.code,
        severity: refused ? "error" : "warning",
        message: "refused" in watch.support ? watch.support.refused : watch.support.approximated,
        resource: { kind: source.kind, name: source.name },
        pointer: pointer(...at),
      });
    }
  }
  return findings;
}

type Found = { value: JsonValue; at: (string | number)[] };

function* valuesAt(value: JsonValue | undefined, steps: readonly string[], at: (string | number)[]): Iterable<Found> {
  if (value === undefined) return;
  const [step, ...rest] = steps;
  if (step === undefined) yield { value, at };
  else if (step === "[]") {
    if (!Array.isArray(value)) return;
    for (const [index, item] of (value as JsonValue[]).entries()) yield* valuesAt(item, rest, [...at, index]);
  } else if (value !== null && typeof value === "object" && !Array.isArray(value)) {
    yield* valuesAt((value as Record<string, JsonValue>)[step], rest, [...at, step]);
  }
}
