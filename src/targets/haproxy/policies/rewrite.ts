/** What the endpoint sees in place of the path that the client sent. */
import { cutOf, headOf, replacementOf } from "../replacedPrefix.ts";
import type { Policy } from "./policy.ts";

/** A line for each rule; in a map the rules whose prefixes have one length stand together. */
export const rewrite = {
  policy: "rewrite",
  changes({ path }, owner) {
    if (path === null) return [];
    const head = headOf(path.value);
    const kind = `${head === "" ? "strip" : "rewrite"}.${cutOf(owner.path)}`;
    return [
      {
        template: "rewrite",
        map: kind,
        group: kind,
        value: head === "" ? "/" : head,
        view: replacementOf(owner.path, path.value),
        comment: `${owner.path.value} becomes ${path.value}`,
      },
    ];
  },
  capabilities: { "route.rules[].rewrite.path.prefix": "exact" },
} as const satisfies Policy<"rewrite">;
