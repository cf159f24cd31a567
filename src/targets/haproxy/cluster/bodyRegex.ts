/** A regular expression that must be found in the body of a probe's answer. */
import type { ClusterIr } from "../../../ir/index.ts";
import { linearRegex, searched } from "../../../regex/index.ts";
import type { Quoted } from "../../../util/templates.ts";
import { backtracking } from "../../regexFindings.ts";
import type { Finding } from "../../target.ts";
import { word } from "../quote.ts";

/** As `http-check expect rstring` takes it. HAProxy looks for it at every place, so it says itself that it begins where the body does. */
export function bodyPattern(regex: string): Quoted<"word"> {
  return word(`(?s)^(?:${linearRegex(searched(regex)).pattern})`);
}

/** Errors about expressions that PCRE2 cannot search for in linear time. */
export function inspectBodyRegex(clusters: readonly ClusterIr[]): readonly Finding[] {
  return clusters.flatMap(({ name, healthCheck }): Finding[] => {
    const regex = healthCheck?.http?.bodyRegex ?? null;
    const problem = regex === null ? null : linearRegex(searched(regex)).problem;
    if (problem === null) return [];
    const message = `cluster ${name}: HAProxy (PCRE2) cannot search for ${JSON.stringify(regex)} in linear time: ${problem}`;
    return [
      {
        code: backtracking.code,
        severity: "error",
        message,
        resource: { kind: "cluster", name },
        pointer: "/healthCheck",
      },
    ];
  });
}
