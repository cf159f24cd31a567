/** What an action becomes. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { RouteSchema } from "../../../gen/proto/envoy/config/route/v3/route_components_pb.js";
import type { SplitIr } from "../../../ir/index.ts";

/** Where a rule is served: redirects that keep the request's host need it, everything else does not. */
export interface RouteContext {
  /** Starts with `*` when it stands for many hosts. */
  readonly hostname: string;
  /** The listener's port. */
  readonly port: number;
}

/** One Route of a rule; most rules have one. */
export type RouteForm =
  | { readonly kind: "forward"; readonly split: SplitIr }
  /** Envoy answers. `authority`: a regex for the Host header too; null: any. */
  | { readonly kind: "answer"; readonly authority: string | null; readonly fields: RouteFields };

/** Fields of Route. */
export type RouteFields = MessageInitShape<typeof RouteSchema>;

/** Fields of a Route that answers by itself. */
export function directResponse(status: number, body: string) {
  const text = { specifier: { case: "inlineString", value: body } } as const;
  return { action: { case: "directResponse", value: body === "" ? { status } : { status, body: text } } } as const;
}
