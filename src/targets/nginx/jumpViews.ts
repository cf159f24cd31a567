/** What templates are given that lead to other locations: types only. */

import type { Quoted } from "../../util/templates.ts";
import type { Param, Variable } from "./quote.ts";

/** `hashedChoice.hbs`: jumps to what maps have found. */
export interface HashedChoiceView {
  readonly found: Variable;
  readonly jump: Quoted<"block">;
}

/** `forward.hbs`: on to a cluster. `jump.hbs` and `searchedJump.hbs`: on to another location. */
export interface TargetView {
  readonly target: Param;
}

/** `jumpBelow.hbs`: on to what the host's expressions say, else to the rule of this prefix. */
export interface JumpBelowView {
  readonly below: Param;
  readonly jump: Quoted<"block">;
}
