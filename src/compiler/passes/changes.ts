/** A route before and after, with its rules. */
import type { RuleIr } from "../../ir/index.ts";
import type { Resource } from "../../model/index.ts";

/** A route with its rules. */
export interface CompiledRoute {
  readonly route: Resource<"route">;
  readonly rules: readonly RuleIr[];
}

/** What a listener drops and what it gains. */
export interface RouteChange {
  readonly before: CompiledRoute | null;
  readonly after: CompiledRoute | null;
}

/** What changes for one hostname. */
export interface HostPatch {
  readonly remove: CompiledRoute[];
  readonly add: CompiledRoute[];
}
