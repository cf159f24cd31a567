/** What is left of a model that may not be compiled as a whole. */
import { compareText } from "../util/sorted.ts";
import { type Steps, shouldYield } from "../util/steps.ts";
import { FIGURE_WORDS, type Figures, type FiguresMemory, localMatches, matchesOf, placesOf } from "./figures.ts";
import type { Snapshot } from "./types.ts";

/** A model, or what is left of it, and the fleets that had to go. */
export interface Fitting {
  readonly snapshot: Snapshot;
  /** By name of a fleet that is left out: why. */
  readonly leftOut: ReadonlyMap<string, string>;
}

const NONE_LEFT_OUT: ReadonlyMap<string, string> = new Map();

/** The figures that fleets have their part of. */
const PRODUCTS = ["rules", "hosts"] as const;
type Product = (typeof PRODUCTS)[number];
type Products = Pick<Figures, Product>;

/** The model itself when it fits; else without its largest fleets, and without listeners that only these have. */
export function* fitting(snapshot: Snapshot, memory: FiguresMemory): Steps<Fitting> {
  const { bounds } = memory;
  const figures = memory.figures.get(snapshot) ?? (yield* productsOf(snapshot, ({ length }) => length));
  const over = (sums: Products): Product | undefined => PRODUCTS.find((figure) => sums[figure] > bounds[figure]);
  if (over(figures) === undefined) return { snapshot, leftOut: NONE_LEFT_OUT };
  const shares: { readonly name: string; readonly own: Products }[] = [];
  for (const name of snapshot.fleet.keys())
    shares.push({ name, own: yield* productsOf(snapshot, (fleets) => (fleets.includes(name) ? 1 : 0)) });
  const size = ({ own }: { readonly own: Products }): number =>
    Math.max(...PRODUCTS.map((figure) => own[figure] / bounds[figure]));
  shares.sort((a, b) => size(b) - size(a) || compareText(a.name, b.name));
  let { rules, hosts } = figures;
  const fleet = new Map(snapshot.fleet);
  const leftOut = new Map<string, string>();
  for (const { name, own } of shares) {
    const figure = over({ rules, hosts });
    if (figure === undefined) break;
    rules -= own.rules;
    hosts -= own.hosts;
    fleet.delete(name);
    const most = `at most ${bounds[figure]} are possible in all fleets`;
    leftOut.set(name, `${FIGURE_WORDS[figure]}: ${own[figure]} in this fleet, and ${most}`);
  }
  const listener = new Map(
    [...snapshot.listener].filter(([, { body }]) => body.fleets.some((name) => fleet.has(name))),
  );
  return { snapshot: Object.freeze({ ...snapshot, fleet, listener }), leftOut };
}

/** Only these: at the start nobody shall wait for the work on regular expressions. */
function* productsOf(snapshot: Snapshot, count: (fleets: readonly string[]) => number): Steps<Products> {
  let [rules, hosts] = [0, 0];
  let index = 0;
  for (const route of snapshot.route.values()) {
    if (shouldYield(index++)) yield;
    const places = placesOf(route, snapshot, count);
    hosts += places;
    rules += places === 0 ? 0 : places * (matchesOf(route) + localMatches(route, snapshot));
  }
  return { rules, hosts };
}
