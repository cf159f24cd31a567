/** How long a forwarded request may take. */
import type { BinaryWriter } from "@bufbuild/protobuf/wire";
import { type RuleIr, USUAL_CLIENT_TIMEOUTS } from "../../../ir/index.ts";
import { isShorterThan } from "../../shortDurations.ts";
import type { Support } from "../../target.ts";
import { RETRY_ON_HEADER } from "../noted.ts";
import { openMessage, REQUEST_HEADERS_TO_REMOVE, ROUTE, writeNumber, writeText } from "../writer.ts";
import type { RoutePlace, RoutePolicy } from "./policy.ts";
import { silenceIsReset } from "./retrySupport.ts";

/** Numbers in RouteAction, RetryPolicy and Duration. */
const ACTION = { timeout: 8, retryPolicy: 9, idleTimeout: 24, maxStreamDuration: 36 } as const;
const MAX_STREAM_DURATION = { maxStreamDuration: 1, grpcTimeoutHeaderMax: 2 } as const;
const RETRY_POLICY = { perTryTimeout: 3 } as const;
const DURATION = { seconds: 1, nanos: 2 } as const;

const foundLate = {
  approximated:
    "limits the wait for the head of the answer: an endpoint that falls silent in its body, or takes nothing of the request's, is given " +
    "up after the longest of `idle` and the listener's `bodyTimeout` and `sendTimeout`, for Envoy has one limit on the silence of both sides.",
  code: "L7-TIMEOUT-IDLE",
  when: isShorterThan(Math.max(USUAL_CLIENT_TIMEOUTS.bodyMs, USUAL_CLIENT_TIMEOUTS.sendMs)),
} as const satisfies Support;

/**
 * The policy. Envoy limits a whole request to 15 s unless it is told 0: none. Its limit on silence (`idle_timeout`) is one for both
 * sides, so it leaves clients the time that they have. The endpoint alone is limited by that of a try: from the end of the request to the
 * head of the answer. (`per_try_idle_timeout` would go on from there, but counts it as the endpoint's silence when a client reads nothing.)
 */
export const timeouts = {
  policy: "timeouts",
  capabilities: {
    "route.rules[].timeouts.request": "exact",
    "route.rules[].timeouts.idle": [foundLate, silenceIsReset],
  },
  of: "forwarded",
  write(writer, { idleMs, requestMs }, place) {
    const { clientSilenceMs, retryPolicy } = place;
    openMessage(writer, ROUTE.route);
    writeDuration(writer, ACTION.timeout, requestMs ?? 0);
    if (place.rule.protocol === "grpc") writeDeadline(writer, requestMs);
    const isShorter = limitsTry(idleMs, place);
    writeDuration(writer, ACTION.idleTimeout, isShorter ? clientSilenceMs : idleMs);
    if (isShorter && place.rule.policies.retry === null) {
      openMessage(writer, ACTION.retryPolicy);
      writer.raw(retryPolicy);
      writeDuration(writer, RETRY_POLICY.perTryTimeout, idleMs);
      writer.join();
    }
    writer.join();
    // The end of a try is a reset to Envoy, and silence is no reason to send a request again.
    if (isShorter && place.rule.policies.retry === null) writeText(writer, REQUEST_HEADERS_TO_REMOVE, RETRY_ON_HEADER);
  },
} as const satisfies RoutePolicy<"timeouts">;

/**
 * Whether the limit of a try is the one on the endpoint's silence. Not where its end would be taken for a reset and the request sent again:
 * the rule's `retry` says after a reset and not after silence.
 */
export function limitsTry(idleMs: number, { isTunnel, isResent, clientSilenceMs, rule }: RoutePlace): boolean {
  if (isResent && rule.policies.retry?.resends?.perTryMs === null) return false;
  return idleMs < clientSilenceMs && !isTunnel;
}

/** A tunnel has no end of its request: where `idle` is shorter than the client's limit, WebSockets have a route of their own. */
export function tunnelsApart({ policies, protocol }: RuleIr, clientSilenceMs: number): boolean {
  return protocol === "http" && policies.timeouts !== null && policies.timeouts.idleMs < clientSilenceMs;
}

/**
 * The client's own deadline, from the call's beginning; the rule's limit when that is shorter (0: there is none) or the client states none.
 * Beside this Envoy does not look at `timeout`.
 */
function writeDeadline(writer: BinaryWriter, requestMs: number | null): void {
  openMessage(writer, ACTION.maxStreamDuration);
  if (requestMs !== null) writeDuration(writer, MAX_STREAM_DURATION.maxStreamDuration, requestMs);
  writeDuration(writer, MAX_STREAM_DURATION.grpcTimeoutHeaderMax, requestMs ?? 0);
  writer.join();
}

/** 0 is written as an empty Duration: an absent one is Envoy's default. */
function writeDuration(writer: BinaryWriter, field: number, milliseconds: number): void {
  openMessage(writer, field);
  const seconds = Math.floor(milliseconds / 1000);
  const nanos = (milliseconds - seconds * 1000) * 1_000_000;
  if (seconds !== 0) writeNumber(writer, DURATION.seconds, seconds);
  if (nanos !== 0) writeNumber(writer, DURATION.nanos, nanos);
  writer.join();
}
