/** The path and Host that the endpoint sees. */
import type { RewriteIr } from "../../ir/index.ts";
import { withoutTrailingSlash } from "../path.ts";
import type { Policy, RuleBody } from "./policy.ts";

/** Only beside a split. */
export const rewrite: Policy<"rewrite"> = {
  policy: "rewrite",
  of({ rewrite: body }) {
    if (body === undefined) return null;
    return { path: pathOf(body.path), hostname: body.hostname?.toLowerCase() ?? null };
  },
};

function pathOf(body: NonNullable<RuleBody["rewrite"]>["path"]): RewriteIr["path"] {
  if (body === undefined) return null;
  const path: RewriteIr["path"] =
    body.full === undefined
      ? { kind: "prefix", value: withoutTrailingSlash(body.prefix ?? "/") }
      : { kind: "full", value: body.full };
  return Object.freeze(path);
}
