/** The path that the endpoint sees. */
import { withoutTrailingSlash } from "../path.ts";
import type { Policy } from "./policy.ts";

/** Only beside a split. */
export const rewrite: Policy<"rewrite"> = {
  policy: "rewrite",
  of({ rewrite: body }) {
    if (body === undefined) return null;
    return { path: Object.freeze({ kind: "prefix", value: withoutTrailingSlash(body.path.prefix) }) };
  },
};
