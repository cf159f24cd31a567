/** Canaries by the route that they move, and the weights of their current step. */
import { type Resource, type Snapshot, stateOf } from "../../model/index.ts";
import { compareText } from "../../util/sorted.ts";
import { reuseList } from "../reuse.ts";

/** Canary weights are per cent with one decimal: thousandths keep them whole. */
const CANARY_SCALE = 10;

/** Canaries by route, ascending by name. An unchanged route's list is the same array as before. */
export type CanaryIndex = ReadonlyMap<string, readonly Resource<"canary">[]>;

/** The canaries of a model; lists that hold the same as in `previous` are taken from there. */
export function indexCanaries(snapshot: Snapshot, previous: CanaryIndex | null): CanaryIndex {
  const index = new Map<string, Resource<"canary">[]>();
  for (const canary of [...snapshot.canary.values()].sort((a, b) => compareText(a.name, b.name))) {
    const list = index.get(canary.body.route);
    if (list === undefined) index.set(canary.body.route, [canary]);
    else list.push(canary);
  }
  const reused = [...index].map(([route, list]) => [route, reuseList(previous?.get(route), list)] as const);
  return new Map(reused);
}

/** What replaces the split of the rule that the canary moves. */
export function canaryShares({ body }: Resource<"canary">): { cluster: string; weight: number }[] {
  const step = body.steps[stateOf(body).step];
  const share = Math.round((step?.weight ?? 0) * CANARY_SCALE);
  return [
    { cluster: body.canary, weight: share },
    { cluster: body.stable, weight: 100 * CANARY_SCALE - share },
  ];
}
