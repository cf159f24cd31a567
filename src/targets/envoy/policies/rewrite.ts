/** What the endpoint sees in place of what the client sent. */
import { type PathRewriteFields, writePrefixRewrite } from "../pathRewrite.ts";
import { openMessage, ROUTE } from "../writer.ts";
import type { RoutePolicy } from "./policy.ts";

/** Numbers in RouteAction. */
const ACTION: PathRewriteFields = { prefixRewrite: 5, regexRewrite: 32 };

/** The policy. */
export const rewrite = {
  policy: "rewrite",
  capabilities: { "route.rules[].rewrite.path.prefix": "exact" },
  of: "forwarded",
  write(writer, { path }, rule) {
    if (path === null) return;
    openMessage(writer, ROUTE.route);
    writePrefixRewrite(writer, ACTION, { from: rule.path.value, to: path.value });
    writer.join();
  },
} as const satisfies RoutePolicy<"rewrite">;
