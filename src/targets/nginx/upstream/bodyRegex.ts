/** A regular expression that the agent beside nginx looks for in the body of a probe's answer. */
import { type FleetIr, MAX_ANSWER_BYTES } from "../../../ir/index.ts";
import { isSearchable } from "../../../regex/index.ts";
import { type Finding, foundByInspection, type Support } from "../../target.ts";

/** As the capability table says it: the agent has more to do than to search one body for half a second. */
export const tooLong = {
  refused: "is too large to be searched for by the agent beside nginx: repeats that count are written out",
  code: "HC-BODY-REGEX-NGINX",
  when: foundByInspection,
} as const satisfies Support;

/** Errors about expressions that are too large. */
export function inspectBodyRegex({ clusters, healthChecks }: FleetIr): readonly Finding[] {
  if (healthChecks !== "agent") return [];
  return clusters.flatMap(({ name, healthCheck }): Finding[] => {
    const regex = healthCheck?.http?.bodyRegex ?? null;
    if (regex === null || isSearchable(regex, MAX_ANSWER_BYTES)) return [];
    return [
      {
        code: tooLong.code,
        severity: "error",
        message: `cluster ${name}: ${JSON.stringify(regex)} ${tooLong.refused}`,
        resource: { kind: "cluster", name },
        pointer: "/healthCheck",
      },
    ];
  });
}
