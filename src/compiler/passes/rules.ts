/** A route's rules as IR: defaults filled in, canary weights laid over splits, one RuleIr per match. */
import { defaults } from "../../gen/defaults.ts";
import type { ActionIr, PathMatchIr, PoliciesIr, RedirectIr, RespondIr, RuleIr, SplitIr } from "../../ir/index.ts";
import { canaryRule, type GrpcPath, grpcPath, type Resource } from "../../model/index.ts";
import { compareText } from "../../util/sorted.ts";
import { conditionsOf, type MatchBody } from "../fields.ts";
import type { CompilerMemory } from "../memory.ts";
import { withoutTrailingSlash } from "../path.ts";
import { policiesOf } from "../policies/index.ts";
import type { RuleBody } from "../policies/policy.ts";
import { reuse } from "../reuse.ts";
import { canaryShares } from "./canaries.ts";

const ANY_PATH = defaults["route.rules[].matches[].path"];
const WEIGHT = defaults["route.rules[].split[].weight"];
const REDIRECT_STATUS = defaults["route.rules[].redirect.status"];
const RESPONSE = {
  body: defaults["route.rules[].respond.body"],
  contentType: defaults["route.rules[].respond.contentType"],
};

const ANY_REQUEST: readonly MatchBody[] = [{}];

export interface RulesInput {
  readonly route: Resource<"route">;
  readonly canaries: readonly Resource<"canary">[] | undefined;
  /** The rules of the route's last version: those that did not change are taken from there. */
  readonly before: readonly RuleIr[] | null;
}

/** All rules of an HTTP or TCP route. Remembered for the route and its canaries. */
export function rulesOfRoute({ route, canaries, before }: RulesInput, memory: CompilerMemory): readonly RuleIr[] {
  const known = memory.rules.get(route);
  if (known !== undefined && known.canaries === canaries) return known.rules;
  const old = before === null ? null : new Map(before.map((rule) => [rule.id, rule]));
  const rules: RuleIr[] = [];
  const protocol: RuleIr["protocol"] = route.body.protocol === "grpc" ? "grpc" : "http";
  for (let index = 0; index < route.body.rules.length; index++) {
    const rule = route.body.rules[index] as RuleBody;
    const canary = canaries?.find(({ body }) => canaryRule(body, route.body) === index);
    const place = {
      route: route.name,
      protocol,
      index,
      action: actionOf(rule, canary),
      policies: policiesOf(rule, memory),
    };
    const { matches = ANY_REQUEST } = rule;
    for (let matchIndex = 0; matchIndex < matches.length; matchIndex++) {
      const id = `${route.name}.${index}.${matchIndex}`;
      const next = ruleOf(rule, place, { id, match: matches[matchIndex] as MatchBody });
      rules.push(reuse(old?.get(id), next));
    }
  }
  memory.rules.set(route, { canaries, rules });
  return rules;
}

interface Place extends Pick<RuleIr, "protocol"> {
  readonly route: string;
  readonly index: number;
  readonly action: ActionIr;
  readonly policies: PoliciesIr;
}

function ruleOf(
  rule: RuleBody,
  { route, protocol, index, action, policies }: Place,
  { id, match }: { readonly id: string; readonly match: MatchBody },
): RuleIr {
  return {
    id,
    name: `${route}/${ownName(rule) ?? index}`,
    route,
    ruleName: rule.name ?? null,
    pointer: `/rules/${index}`,
    protocol,
    path: protocol === "grpc" ? pathOf({ path: grpcPath(match.grpc ?? {}) }) : pathOf(match),
    conditions: conditionsOf(match, protocol),
    action,
    policies,
  };
}

/** A name of digits only could be another rule's place. */
function ownName({ name }: RuleBody): string | null {
  return name === undefined || /^\d+$/.test(name) ? null : name;
}

function pathOf({ path = {} }: { readonly path?: GrpcPath }): PathMatchIr {
  if (path.exact !== undefined) return Object.freeze({ kind: "exact", value: path.exact });
  if (path.regex !== undefined) return Object.freeze({ kind: "regex", value: path.regex });
  return Object.freeze({ kind: "prefix", value: withoutTrailingSlash(path.prefix ?? ANY_PATH.prefix) });
}

function actionOf(rule: RuleBody, canary: Resource<"canary"> | undefined): ActionIr {
  if (rule.redirect !== undefined) return redirectOf(rule.redirect);
  if (rule.respond !== undefined) return respondOf(rule.respond);
  return Object.freeze({ kind: "forward", split: splitOf(rule, canary) });
}

function redirectOf(body: NonNullable<RuleBody["redirect"]>): RedirectIr {
  const { scheme = null, hostname = null, port, path, status = REDIRECT_STATUS } = body;
  const target =
    path?.full !== undefined
      ? { kind: "full" as const, value: path.full }
      : path?.prefix !== undefined
        ? { kind: "prefix" as const, value: withoutTrailingSlash(path.prefix) }
        : null;
  return Object.freeze({
    kind: "redirect",
    scheme,
    hostname: hostname?.toLowerCase() ?? null,
    port: port ?? (scheme === null ? "listener" : null),
    path: target === null ? null : Object.freeze(target),
    status: status as RedirectIr["status"],
  });
}

function respondOf(respond: NonNullable<RuleBody["respond"]>): RespondIr {
  const { status, body, contentType } = { ...RESPONSE, ...respond };
  return Object.freeze({ kind: "respond", status, body, contentType });
}

function splitOf(rule: RuleBody, canary: Resource<"canary"> | undefined): SplitIr {
  const used: SplitIr[number][] = [];
  for (const { cluster, weight = WEIGHT } of canary === undefined ? (rule.split ?? []) : canaryShares(canary))
    if (weight > 0) used.push(Object.freeze({ cluster, weight }));
  return used.length < 2 ? used : used.sort((a, b) => compareText(a.cluster, b.cluster));
}
