import type { GrpcRetryStatus } from "../grpc.ts";

/** When a forwarded request is tried again. */
export interface RetryIr {
  /** Tries after the first one, each on another endpoint as long as there is one. */
  readonly attempts: number;
  /** Null: what was sent is sent again as if the rule said nothing. */
  readonly resends: ResendsIr | null;
  /** Of answers to calls that are reasons too: distinct, ascending. Then `resends` is null. */
  readonly grpcStatuses: readonly GrpcRetryStatus[];
  /** The first of growing limits of the random time before a try; null: none passes. */
  readonly backoffMs: number | null;
}

/** Requests that are sent again after a reset, and after what else; all others of the rule are sent once. */
export interface ResendsIr {
  /** Distinct, ascending. */
  readonly methods: readonly string[];
  /** Of answers that are reasons too: distinct, ascending. */
  readonly statuses: readonly number[];
  /** Silence that is a reason too; null: silence is none. */
  readonly perTryMs: number | null;
}

/**
 * The longest body that is sent again. It has to be kept until the answer begins, and HAProxy has room for it beside a head; what is
 * longer, or of unknown length, is passed on as it comes, on every proxy.
 */
export const RESENT_BODY_BYTES = 16_384;

/** Content-Length up to `RESENT_BODY_BYTES`, or none: an expression for all of it. */
export const RESENT_LENGTHS = "|[0-9]{1,4}|1[0-5][0-9]{3}|16[0-2][0-9]{2}|163[0-7][0-9]|1638[0-4]";
