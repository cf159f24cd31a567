/** A rule as one or more Routes. */
import type { BinaryWriter } from "@bufbuild/protobuf/wire";
import { RouteSchema } from "../../gen/proto/envoy/config/route/v3/route_components_pb.js";
import type { PathMatchIr, RuleIr } from "../../ir/index.ts";
import { ruleMetadata } from "./accessLog.ts";
import type { RouteContext, RouteForm } from "./actions/action.ts";
import { forwardForms } from "./actions/forward.ts";
import { redirectForms } from "./actions/redirect.ts";
import { respondForms } from "./actions/respond.ts";
import { retryPolicyBytes } from "./failover.ts";
import { writeAuthority, writeCondition, writeUpgrade } from "./fields.ts";
import { writePolicies } from "./policies/index.ts";
import type { RoutePlace } from "./policies/policy.ts";
import { tunnelsApart } from "./policies/timeouts.ts";
import { append, openMessage, ROUTE, writeRegex, writeText } from "./writer.ts";

/** Number in VirtualHost. */
const VIRTUAL_HOST_ROUTES = 3;
/** Numbers in RouteMatch. */
const MATCH = { prefix: 1, path: 2, safeRegex: 10, pathSeparatedPrefix: 14 } as const;

/** Adds the rule's routes, in order, to the open VirtualHost. */
export function writeRule(writer: BinaryWriter, rule: RuleIr, context: RouteContext): void {
  const { clientSilenceMs, isLogged } = context;
  const place = { clientSilenceMs, isLogged, retryPolicy: retryPolicyBytes };
  for (const form of formsOf(rule, context)) {
    const { isForwarded } = form;
    if (isForwarded && tunnelsApart(rule, clientSilenceMs))
      writeRoute(writer, form, { rule, isForwarded, isTunnel: true, ...place });
    writeRoute(writer, form, { rule, isForwarded, isTunnel: false, ...place });
  }
}

type LoggedPlace = RoutePlace & Pick<RouteContext, "isLogged">;

function writeRoute(writer: BinaryWriter, form: RouteForm, place: LoggedPlace): void {
  const { rule } = place;
  openMessage(writer, VIRTUAL_HOST_ROUTES);
  openMessage(writer, ROUTE.match);
  writePath(writer, rule.path);
  for (const condition of rule.conditions) writeCondition(writer, condition);
  if (form.authority !== null) writeAuthority(writer, form.authority);
  if (place.isTunnel) writeUpgrade(writer);
  writer.join();
  form.write(writer);
  writePolicies(writer, place);
  writeText(writer, ROUTE.name, rule.name);
  if (place.isLogged) append(writer, RouteSchema, { metadata: ruleMetadata(rule) });
  writer.join();
}

function formsOf(rule: RuleIr, context: RouteContext): readonly RouteForm[] {
  const { action } = rule;
  switch (action.kind) {
    case "forward":
      return forwardForms(action, context);
    case "redirect":
      return redirectForms(rule, action, context);
    case "respond":
      return respondForms(action);
  }
}

/** `path_separated_prefix` refuses the bare slash, for which `prefix` says the same. */
function writePath(writer: BinaryWriter, { kind, value }: PathMatchIr): void {
  if (kind === "exact") writeText(writer, MATCH.path, value);
  else if (kind === "regex") writeRegex(writer, MATCH.safeRegex, value);
  else writeText(writer, value === "/" ? MATCH.prefix : MATCH.pathSeparatedPrefix, value);
}
