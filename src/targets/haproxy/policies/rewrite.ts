/** What the endpoint sees in place of the path and Host that the client sent. */
import type { RuleIr } from "../../../ir/index.ts";
import { format } from "../quote.ts";
import { cutOf, headOf, replacementOf } from "../replacedPrefix.ts";
import { headerChanges } from "./headerChanges.ts";
import type { Change, Policy } from "./policy.ts";

/** A line for each rule; in a map the rules whose prefixes have one length stand together. */
export const rewrite = {
  policy: "rewrite",
  changes: ({ path, hostname }, owner) => [
    ...(path === null ? [] : [path.kind === "full" ? fullPath(path.value) : replacedPrefix(owner, path.value)]),
    ...(hostname === null
      ? []
      : headerChanges("request", { set: [{ name: "host", value: hostname }], add: [], remove: [] })),
  ],
  capabilities: {
    "route.rules[].rewrite.path.prefix": "exact",
    "route.rules[].rewrite.path.full": "exact",
    "route.rules[].rewrite.hostname": "exact",
  },
} as const satisfies Policy<"rewrite">;

function fullPath(path: string): Change {
  return {
    template: "fullPath",
    map: "path",
    group: "path",
    value: path,
    view: { path: format(path) },
    comment: `the path becomes ${path}`,
  };
}

function replacedPrefix(owner: RuleIr, replacement: string): Change {
  const head = headOf(replacement);
  const kind = `${head === "" ? "strip" : "rewrite"}.${cutOf(owner.path)}`;
  return {
    template: "rewrite",
    map: kind,
    group: kind,
    value: head === "" ? "/" : head,
    view: replacementOf(owner.path, replacement),
    comment: `${owner.path.value} becomes ${replacement}`,
  };
}
