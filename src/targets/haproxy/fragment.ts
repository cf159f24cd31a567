/**
 * What one IR node adds to a port: lines for the port's map files, and things that the port's rules must provide for
 * (`Use`). Fragments are pure functions of their node and are joined by map and by key.
 */
import type { RespondIr } from "../../ir/index.ts";

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

/** Map name and a whole line, or several. */
export type Line = readonly [map: string, line: string];
/** A key that also gives the order in the configuration, and the use. */
export type KeyedUse = readonly [key: string, use: Use];

/** Lists, because most nodes add a handful: the joining makes maps of them. */
export interface Fragment {
  readonly lines: readonly Line[];
  readonly uses: readonly KeyedUse[];
}

/** Collects a fragment. */
export interface FragmentBuilder {
  readonly lines: Line[];
  readonly uses: KeyedUse[];
}

/** An empty fragment to add to. */
export function newFragment(): FragmentBuilder {
  return { lines: [], uses: [] };
}

/** One text for each map, its lines in their order. */
export function joinLines(lines: Iterable<Line>): readonly Line[] {
  const texts = new Map<string, string[]>();
  for (const [map, text] of lines) {
    const list = texts.get(map);
    if (list === undefined) texts.set(map, [text]);
    else list.push(text);
  }
  return [...texts].map(([map, list]) => [map, list.join("")]);
}

/** Several fragments as one; the same thing asked for twice is there once. */
export function joinFragments(fragments: readonly Fragment[]): Fragment {
  const uses = new Map<string, Use>();
  for (const fragment of fragments) for (const [key, use] of fragment.uses) uses.set(key, use);
  return { lines: joinLines(fragments.flatMap(({ lines }) => lines)), uses: [...uses] };
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
