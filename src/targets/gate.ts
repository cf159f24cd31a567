/**
 * The capability gate: what a fleet's documents ask for against what its proxy can do. Only leaves that are not `exact` are
 * looked for, and of a model that changed only what changed is looked at.
 */
import type { Diagnostic } from "../errors/diagnostic.ts";
import type { FleetIr, JsonValue, LeafPath, RuleIr, SourceIr, VirtualHostIr } from "../ir/index.ts";
import { pointer } from "../util/pointer.ts";
import { due, finish, type Steps } from "../util/steps.ts";
import { distinctFindings, type Finding, type Support, type Target, type Version } from "./target.ts";
import { createTracker, note, type Tracker, track } from "./tracker.ts";
import { parseVersion } from "./version.ts";

interface Watch {
  readonly leaf: LeafPath;
  /** Path below the kind: `rules[].timeouts.request` -> `["rules", "[]", "timeouts", "request"]`. */
  readonly steps: readonly string[];
  readonly support: Exclude<Support, "exact">;
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

/** Fleets are few (at most 256 in a model); names that come and go are forgotten beyond this. */
const MAX_CACHED_FLEETS = 512;
const caches = new Map<string, FleetCache>();

/** Diagnostics of one fleet: refusals are errors, approximations warnings. */
export function gate(ir: FleetIr, target: Target): Diagnostic[] {
  return finish(gateSteps(ir, target));
}

/** `gate` in steps. */
export function* gateSteps(ir: FleetIr, target: Target): Steps<Diagnostic[]> {
  const cache = cacheOf(ir, target);
  // What is only half up to date would hide refusals from the next look: it comes back when all of it is.
  caches.delete(ir.name);
  const findings = yield* findingsOf(ir, cache);
  if (caches.size >= MAX_CACHED_FLEETS) caches.clear();
  caches.set(ir.name, cache);
  return findings.map((finding) => told(finding, ir));
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
    const byName = new Map(replaced.map((old) => [old.hostnames[0], old]));
    for (const host of fresh) note(tracker, host, yield* examineHost(cache, host, byName.get(host.hostnames[0])));
    ports.set(port.id, tracker);
  }
  cache.ports = ports;
  const all = [cache.sources, ...ports.values()].flatMap(({ findings }) => [...findings.values()].flat());
  return distinctFindings([...all, ...cache.target.inspect(ir)]);
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
    if (due(index)) yield;
  }
  yield;
  cache.rules.set(host, tracker);
  return tracker.findings.size === 0 ? NONE : [...tracker.findings.values()].flat();
}

function told(finding: Finding, ir: FleetIr): Diagnostic {
  return {
    ...finding,
    message: `fleet ${JSON.stringify(ir.name)}: ${finding.message}`,
    fleet: ir.name,
    proxy: ir.proxy,
  };
}

function cacheOf(ir: FleetIr, target: Target): FleetCache {
  const version = ir.version ?? target.defaultVersion.join(".");
  const known = caches.get(ir.name);
  if (known?.target === target && known.version === version) return known;
  const watches = watchesOf(target);
  return { target, version, watches, sources: createTracker(), ports: new Map(), rules: new WeakMap() };
}

function watchesOf(target: Target): Map<string, Watch[]> {
  const watches = new Map<string, Watch[]>();
  for (const [leaf, support] of Object.entries(target.capabilities) as [LeafPath, Support][]) {
    if (support === "exact") continue;
    const [kind = "", ...steps] = leaf.replaceAll("[]", ".[]").split(".");
    watches.set(kind, [...(watches.get(kind) ?? []), { leaf, steps, support }]);
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
