/** What agents need of their proxies' targets, which are loaded when they are asked. */
import type { TargetTools } from "./agent/index.ts";
import { loadTargets } from "./targets/registry.ts";
import { inSlices } from "./util/slices.ts";

/** Of the proxies that run on this machine. */
export const targetTools: TargetTools = {
  check: async (proxy, files, options) => {
    const { get } = await loadTargets([proxy]);
    return get(proxy).check({ kind: "files", ...files }, options);
  },
  rebound: async (proxy, text, places) => {
    const { rebind } = (await loadTargets([proxy])).get(proxy);
    if (rebind === null) throw new Error(`${proxy} gets no files`);
    return inSlices(rebind(text, places));
  },
  runtimeChange: async (proxy, before, after) =>
    (await loadTargets([proxy])).get(proxy).runtimeChange?.(before.files, after.files) ?? null,
  takenOut: async (proxy, files, endpoints) => {
    const { takeOut } = (await loadTargets([proxy])).get(proxy);
    if (takeOut === null) throw new Error(`${proxy} probes by itself`);
    return inSlices(takeOut(files, endpoints));
  },
};
