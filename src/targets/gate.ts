/**
 * The capability gate: what a fleet's documents ask for against what its proxy can do. Only leaves that are not `exact` are
 * looked for, and a document is looked at once per target and version.
 */
import type { Diagnostic } from "../errors/diagnostic.ts";
import type { FleetIr, JsonValue, LeafPath, SourceIr } from "../ir/index.ts";
import { pointer } from "../util/pointer.ts";
import type { Support, Target, Version } from "./target.ts";

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

/** What a document lacks or gets approximately, apart from the fleet that asks. */
type Finding = Omit<Diagnostic, "fleet" | "proxy">;

interface GateCache {
  readonly watches: ReadonlyMap<string, readonly Watch[]>;
  readonly findings: WeakMap<SourceIr, readonly Finding[]>;
}

const caches = new Map<string, GateCache>();
const NONE: readonly Finding[] = Object.freeze([]);

/** Diagnostics of one fleet: refusals are errors, approximations warnings. */
export function gate(ir: FleetIr, target: Target): Diagnostic[] {
  const version = ir.version === null ? target.defaultVersion : parseVersion(ir.version);
  const cache = cacheOf(target, version);
  const found: Diagnostic[] = [];
  for (const source of ir.sources) {
    const watches = cache.watches.get(source.kind);
    if (watches === undefined) continue;
    let findings = cache.findings.get(source);
    if (findings === undefined) {
      findings = examine(source, watches, version);
      cache.findings.set(source, findings);
    }
    for (const finding of findings) found.push(told(finding, ir));
  }
  return [...found, ...target.inspect(ir)];
}

function told(finding: Finding, ir: FleetIr): Diagnostic {
  return {
    ...finding,
    message: `fleet ${JSON.stringify(ir.name)}: ${finding.message}`,
    fleet: ir.name,
    proxy: ir.proxy,
  };
}

function cacheOf(target: Target, version: Version): GateCache {
  const key = `${target.proxy} ${version.join(".")}`;
  let cache = caches.get(key);
  if (cache === undefined) {
    cache = { watches: watchesOf(target), findings: new WeakMap() };
    caches.set(key, cache);
  }
  return cache;
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
  return findings.length === 0 ? NONE : findings;
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
