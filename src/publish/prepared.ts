import { withPathGroups } from "../compiler/index.ts";
import type { FleetIr } from "../ir/index.ts";
import type { Target } from "../targets/target.ts";

/** The IR in the form that a target asks for. */
export function prepared(ir: FleetIr, target: Target): FleetIr {
  return target.needsPathGroups ? withPathGroups(ir) : ir;
}
