/** Which resources a resource names. */
import { pointer } from "../util/pointer.ts";
import { due, type Steps } from "../util/steps.ts";
import type { Bodies, Change, Kind, Resource, Snapshot } from "./types.ts";

export interface Reference {
  readonly kind: Kind;
  readonly name: string;
  /** Where the name stands in the referring document. */
  readonly pointer: string;
}

const readers: { readonly [K in Kind]: (body: Bodies[K]) => Reference[] } = {
  fleet: () => [],
  healthCheck: () => [],
  listener: (body) => body.fleets.map((name, index) => ({ kind: "fleet", name, pointer: pointer("fleets", index) })),
  cluster: ({ healthCheck }) =>
    healthCheck === undefined ? [] : [{ kind: "healthCheck", name: healthCheck, pointer: "/healthCheck" }],
  canary: (body) => [
    { kind: "route", name: body.route, pointer: "/route" },
    { kind: "cluster", name: body.stable, pointer: "/stable" },
    { kind: "cluster", name: body.canary, pointer: "/canary" },
  ],
  route: (body) => [
    ...body.listeners.map(
      (name, index): Reference => ({ kind: "listener", name, pointer: pointer("listeners", index) }),
    ),
    ...body.rules.flatMap((rule, ruleIndex) =>
      (rule.split ?? []).map(
        (entry, index): Reference => ({
          kind: "cluster",
          name: entry.cluster,
          pointer: pointer("rules", ruleIndex, "split", index, "cluster"),
        }),
      ),
    ),
  ],
};

const cache = new WeakMap<Resource, readonly Reference[]>();

/** The references of a resource, in the order in which they are written. */
export function referencesOf(resource: Resource): readonly Reference[] {
  let found = cache.get(resource);
  if (found === undefined) {
    found = (readers[resource.kind] as (body: unknown) => Reference[])(resource.body);
    cache.set(resource, found);
  }
  return found;
}

/** Kinds whose documents may name the kind. */
const referrers: { readonly [K in Kind]: readonly Kind[] } = {
  fleet: ["listener"],
  listener: ["route"],
  route: ["canary"],
  cluster: ["route", "canary"],
  healthCheck: ["cluster"],
  canary: [],
};

/** Every resource that names one of `names` of `kind`. Looks only at kinds that can. */
export function* referrersOf(snapshot: Snapshot, kind: Kind, names: ReadonlySet<string>): Steps<Resource[]> {
  const found: Resource[] = [];
  for (const candidateKind of referrers[kind]) {
    let index = 0;
    for (const resource of snapshot[candidateKind].values() as Iterable<Resource>) {
      if (referencesOf(resource).some((reference) => reference.kind === kind && names.has(reference.name)))
        found.push(resource);
      if (due(index++)) yield;
    }
  }
  return found;
}

/** What was changed, and all that names it, also by way of others: a fleet's listeners and their routes. As `route/api`. */
export function* reachOf(snapshot: Snapshot, changes: readonly Change[]): Steps<ReadonlySet<string>> {
  const reached = new Set<string>();
  let front: readonly { readonly kind: Kind; readonly name: string }[] = changes;
  while (front.length > 0) {
    const namesOf = new Map<Kind, Set<string>>();
    for (const [index, { kind, name }] of front.entries()) {
      reached.add(`${kind}/${name}`);
      namesOf.set(kind, (namesOf.get(kind) ?? new Set()).add(name));
      if (due(index)) yield;
    }
    const referring: Resource[] = [];
    for (const [kind, names] of namesOf) referring.push(...(yield* referrersOf(snapshot, kind, names)));
    front = referring.filter(({ kind, name }) => !reached.has(`${kind}/${name}`));
  }
  return reached;
}
