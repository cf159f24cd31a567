/** When a forwarded request is tried again, defaults filled in. */
import { defaults } from "../../gen/defaults.ts";
import type { GrpcRetryStatus, ResendsIr } from "../../ir/index.ts";
import { durationMs } from "../../model/index.ts";
import type { Policy, RuleBody } from "./policy.ts";

const ATTEMPTS = defaults["route.rules[].retry.attempts"];
const ON: readonly string[] = defaults["route.rules[].retry.on"];
const METHODS: readonly string[] = defaults["route.rules[].retry.methods"];
const NONE: readonly GrpcRetryStatus[] = [];
const IDLE = defaults["route.rules[].timeouts.idle"];

/** Of a rule that says so. */
export const retry: Policy<"retry"> = {
  policy: "retry",
  of({ split, retry: body, timeouts }) {
    if (split === undefined || body === undefined) return null;
    return {
      attempts: body.attempts ?? ATTEMPTS,
      resends: body.grpcStatuses !== undefined ? null : resendsOf(body, durationMs(timeouts?.idle ?? IDLE)),
      grpcStatuses: [...(body.grpcStatuses ?? NONE)].sort(),
      backoffMs: body.backoff === undefined ? null : durationMs(body.backoff),
    };
  },
};

function resendsOf(body: NonNullable<RuleBody["retry"]>, idleMs: number): ResendsIr | null {
  const on: readonly string[] = body.on ?? ON;
  if (!on.includes("reset")) return null;
  const tryMs = body.perTryTimeout === undefined ? idleMs : Math.min(durationMs(body.perTryTimeout), idleMs);
  return Object.freeze({
    methods: Object.freeze([...(body.methods ?? METHODS)].sort()),
    statuses: Object.freeze(statusesOf(body.statuses ?? [])),
    perTryMs: on.includes("timeout") ? tryMs : null,
  });
}

function statusesOf(ranges: readonly string[]): number[] {
  const found = new Set<number>();
  for (const range of ranges) {
    const [low, high = low] = range.split("-").map(Number) as [number, number?];
    for (let status = low; status <= high; status++) found.add(status);
  }
  return [...found].sort((a, b) => a - b);
}
