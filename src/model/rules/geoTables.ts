import type { Diagnostic } from "../../errors/diagnostic.ts";
import { disjointRanges } from "../../util/disjointRanges.ts";
import { type Steps, shouldYield } from "../../util/steps.ts";
import { canonicalCidr } from "../cidr.ts";
import type { Resource } from "../types.ts";
import { type OwnRule, problem, touchedOf } from "./rule.ts";

const CODE = "MODEL-GEO";
/** Doubles that are told of one table: a file that was written twice has thousands. */
const MAX_DOUBLES = 100;
/** Ranges that a table may come to where none may overlap: 25 for each entry, or 7 MB of a Listener of Envoy's. */
const MAX_RANGES = 250_000;

const TOO_MANY = [
  `the ranges lie in each other so that they come to more than ${MAX_RANGES} where none may overlap, as Envoy takes them;`,
  "use fewer or wider ones",
].join(" ");

/** A range has one label, and the whole is not too large for a proxy that cannot take the narrowest of several ranges. */
export const geoTables: OwnRule = function* (_snapshot, touched) {
  for (const table of touchedOf(touched, "geoTable")) {
    const ranges = new Map<string, { readonly index: number; readonly label: string }>();
    let doubles = 0;
    for (const [index, { cidr, label }] of table.body.entries.entries()) {
      if (shouldYield(index)) yield undefined;
      const canonical = canonicalCidr(cidr);
      const first = ranges.get(canonical);
      if (first === undefined) ranges.set(canonical, { index, label });
      else if (doubles++ < MAX_DOUBLES) yield double(table, { index, first, canonical });
    }
    const list = [...ranges].map(([cidr, { label }]) => ({ cidr, label }));
    const bounds = { rest: table.body.defaultLabel ?? null, limit: MAX_RANGES };
    if ((yield* resting(disjointRanges(list, bounds))) === null)
      yield problem(CODE, table, { pointer: "/entries", message: TOO_MANY });
  }
};

/** The result of steps; it rests where they do. */
function* resting<T>(steps: Steps<T>): Generator<undefined, T> {
  return yield* steps;
}

interface Double {
  readonly index: number;
  readonly first: { readonly index: number; readonly label: string };
  readonly canonical: string;
}

function double(table: Resource<"geoTable">, { index, first, canonical }: Double): Diagnostic {
  const label = table.body.entries[index]?.label;
  const again = label === first.label ? "already" : `already, with the label ${first.label}`;
  return problem(CODE, table, {
    pointer: `/entries/${index}/cidr`,
    message: `${canonical} stands in this table ${again}`,
    related: { pointer: `/entries/${first.index}/cidr` },
  });
}
