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
  write(writer: BinaryWriter, value: NonNullable<PoliciesIr[Name]>, rule: RuleIr): void;
}
