/** How a fleet's proxies run, defaults filled in. */
import { defaults } from "../../gen/defaults.ts";
import { type ProcessIr, USUAL_PROCESS } from "../../ir/index.ts";
import { durationMs, type Fleet } from "../../model/index.ts";
import { reuse } from "../reuse.ts";

const DEFAULTS = { shutdownGrace: defaults["fleet.process.shutdownGrace"] };

/** Gives `before` itself when it says the same: so nearly all fleets have one object. */
export function compileProcess(process: Fleet["process"], before = USUAL_PROCESS): ProcessIr {
  const { shutdownGrace } = { ...DEFAULTS, ...process };
  return reuse<ProcessIr>(before, { workers: process?.workers ?? null, shutdownGraceMs: durationMs(shutdownGrace) });
}
