/** What the proxies of a local run ask of their targets. */
import type { DevCheck, DevRebound, DevRuntimeChange } from "./dev/index.ts";
import { loadTargets } from "./targets/registry.ts";
import { inSlices } from "./util/slices.ts";

/** Asks the proxy's own checker. */
export const check: DevCheck = async (proxy, files, binary) => {
  const { get } = await loadTargets([proxy]);
  return get(proxy).check({ kind: "files", ...files }, { binary });
};

/** Writes a listener's file for other places. */
export const rebound: DevRebound = async (proxy, text, places) => {
  const { rebind } = (await loadTargets([proxy])).get(proxy);
  if (rebind === null) throw new Error(`${proxy} gets no files`);
  return inSlices(rebind(text, places));
};

/** Finds what a running proxy can take over. */
export const runtimeChange: DevRuntimeChange = async (proxy, before, after) =>
  (await loadTargets([proxy])).get(proxy).runtimeChange?.(before.files, after.files) ?? null;
