/**
 * The Envoy target.
 *
 * Input: a fleet's IR (path groups are not needed). Output: xDS resources for Envoy 1.31 and later: a Listener per port, a
 * RouteConfiguration per HTTP port, a Cluster and a ClusterLoadAssignment per cluster, with the names of what each needs.
 * Guarantee: deterministic; versions are content hashes; an unchanged resource, and an unchanged type's map, is the same
 * object as in the renderer's last rendering of the fleet; after one changed rule only its neighbourhood is encoded again, the
 * rest of the route table is spliced from ready bytes. All memory is a renderer's.
 *
 * It must not see the model, other targets, the network or the clock; only `check` touches the file system, in a temporary
 * folder, and only `quote.ts` turns text into places where characters have a meaning.
 */
import type { Target } from "../target.ts";
import { check } from "./check.ts";
import { effect } from "./effect.ts";
import { envoyJudge } from "./judge.ts";
import { createRenderer } from "./render.ts";

export { renderBootstrap } from "./bootstrap.ts";
export { envoyArguments } from "./process.ts";
export { readBindErrors, readRefusal } from "./refusals.ts";
export { typeUrls } from "./types.ts";

/** The target, for the registry. */
export const envoyTarget: Target = {
  ...envoyJudge,
  createRenderer,
  // Messages as text are nothing that a server needs: loaded when somebody asks.
  inFiles: async (rendered, fleet) => (await import("./inFiles.ts")).inFiles(rendered, fleet),
  rebind: null,
  takeOut: null,
  effect,
  check,
};
