/**
 * When a request is tried again. A RetryPolicy knows no methods and no bodies, so a rule that sends requests again has two routes: one for
 * those that can be, and behind it one for all others, which are sent once.
 */
import type { BinaryWriter } from "@bufbuild/protobuf/wire";
import type { GrpcRetryStatus, ResendsIr } from "../../../ir/index.ts";
import { RETRY_ON_HEADER } from "../noted.ts";
import { openMessage, REQUEST_HEADERS_TO_REMOVE, ROUTE, writeNumber, writeText } from "../writer.ts";
import type { RoutePolicy } from "./policy.ts";
import { limitsTry } from "./timeouts.ts";

/** Numbers in RouteAction, RetryPolicy and below it. */
const ACTION_RETRY_POLICY = 9;
const RETRY_POLICY = { retryOn: 1, numRetries: 2, perTryTimeout: 3, retriableStatusCodes: 7, backOff: 8 } as const;
const BACK_OFF_BASE_INTERVAL = 1;
const WRAPPER_VALUE = 1;
const DURATION = { seconds: 1, nanos: 2 } as const;

/** As `retry_on` has them. */
const GRPC_REASONS: Readonly<Record<GrpcRetryStatus, string>> = {
  cancelled: "cancelled",
  deadlineExceeded: "deadline-exceeded",
  internal: "internal",
  resourceExhausted: "resource-exhausted",
  unavailable: "unavailable",
};

/** The policy: of a route that has all of the RetryPolicy of the virtual hosts, too. */
export const retry = {
  policy: "retry",
  capabilities: {
    "route.rules[].retry.attempts": "exact",
    "route.rules[].retry.on[]": "exact",
    "route.rules[].retry.statuses[]": "exact",
    "route.rules[].retry.grpcStatuses[]": "exact",
    "route.rules[].retry.methods[]": "exact",
    "route.rules[].retry.perTryTimeout": "exact",
    "route.rules[].retry.backoff": "exact",
  },
  of: "forwarded",
  write(writer, { attempts, resends, grpcStatuses, backoffMs }, place) {
    const idleMs = place.rule.policies.timeouts?.idleMs ?? Number.POSITIVE_INFINITY;
    const isLimited = limitsTry(idleMs, place);
    openMessage(writer, ROUTE.route);
    openMessage(writer, ACTION_RETRY_POLICY);
    writer.raw(place.retryPolicy);
    openMessage(writer, RETRY_POLICY.numRetries);
    writeNumber(writer, WRAPPER_VALUE, attempts);
    writer.join();
    if (place.isResent && resends !== null) writeResends(writer, resends);
    else if (isLimited) writeDuration(writer, RETRY_POLICY.perTryTimeout, idleMs);
    if (grpcStatuses.length > 0) {
      const reasons = ["connect-failure", ...grpcStatuses.map((status) => GRPC_REASONS[status])];
      writeText(writer, RETRY_POLICY.retryOn, reasons.join(","));
    }
    if (backoffMs !== null) {
      openMessage(writer, RETRY_POLICY.backOff);
      writeDuration(writer, BACK_OFF_BASE_INTERVAL, backoffMs);
      writer.join();
    }
    writer.join();
    writer.join();
    // Sent once, or the end of a try would be taken for a reset.
    const isSentOnce = resends !== null && !place.isResent;
    if (isSentOnce || isLimited) writeText(writer, REQUEST_HEADERS_TO_REMOVE, RETRY_ON_HEADER);
  },
} as const satisfies RoutePolicy<"retry">;

function writeResends(writer: BinaryWriter, { statuses, perTryMs }: ResendsIr): void {
  const reasons = statuses.length === 0 ? "connect-failure,reset" : "connect-failure,reset,retriable-status-codes";
  writeText(writer, RETRY_POLICY.retryOn, reasons);
  for (const status of statuses) writeNumber(writer, RETRY_POLICY.retriableStatusCodes, status);
  if (perTryMs !== null) writeDuration(writer, RETRY_POLICY.perTryTimeout, perTryMs);
}

/** Both numbers, also 0: they take the place of what the common RetryPolicy has there. */
function writeDuration(writer: BinaryWriter, field: number, milliseconds: number): void {
  openMessage(writer, field);
  const seconds = Math.floor(milliseconds / 1000);
  writeNumber(writer, DURATION.seconds, seconds);
  writeNumber(writer, DURATION.nanos, (milliseconds - seconds * 1000) * 1_000_000);
  writer.join();
}
