/**
 * The capability gate: what a fleet's documents ask for against what its proxy can do. Only leaves that are not `exact` are
 * looked for, and of a model that changed only what changed is looked at.
 */
import type { Diagnostic } from "../errors/diagnostic.ts";
import type { FleetIr, JsonValue, RuleIr, SourceIr, VirtualHostIr } from "../ir/index.ts";
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

/** What is looked for at one place of a document, and below it. */
interface Watched {
  readonly deviations: Deviation[];
  /** By name of the field; `[]`: in each element of the list. */
  readonly below: Map<string, Watched>;
}

/** What stays from one look at a fleet to the next, so that a change costs what changed. */
interface FleetCache {
  readonly target: Target;
  readonly version: string;
  /** By kind. */
  readonly watched: ReadonlyMap<string, Watched>;
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
    const watched = cache.watched.get(source.kind);
    if (watched === undefined) continue;
    note(cache.sources, source, examine(source, watched, version));
    yield;
  }
  const ports = new Map<string, Tracker<VirtualHostIr>>();
  for (const port of ir.ports) {
    if (port.kind !== "http") continue;
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
  const watched = watchedOf(target);
  return { target, version, watched, sources: createTracker(), ports: new Map(), rules: new WeakMap() };
}

function watchedOf(target: Target): ReadonlyMap<string, Watched> {
  const { below } = Object.entries(target.capabilities).reduce((root, [leaf, support]) => {
    const deviations = deviationsOf(support as Support);
    if (deviations.length > 0) placeOf(root, leaf).deviations.push(...deviations);
    return root;
  }, nothingWatched());
  return below;
}

function nothingWatched(): Watched {
  return { deviations: [], below: new Map() };
}

/** Path from the kind on, as `route.rules[].timeouts.request`. */
function placeOf(root: Watched, leaf: string): Watched {
  let place = root;
  for (const step of leaf.replaceAll("[]", ".[]").split(".")) {
    const next = place.below.get(step) ?? nothingWatched();
    place.below.set(step, next);
    place = next;
  }
  return place;
}

/** Walks the document once, where something is looked for. */
function examine({ kind, name, body }: SourceIr, watched: Watched, version: Version): readonly Finding[] {
  const findings: Finding[] = [];
  const at: (string | number)[] = [];
  const visit = (value: JsonValue | undefined, { deviations, below }: Watched): void => {
    if (value === undefined) return;
    for (const deviation of deviations) {
      if (deviation.when === undefined || deviation.when(value, version))
        findings.push(findingOf(deviation, { kind, name }, pointer(...at)));
    }
    for (const [step, next] of below) descend(value, step, next);
  };
  const descend = (value: JsonValue, step: string, watched: Watched): void => {
    if (value === null || typeof value !== "object") return;
    if (step !== "[]") go(step, (value as Record<string, JsonValue>)[step], watched);
    else if (Array.isArray(value)) for (const [index, item] of value.entries()) go(index, item as JsonValue, watched);
  };
  const go = (step: string | number, value: JsonValue | undefined, watched: Watched): void => {
    at.push(step);
    visit(value, watched);
    at.pop();
  };
  visit(body, watched);
  return findings;
}

function findingOf(deviation: Deviation, resource: NonNullable<Finding["resource"]>, place: string): Finding {
  const isRefused = "refused" in deviation;
  return {
    code: deviation.code,
    severity: isRefused ? "error" : "warning",
    message: isRefused ? deviation.refused : deviation.approximated,
    resource,
    pointer: place,
  };
}
