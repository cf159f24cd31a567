/** What the endpoint sees in place of what the client sent. */
import { writeFullRewrite, writePrefixRewrite } from "../pathRewrite.ts";
import { openMessage, ROUTE, writeText } from "../writer.ts";
import type { RoutePolicy } from "./policy.ts";

/** Numbers in RouteAction. */
const ACTION = { prefixRewrite: 5, hostRewriteLiteral: 6, regexRewrite: 32 } as const;

/** The policy. */
export const rewrite = {
  policy: "rewrite",
  capabilities: {
    "route.rules[].rewrite.path.prefix": "exact",
    "route.rules[].rewrite.path.full": "exact",
    "route.rules[].rewrite.hostname": "exact",
  },
  of: "forwarded",
  write(writer, { path, hostname }, { rule }) {
    openMessage(writer, ROUTE.route);
    if (path?.kind === "prefix") writePrefixRewrite(writer, ACTION, { from: rule.path.value, to: path.value });
    if (path?.kind === "full") writeFullRewrite(writer, ACTION, path.value);
    if (hostname !== null) writeText(writer, ACTION.hostRewriteLiteral, hostname);
    writer.join();
  },
} as const satisfies RoutePolicy<"rewrite">;
