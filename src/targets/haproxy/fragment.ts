/**
 * What one IR node adds to a port: lines for the port's map files, and things that the port's rules must provide for
 * (`Use`). Fragments are pure functions of their node and are joined by map and by key.
 */
import type { RespondIr } from "../../ir/index.ts";
import { type Steps, shouldYield } from "../../util/steps.ts";

/** What needs a rule of its own in a frontend, however many routes ask for it. */
export type Use =
  /** Wildcard hosts with this many dots in their suffix. */
  | { readonly kind: "depth"; readonly depth: number }
  /** The virtual host that takes any host. */
  | { readonly kind: "anyHost"; readonly id: string }
  /** A virtual host with regexes; its look-up is a list of its own. */
  | { readonly kind: "regexHost"; readonly id: string }
  /** A field that tables look at. */
  | { readonly kind: "dimension"; readonly dimension: DimensionUse }
  /** A condition that chains look at. */
  | { readonly kind: "condition"; readonly condition: ConditionUse }
  /** One candidate of a chain. */
  | { readonly kind: "candidate"; readonly candidate: CandidateUse }
  /** Some group sends its requests on to the prefixes. */
  | { readonly kind: "fallback" }
  | { readonly kind: "header"; readonly change: HeaderUse }
  | { readonly kind: "prefixLength"; readonly length: number }
  | { readonly kind: "redirectStatus"; readonly status: number }
  | { readonly kind: "weights"; readonly key: string; readonly weights: readonly number[] }
  | { readonly kind: "respond"; readonly key: string; readonly respond: RespondIr };

/** A field of tables. The tag names it in map keys; it is a function of field and regex. */
export interface DimensionUse {
  readonly tag: string;
  readonly field: "method" | "header" | "path";
  /** Empty unless the field is a header. */
  readonly header: string;
  /** Null: look the exact value up. */
  readonly regex: string | null;
}

/** A named ACL. `header` is empty for method and path, `value` for present and single. */
export interface ConditionUse {
  readonly acl: string;
  readonly test: "method" | "pathRegex" | "headerExact" | "headerRegex" | "headerPresent" | "headerSingle";
  readonly header: string;
  readonly value: string;
}

/** A candidate; `group` is the marked id that the path look-up gives. */
export interface CandidateUse {
  readonly group: string;
  readonly rule: string;
  /** ACL names; those of `without` must not hold. */
  readonly acls: readonly string[];
  readonly without: readonly string[];
}

/** A change of one field, whose value each rule has in `map`. */
export interface HeaderUse {
  readonly direction: "request" | "response";
  readonly change: "set" | "add" | "remove";
  readonly header: string;
  readonly map: string;
}

/** Text by map name; uses by a key that also gives their order in the configuration. */
export interface Fragment {
  readonly lines: ReadonlyMap<string, string>;
  readonly uses: ReadonlyMap<string, Use>;
}

/** Collects a fragment of one node or of many. */
export interface FragmentBuilder {
  /** Whole lines, or several in one text. */
  readonly lines: Map<string, string[]>;
  readonly uses: Map<string, Use>;
}

/** An empty fragment to add to. */
export function newFragment(): FragmentBuilder {
  return { lines: new Map(), uses: new Map() };
}

/** Adds a line, or several, to a map. */
export function addLines({ lines }: FragmentBuilder, map: string, text: string): void {
  const texts = lines.get(map);
  if (texts === undefined) lines.set(map, [text]);
  else texts.push(text);
}

/** What was collected. */
export function finish({ lines, uses }: FragmentBuilder): Fragment {
  return { lines: new Map([...lines].map(([map, texts]) => [map, texts.join("")])), uses };
}

/** Several fragments as one; the same thing asked for twice is there once. */
export function* joinFragments(fragments: readonly Fragment[]): Steps<Fragment> {
  const builder = newFragment();
  for (const [index, { lines, uses }] of fragments.entries()) {
    for (const [map, text] of lines) addLines(builder, map, text);
    for (const [key, use] of uses) builder.uses.set(key, use);
    if (shouldYield(index)) yield;
  }
  const lines = new Map<string, string>();
  for (const [map, texts] of builder.lines) {
    lines.set(map, texts.join(""));
    yield;
  }
  return { lines, uses: builder.uses };
}

/** The uses of one kind, ascending by key. */
export function usesOf<Kind extends Use["kind"]>(
  uses: ReadonlyMap<string, Use>,
  kind: Kind,
): readonly Extract<Use, { kind: Kind }>[] {
  const found: [string, Extract<Use, { kind: Kind }>][] = [];
  for (const [key, use] of uses) if (use.kind === kind) found.push([key, use as Extract<Use, { kind: Kind }>]);
  found.sort(([a], [b]) => (a < b ? -1 : 1));
  return found.map(([, use]) => use);
}
