/** What the endpoint sees in place of what the client sent. */
import { RouteSchema } from "../../../gen/proto/envoy/config/route/v3/route_components_pb.js";
import { prefixRewrite } from "../pathRewrite.ts";
import { append } from "../writer.ts";
import type { RoutePolicy } from "./policy.ts";

/** The policy. */
export const rewrite = {
  policy: "rewrite",
  capabilities: { "route.rules[].rewrite.path.prefix": "exact" },
  of: "forwarded",
  write(writer, { path }, rule) {
    const change = path === null ? null : prefixRewrite(rule.path.value, path.value);
    if (change === null) return;
    append(writer, RouteSchema, { action: { case: "route", value: { [change.case]: change.value } } });
  },
} as const satisfies RoutePolicy<"rewrite">;
