/** What a change of the model does to the proxies of each fleet. */
import type { Snapshot } from "../model/index.ts";
import { createPipeline, effectOf, OUTPUT_KINDS } from "../pipeline/index.ts";
import { loadTargets } from "../targets/registry.ts";
import { finish } from "../util/steps.ts";

/** How much the proxies of a fleet notice. */
export interface FleetEffect {
  readonly fleet: string;
  readonly effect: "none" | "runtime" | "reload" | "listenerDrain" | "new" | "gone";
}

/** For people. */
export const EFFECT_TEXTS: Readonly<Record<FleetEffect["effect"], string>> = {
  none: "nothing changes",
  runtime: "changes in the running process",
  reload: "reloads",
  listenerDrain: "closes or moves listeners: their connections are drained",
  new: "is new",
  gone: "is gone: its proxies keep what they have",
};

/** By fleet, ascending. */
export async function effectsBetween(before: Snapshot, after: Snapshot): Promise<readonly FleetEffect[]> {
  const fleets = [...before.fleet.values(), ...after.fleet.values()];
  const pipeline = createPipeline(await loadTargets(fleets.map(({ body }) => body.proxy)));
  const old = finish(pipeline.compile(before)).fleets;
  const renderings = new Map(
    [...old.values()].map((ir) => {
      const kinds = OUTPUT_KINDS.filter((kind) => pipeline.gives(ir, kind));
      return [ir.name, kinds.map((kind) => finish(pipeline.render(ir, kind)))];
    }),
  );
  const effects: FleetEffect[] = [];
  for (const ir of finish(pipeline.compile(after)).fleets.values()) {
    const known = renderings.get(ir.name);
    if (known === undefined) effects.push({ fleet: ir.name, effect: "new" });
    else {
      for (const kind of OUTPUT_KINDS.filter((one) => pipeline.gives(ir, one))) {
        const was = known.find(({ whole }) => whole.kind === kind) ?? null;
        effects.push({ fleet: ir.name, effect: effectOf(was, finish(pipeline.render(ir, kind))) });
      }
    }
  }
  const gone = [...old.keys()].filter((name) => !after.fleet.has(name));
  effects.push(...gone.map((fleet) => ({ fleet, effect: "gone" as const })));
  return effects.sort((a, b) => (a.fleet < b.fleet ? -1 : 1));
}
