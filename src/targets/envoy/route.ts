/** A rule as one or more Routes. */
import type { BinaryWriter } from "@bufbuild/protobuf/wire";
import type { PathMatchIr, RuleIr } from "../../ir/index.ts";
import type { RouteContext, RouteForm } from "./actions/action.ts";
import { forwardForms } from "./actions/forward.ts";
import { redirectForms } from "./actions/redirect.ts";
import { respondForms } from "./actions/respond.ts";
import { writeAuthority, writeCondition } from "./fields.ts";
import { writePolicies } from "./policies/index.ts";
import { openMessage, ROUTE, writeRegex, writeText } from "./writer.ts";

/** Number in VirtualHost. */
const VIRTUAL_HOST_ROUTES = 3;
/** Numbers in RouteMatch. */
const MATCH = { prefix: 1, path: 2, safeRegex: 10, pathSeparatedPrefix: 14 } as const;

/** Adds the rule's routes, in order, to the open VirtualHost. */
export function writeRule(writer: BinaryWriter, rule: RuleIr, context: RouteContext): void {
  for (const form of formsOf(rule, context)) {
    openMessage(writer, VIRTUAL_HOST_ROUTES);
    writeMatch(writer, rule, form.authority);
    form.write(writer);
    writePolicies(writer, rule, form.isForwarded);
    writeText(writer, ROUTE.name, rule.name);
    writer.join();
  }
}

function formsOf(rule: RuleIr, context: RouteContext): readonly RouteForm[] {
  const { action } = rule;
  switch (action.kind) {
    case "forward":
      return forwardForms(action);
    case "redirect":
      return redirectForms(rule, action, context);
    case "respond":
      return respondForms(action);
  }
}

function writeMatch(writer: BinaryWriter, { path, conditions }: RuleIr, authority: string | null): void {
  openMessage(writer, ROUTE.match);
  writePath(writer, path);
  for (const condition of conditions) writeCondition(writer, condition);
  if (authority !== null) writeAuthority(writer, authority);
  writer.join();
}

/** `path_separated_prefix` refuses the bare slash, for which `prefix` says the same. */
function writePath(writer: BinaryWriter, { kind, value }: PathMatchIr): void {
  if (kind === "exact") writeText(writer, MATCH.path, value);
  else if (kind === "regex") writeRegex(writer, MATCH.safeRegex, value);
  else writeText(writer, value === "/" ? MATCH.prefix : MATCH.pathSeparatedPrefix, value);
}
