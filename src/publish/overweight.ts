/** Whether rendering all fleets of a model fits into the bounds, and what to do without when it does not. */
import type { Compiled } from "../compiler/index.ts";
import type { Diagnostic } from "../errors/diagnostic.ts";
import type { FleetIr } from "../ir/index.ts";
import type { Snapshot } from "../model/types.ts";
import type { Pipeline, Weight } from "../pipeline/index.ts";
import type { Steps } from "../util/steps.ts";
import { FleetLeftOutError } from "./fleetStatus.ts";

/** What all fleets of a model take to be rendered, and each by itself. */
export interface Weights {
  readonly total: Weight;
  readonly ofFleet: ReadonlyMap<FleetIr, Weight>;
}

/** Of a model without fleets. */
export const WEIGHTLESS: Weights = { total: { renderingMemory: 0, lookups: 0 }, ofFleet: new Map() };

type Figure = keyof Weight;
const FIGURES: readonly Figure[] = ["renderingMemory", "lookups"];

const WORDS: Readonly<Record<Figure, string>> = {
  renderingMemory: "bytes of memory that it takes to render all fleets, estimated",
  lookups: "rules that are tried in turn for a path after its first, over all hosts of all fleets",
};

/** The weights of a compiled model's fleets. */
export type WeighAll = (compiled: Compiled) => Steps<Weights>;

/** Weighs a model once. */
export function createWeights(pipeline: Pipeline): WeighAll {
  const known = new WeakMap<Compiled, Weights>();
  return function* (compiled) {
    const weights = known.get(compiled) ?? (yield* weightsOf(compiled, pipeline));
    known.set(compiled, weights);
    return weights;
  };
}

function* weightsOf({ fleets }: Compiled, pipeline: Pipeline): Steps<Weights> {
  const ofFleet = new Map<FleetIr, Weight>();
  const total = { renderingMemory: 0, lookups: 0 };
  for (const ir of fleets.values()) {
    const weight = yield* pipeline.weigh(ir);
    ofFleet.set(ir, weight);
    for (const figure of FIGURES) total[figure] += weight[figure];
  }
  return { total, ofFleet };
}

/** Bounds that the weights break and the weights before did not break more. */
export function* overweight(weights: Weights, before: Weights, pipeline: Pipeline): Steps<Diagnostic[]> {
  const found: Diagnostic[] = [];
  for (const figure of FIGURES) {
    const [value, limit] = [weights.total[figure], pipeline.bounds[figure]];
    if (value <= limit || value <= before.total[figure]) continue;
    const fleets = largestOf(weights, figure).map(([ir, weight]) => `fleets/${ir.name} (${weight[figure]})`);
    const named = [...fleets.slice(0, MAX_NAMED), ...(yield* pipeline.heaviest(weights.ofFleet.keys()))];
    const message = `${WORDS[figure]}: ${value}, and at most ${limit} are possible; most come of ${named.join(", ")}`;
    found.push({ code: "MODEL-TOO-LARGE", severity: "error", message, pointer: "" });
  }
  return found;
}

/** Fleets that a message names. */
const MAX_NAMED = 3;

/** What of a model can be rendered. */
export interface Fitting {
  readonly compiled: Compiled;
  readonly fleets: readonly FleetIr[];
  /** Fleets that are too large, by name: they keep what they have. */
  readonly leftOut: ReadonlyMap<string, FleetLeftOutError>;
}

/** A compiled model without the fleets that make it too large. There are none in a model that was admitted under these bounds. */
export function* fittingOf(
  snapshot: Snapshot,
  compiled: Compiled,
  { pipeline, weigh }: { readonly pipeline: Pipeline; readonly weigh: WeighAll },
): Steps<Fitting> {
  const uncompiled = yield* pipeline.leftOut(snapshot);
  const leftOut = new Map(unrendered(yield* weigh(compiled), pipeline));
  for (const [name, message] of uncompiled) leftOut.set(name, new FleetLeftOutError(message));
  const fleets = [...compiled.fleets.values()].filter(({ name }) => !leftOut.has(name));
  return { compiled, fleets, leftOut };
}

/** The largest fleets: without them the others fit. */
function unrendered({ total, ofFleet }: Weights, { bounds }: Pipeline): ReadonlyMap<string, FleetLeftOutError> {
  const leftOut = new Map<string, FleetLeftOutError>();
  const left = { ...total };
  for (const figure of FIGURES) {
    for (const [ir, weight] of largestOf({ total, ofFleet }, figure)) {
      if (left[figure] <= bounds[figure]) break;
      if (leftOut.has(ir.name)) continue;
      for (const each of FIGURES) left[each] -= weight[each];
      const message = `${WORDS[figure]}: ${weight[figure]} in this fleet, and at most ${bounds[figure]} are possible in all`;
      leftOut.set(ir.name, new FleetLeftOutError(message));
    }
  }
  return leftOut;
}

function largestOf({ ofFleet }: Weights, figure: Figure): readonly (readonly [FleetIr, Weight])[] {
  return [...ofFleet].sort(([, a], [, b]) => b[figure] - a[figure]);
}
