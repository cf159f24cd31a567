/**
 * `http.redirectToHttps` of a listener: one rule behind all others, on every host that it has; of routes only what is asked in the clear
 * to prove whose host it is stays. A proxy sees hosts and rules as any others.
 */
import { defaults } from "../../gen/defaults.ts";
import { REDIRECT_TO_HTTPS, type RedirectIr, type RuleIr, redirectRoute, type VirtualHostIr } from "../../ir/index.ts";
import { ANY_HOST, isChallengePath, type Listener } from "../../model/index.ts";
import { compareText } from "../../util/sorted.ts";
import { type Steps, shouldYield } from "../../util/steps.ts";
import type { CompilerMemory } from "../memory.ts";
import { policiesOf } from "../policies/index.ts";
import { reuse, reuseList, reuseParent } from "../reuse.ts";
import type { CompiledRoute } from "./changes.ts";
import type { Hosts } from "./hosts.ts";

const DEFAULTS = {
  port: defaults["listener.http.redirectToHttps.port"],
  status: defaults["listener.http.redirectToHttps.status"],
};

const ANY_PATH: RuleIr["path"] = Object.freeze({ kind: "prefix", value: "/" });

/** The rule that takes what no route does; null: the listener does not redirect. */
export function redirectRule(
  { name, http }: Listener,
  before: RuleIr | null | undefined,
  memory: CompilerMemory,
): RuleIr | null {
  if (http?.redirectToHttps === undefined) return null;
  const { port, status } = { ...DEFAULTS, ...http.redirectToHttps };
  const target = { kind: "redirect", scheme: "https", hostname: null, path: null } as const;
  const action: RedirectIr = { ...target, port, status: status as RedirectIr["status"] };
  const route = redirectRoute(name);
  return reuse<RuleIr>(before, {
    id: `${route}.0.0`,
    name: `${route}/redirectToHttps`,
    route,
    ruleName: "redirectToHttps",
    pointer: REDIRECT_TO_HTTPS,
    protocol: "http",
    path: ANY_PATH,
    conditions: [],
    action: Object.freeze(action),
    policies: policiesOf({}, memory),
  });
}

/** The routes with the rules that are served all the same; those that have none are left out. */
export function challengesOf(routes: readonly CompiledRoute[]): readonly CompiledRoute[] {
  return routes.flatMap(({ route, rules }) => {
    const served = rules.filter(({ path }) => isChallengePath(path.kind, path.value));
    return served.length === 0 ? [] : { route, rules: served };
  });
}

/** The hosts with `rule` behind their own, and all other hosts of the listener with it alone. `before`: the last such list. */
export function* redirectedHosts(
  { list, groupOf }: Hosts,
  {
    rule,
    hostname,
    before,
  }: { readonly rule: RuleIr; readonly hostname: string | null; readonly before: readonly VirtualHostIr[] },
): Steps<readonly VirtualHostIr[]> {
  const old = new Map(before.map((host) => [host.hostnames[0], host]));
  const scope = hostname?.toLowerCase() ?? ANY_HOST;
  const others = groupOf.has(scope) ? [] : [{ hostnames: [scope], rules: [], groups: null }];
  const served: VirtualHostIr[] = [];
  for (const [index, host] of [...list, ...others].entries()) {
    if (shouldYield(index)) yield;
    const last = old.get(host.hostnames[0]);
    const hostnames = reuseList(last?.hostnames, host.hostnames);
    const rules = reuseList(last?.rules, [...host.rules, rule]);
    served.push(reuseParent<VirtualHostIr>(last, { hostnames, rules, groups: null }));
  }
  return reuseList(
    before,
    served.sort((a, b) => compareText(a.hostnames[0] as string, b.hostnames[0] as string)),
  );
}
