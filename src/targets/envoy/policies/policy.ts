/** What each file beside this one gives. */
import type { BinaryWriter } from "@bufbuild/protobuf/wire";
import type { PoliciesIr, RuleIr } from "../../../ir/index.ts";
import type { Capabilities } from "../../target.ts";

/** A policy of a rule, from the IR to fields of Route. */
export interface RoutePolicy<Name extends keyof PoliciesIr> {
  readonly policy: Name;
  /** The table's lines for its leaves. */
  readonly capabilities: Partial<Capabilities>;
  /** Whose policy it is: of requests that are forwarded only, or of every answer. */
  readonly of: "forwarded" | "answers";
  /** Adds fields to the open Route. Several policies may each add a part of RouteAction: Envoy merges them. */
  write(writer: BinaryWriter, value: NonNullable<PoliciesIr[Name]>, place: RoutePlace): void;
}

/** The Route that is open. */
export interface RoutePlace {
  readonly rule: RuleIr;
  /** Or else Envoy answers. */
  readonly isForwarded: boolean;
  /** It takes requests for a WebSocket only. */
  readonly isTunnel: boolean;
  /** Bytes of the RetryPolicy that every route has. */
  readonly retryPolicy: Uint8Array;
  /** How long clients may pause in a body or an answer. */
  readonly clientSilenceMs: number;
}
