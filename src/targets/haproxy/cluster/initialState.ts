/** How servers begin that are probed: HAProxy knows only up before 3.1. */
import type { ClusterIr } from "../../../ir/index.ts";
import { type Finding, foundByInspection, type Support, type Version } from "../../target.ts";
import { isBefore } from "../../version.ts";
import { INIT_STATE_SINCE } from "../version.ts";

/** What HAProxy says of `initial`: of the default, down, which no leaf shows. */
export const initiallyUp = {
  approximated:
    "begins with every endpoint up: HAProxy before 3.1 sends an endpoint traffic until its first probe has failed, the " +
    "other proxies not before one has passed.",
  code: "HC-INITIAL-UP",
  when: foundByInspection,
} as const satisfies Support;

/** Whether HAProxy is to be told that servers begin down. */
export function startsDown({ healthCheck }: ClusterIr, version: Version): boolean {
  return healthCheck?.initial === "down" && !isBefore(version, INIT_STATE_SINCE);
}

/** A warning about each cluster that should begin down and cannot. */
export function inspectInitialState(clusters: readonly ClusterIr[], version: Version): readonly Finding[] {
  if (!isBefore(version, INIT_STATE_SINCE)) return [];
  return clusters
    .filter(({ healthCheck }) => healthCheck?.initial === "down")
    .map(({ name }) => ({
      code: initiallyUp.code,
      severity: "warning",
      message: `cluster ${name}: healthCheck ${initiallyUp.approximated}`,
      resource: { kind: "cluster", name },
      pointer: "/healthCheck",
    }));
}
