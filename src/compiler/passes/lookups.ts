/** How many rules are tried in turn where a proxy looks paths up: known before their lists are made. */
import type { RuleIr } from "../../ir/index.ts";
import { literalStart } from "../../regex/index.ts";
import { type Steps, shouldYield } from "../../util/steps.ts";

/** Rules of one pattern. */
interface Bucket {
  /** Up to the first that takes whatever the path takes. */
  readonly tried: number;
  /** Whether there is such a one: nothing after it is tried. */
  readonly ends: boolean;
}

interface Buckets {
  readonly exact: Map<string, Bucket>;
  readonly prefix: Map<string, Bucket>;
  readonly regex: Map<string, Bucket>;
}

/** Expressions that are compared with a path between two rests: some 20 µs. */
const EXPRESSIONS_PER_STEP = 512;

/**
 * The candidates of the host's path groups (pathGroups.ts) after the first of each, at most: an expression
 * counts as one that matches unless its start shows that it does not. Counting ends above `limit`.
 */
export function* lookupsOf(rules: readonly RuleIr[], limit: number): Steps<number> {
  const conditional = rules.reduce((count, { conditions }) => count + (conditions.length > 0 ? 1 : 0), 0);
  const expressions = rules.reduce((count, { path }) => count + (path.kind === "regex" ? 1 : 0), 0);
  // Nothing is tried twice but what has conditions: few such rules need no count.
  if (2 * rules.length * (conditional + expressions) < SURELY_FEW) return 0;
  const buckets = yield* bucketsOf(rules);
  let lookups = 0;
  let index = 0;
  for (const [kind, list] of Object.entries(buckets) as [keyof Buckets, Map<string, Bucket>][]) {
    for (const [path, bucket] of list) {
      if (shouldYield(index++)) yield;
      lookups += bucket.tried - 1;
      if (kind !== "regex") lookups += yield* triedAfter({ path, bucket, kind }, buckets);
      if (lookups > limit) return lookups;
    }
  }
  return lookups;
}

/** Not worth counting. */
const SURELY_FEW = 10_000;

function* bucketsOf(rules: readonly RuleIr[]): Steps<Buckets> {
  const buckets: Buckets = { exact: new Map(), prefix: new Map(), regex: new Map() };
  for (const [index, { path, conditions }] of rules.entries()) {
    if (shouldYield(index)) yield;
    const known = buckets[path.kind].get(path.value);
    if (known?.ends) continue;
    buckets[path.kind].set(path.value, { tried: (known?.tried ?? 0) + 1, ends: conditions.length === 0 });
  }
  return buckets;
}

interface Group {
  readonly path: string;
  readonly bucket: Bucket;
  readonly kind: "exact" | "prefix";
}

/** What is tried after a path's own rules: expressions, then the prefixes above, the longest first. */
function* triedAfter({ path, bucket, kind }: Group, { prefix, regex }: Buckets): Steps<number> {
  if (bucket.ends && kind === "exact") return 0;
  let tried = 0;
  let work = 0;
  for (const [expression, { tried: own }] of regex) {
    if (!expression.includes("|") && !path.startsWith(literalStart(expression))) continue;
    tried += own;
    if (++work % EXPRESSIONS_PER_STEP === 0) yield;
  }
  // A prefix's own path (nothing below it) has a list of its own, in which expressions come first.
  const lists = kind === "prefix" && tried > 0 ? 2 : 1;
  if (lists === 2) tried += bucket.tried;
  if (bucket.ends) return tried;
  for (const above of prefixesOf(path, kind)) {
    const covering = prefix.get(above);
    tried += lists * (covering?.tried ?? 0);
    if (covering?.ends) break;
  }
  return tried;
}

/** Prefixes that cover a path, the longest first. */
function* prefixesOf(path: string, kind: "exact" | "prefix"): Iterable<string> {
  if (kind === "exact") yield path;
  const text = path.endsWith("/") ? path.slice(0, -1) : path;
  if (kind === "exact" && text !== path && text !== "") yield text;
  for (let slash = text.lastIndexOf("/"); slash > 0; slash = text.lastIndexOf("/", slash - 1))
    yield text.slice(0, slash);
  if (path !== "/") yield "/";
}
