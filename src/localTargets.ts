/** What the agents of the local run need of their proxies' targets, which are loaded when they are asked. */
import type { DevCheck, DevRebound, DevRuntimeChange, DevTakenOut } from "./dev/index.ts";
import { loadTargets } from "./targets/registry.ts";
import { inSlices } from "./util/slices.ts";

/** The proxy's own checker. */
export const check: DevCheck = async (proxy, files, options) => {
  const { get } = await loadTargets([proxy]);
  return get(proxy).check({ kind: "files", ...files }, options);
};

/** A listener's file at other places. */
export const rebound: DevRebound = async (proxy, text, places) => {
  const { rebind } = (await loadTargets([proxy])).get(proxy);
  if (rebind === null) throw new Error(`${proxy} gets no files`);
  return inSlices(rebind(text, places));
};

/** What of new files a running proxy can take over. */
export const runtimeChange: DevRuntimeChange = async (proxy, before, after) =>
  (await loadTargets([proxy])).get(proxy).runtimeChange?.(before.files, after.files) ?? null;

/** Files without endpoints that fail their probes. */
export const takenOut: DevTakenOut = async (proxy, files, endpoints) => {
  const { takeOut } = (await loadTargets([proxy])).get(proxy);
  if (takeOut === null) throw new Error(`${proxy} probes by itself`);
  return inSlices(takeOut(files, endpoints));
};
