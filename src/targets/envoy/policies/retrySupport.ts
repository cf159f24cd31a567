/** What Envoy cannot tell apart when it tries again. */
import { type RuleIr, USUAL_CLIENT_TIMEOUTS } from "../../../ir/index.ts";
import { type Finding, foundByInspection, type Support } from "../../target.ts";

/** Of `timeouts.idle`, where it is the limit of a try. */
export const silenceIsReset = {
  refused:
    "is under 60 s, and the rule's `retry` sends requests again after a reset but not after silence: Envoy cannot tell " +
    "the one from the other; add `timeout` to `retry.on`, or leave `idle` at 60 s or more",
  code: "L7-RETRY-IDLE-ENVOY",
  when: foundByInspection,
} as const satisfies Support;

const NONE: readonly Finding[] = [];

/** Errors about rules that send again after a reset only, where the end of a try is one to Envoy. */
export function inspectRetry({ policies, name, route, pointer }: RuleIr): readonly Finding[] {
  const { retry, timeouts } = policies;
  if (retry === null || retry.resends === null || retry.resends.perTryMs !== null) return NONE;
  const { bodyMs, sendMs } = USUAL_CLIENT_TIMEOUTS;
  if (timeouts === null || timeouts.idleMs >= Math.max(bodyMs, sendMs)) return NONE;
  const message = `rule ${name}: \`timeouts.idle\` ${silenceIsReset.refused}`;
  const resource = { kind: "route", name: route } as const;
  return [{ code: silenceIsReset.code, severity: "error", message, resource, pointer: `${pointer}/timeouts/idle` }];
}
