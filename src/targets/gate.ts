/**
 * The capability gate: what a fleet's documents ask for against what its proxy can do. Only leaves that are not `exact` are
 * looked for, and of a model that changed only what changed is looked at.
 */
import type { Diagnostic } from "../errors/diagnostic.ts";
import type { FleetIr, JsonValue, LeafPath, SourceIr, VirtualHostIr } from "../ir/index.ts";
import { pointer } from "../util/pointer.ts";
import { type Finding, inspectFleet, type Support, type Target, type Version } from "./target.ts";

/** `1.22` -> `[1, 22, 0]`. */
export function parseVersion(text: string): Version {
  const [major = 0, minor = 0, patch = 0] = text.split(".").map(Number);
  return [major, minor, patch];
}

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
  sources: readonly SourceIr[];
  /** Only documents with findings. */
  readonly bySource: Map<SourceIr, readonly Finding[]>;
  readonly byHost: WeakMap<VirtualHostIr, readonly Finding[]>;
}

/** Fleets are few (at most 256 in a model); names that come and go are forgotten beyond this. */
const MAX_CACHED_FLEETS = 512;
const caches = new Map<string, FleetCache>();

/** Diagnostics of one fleet: refusals are errors, approximations warnings. */
export function gate(ir: FleetIr, target: Target): Diagnostic[] {
  const cache = cacheOf(ir, target);
  updateSources(cache, ir.sources);
  const byHost: Target["inspectHost"] = (host) => {
    let findings = cache.byHost.get(host);
    if (findings === undefined) {
      findings = target.inspectHost(host);
      cache.byHost.set(host, findings);
    }
    return findings;
  };
  const found = [
    ...[...cache.bySource.values()].flat(),
    ...inspectFleet({ inspect: target.inspect, inspectHost: byHost }, ir),
  ];
  return found.map((finding) => told(finding, ir));
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
  if (caches.size >= MAX_CACHED_FLEETS) caches.clear();
  const cache = {
    target,
    version,
    watches: watchesOf(target),
    sources: [],
    bySource: new Map(),
    byHost: new WeakMap(),
  };
  caches.set(ir.name, cache);
  return cache;
}

/** Looks only at the stretch between what both lists have in common at their start and at their end. */
function updateSources(cache: FleetCache, sources: readonly SourceIr[]): void {
  const before = cache.sources;
  const shorter = Math.min(before.length, sources.length);
  let start = 0;
  while (start < shorter && before[start] === sources[start]) start++;
  let same = 0;
  while (same < shorter - start && before[before.length - 1 - same] === sources[sources.length - 1 - same]) same++;
  const version = parseVersion(cache.version);
  for (let index = start; index < before.length - same; index++) cache.bySource.delete(before[index] as SourceIr);
  for (let index = start; index < sources.length - same; index++) {
    const source = sources[index] as SourceIr;
    const watches = cache.watches.get(source.kind);
    const findings = watches === undefined ? [] : examine(source, watches, version);
    if (findings.length > 0) cache.bySource.set(source, findings);
  }
  cache.sources = sources;
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
