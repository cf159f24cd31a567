/** Of what the routes of a redirect depend. */
import type { RuleIr } from "../../../ir/index.ts";

/** Whether the rule's routes differ between hosts. */
export function dependsOnHost({ action }: RuleIr): boolean {
  return action.kind === "redirect" && action.hostname === null;
}

/** Whether the rule's routes differ between listeners' ports, or in and outside of TLS. */
export function dependsOnPort({ action }: RuleIr): boolean {
  return action.kind === "redirect" && (action.port === "listener" || action.scheme === null);
}
