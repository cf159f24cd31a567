/** What nginx and HAProxy have in common of `retry`: statuses from a list, one limit on silence, no pause between tries. */
import type { JsonValue, RuleIr } from "../ir/index.ts";
import { type Finding, foundByInspection, type Support, type Version } from "./target.ts";
import { isBefore } from "./version.ts";

/** What is said of statuses where the proxy knows these, and from a version on more. */
export function retryStatuses(proxy: string, known: readonly number[], more?: MoreStatuses) {
  const later = more === undefined ? "" : `, from ${more.since.join(".")} on also after ${more.statuses.join(", ")}`;
  return {
    refused: `has a status after which ${proxy} cannot try again; it can after ${known.join(", ")}${later}`,
    code: "L7-RETRY-STATUS",
    when: (range: JsonValue, version: Version) => {
      const isNew = more !== undefined && !isBefore(version, more.since);
      return typeof range === "string" && !isWithin(range, isNew ? [...known, ...more.statuses] : known);
    },
  } as const satisfies Support;
}

interface MoreStatuses {
  readonly since: Version;
  readonly statuses: readonly number[];
}

function isWithin(range: string, known: readonly number[]): boolean {
  const [low = 0, high = low] = range.split("-").map(Number);
  for (let status = low; status <= high; status++) if (!known.includes(status)) return false;
  return true;
}

const silence = {
  approximated:
    "limits every pause of the endpoint, also between two pieces of the answer's body, as `timeouts.idle` does",
  code: "L7-RETRY-SILENCE",
} as const satisfies Support;

const noBackoff = {
  approximated: "is not looked at: the next try follows at once",
  code: "L7-RETRY-BACKOFF",
} as const satisfies Support;

const total = {
  refused:
    "is no limit on a whole request here, and all tries of the rule's `retry`, which goes on after silence, may take longer: " +
    "it must be at least (`attempts` + 1) times `perTryTimeout` (by default `timeouts.idle`)",
  code: "L7-RETRY-TOTAL",
  when: foundByInspection,
} as const satisfies Support;

/** Errors about rules whose tries may take longer than the whole request. */
function inspect({ policies, name, route, pointer }: RuleIr): readonly Finding[] {
  const { retry, timeouts } = policies;
  const perTryMs = retry?.resends?.perTryMs ?? null;
  const requestMs = timeouts?.requestMs ?? null;
  if (retry === null || perTryMs === null || requestMs === null) return NONE;
  if (requestMs >= (retry.attempts + 1) * perTryMs) return NONE;
  const message = `rule ${name}: \`timeouts.request\` ${total.refused}`;
  const resource = { kind: "route", name: route } as const;
  return [{ code: total.code, severity: "error", message, resource, pointer: `${pointer}/timeouts/request` }];
}

const NONE: readonly Finding[] = [];

/** Of `perTryTimeout`, of `backoff`, and of both with `timeouts.request`. */
export const timeoutsOfTries = { silence, noBackoff, total, inspect };
