/** A route's rules as IR: defaults filled in, canary weights laid over splits, one RuleIr per match. */
import type {
  ActionIr,
  HeaderChangesIr,
  HeaderMatchIr,
  HeaderSettingIr,
  PathMatchIr,
  RuleIr,
  SplitIr,
} from "../../ir/index.ts";
import { canaryRule, durationMs, type Resource, type Route, type Snapshot } from "../../model/index.ts";
import { compareText } from "../../util/sorted.ts";

type RuleBody = Route["rules"][number];
type MatchBody = NonNullable<RuleBody["matches"]>[number];
type HeaderChangesBody = NonNullable<RuleBody["requestHeaders"]>;

/** Schema default of `timeouts.idle`. */
const DEFAULT_IDLE_MS = 60_000;
/** Canary weights are per cent with one decimal: thousandths keep them whole. */
const CANARY_SCALE = 10;

/** Canaries by route, ascending by name. An unchanged route's list is the same array as before. */
export type CanaryIndex = ReadonlyMap<string, readonly Resource<"canary">[]>;

/** The canaries of a model; lists that hold the same as in `previous` are taken from there. */
export function indexCanaries(snapshot: Snapshot, previous: CanaryIndex | null): CanaryIndex {
  const index = new Map<string, Resource<"canary">[]>();
  for (const name of [...snapshot.canary.keys()].sort()) {
    const canary = snapshot.canary.get(name) as Resource<"canary">;
    const list = index.get(canary.body.route);
    if (list === undefined) index.set(canary.body.route, [canary]);
    else list.push(canary);
  }
  for (const [route, list] of index) {
    const old = previous?.get(route);
    if (old?.length === list.length && list.every((canary, place) => canary === old[place]))
      index.set(route, old as Resource<"canary">[]);
  }
  return index;
}

const cache = new WeakMap<
  Resource<"route">,
  { canaries: readonly Resource<"canary">[] | undefined; rules: readonly RuleIr[] }
>();

/** All rules of an HTTP or TCP route. Cached by identity of the route and its canaries. */
export function rulesOfRoute(
  route: Resource<"route">,
  canaries: readonly Resource<"canary">[] | undefined,
): readonly RuleIr[] {
  const known = cache.get(route);
  if (known !== undefined && known.canaries === canaries) return known.rules;
  const rules = route.body.rules.flatMap((rule, index) => {
    const canary = canaries?.find(({ body }) => canaryRule(body, route.body) === index);
    return rulesOfRule(route.name, rule, { index, canary });
  });
  cache.set(route, { canaries, rules });
  return rules;
}

function rulesOfRule(
  route: string,
  rule: RuleBody,
  place: { index: number; canary: Resource<"canary"> | undefined },
): RuleIr[] {
  const action = actionOf(rule, place.canary);
  const responseHeaders = headerChanges(rule.responseHeaders);
  return (rule.matches ?? [{}]).map((match, matchIndex) =>
    Object.freeze({
      id: `${route}.${place.index}.${matchIndex}`,
      route,
      ruleName: rule.name ?? null,
      pointer: `/rules/${place.index}`,
      path: pathOf(match),
      method: match.method ?? null,
      headers: headersOf(match),
      action,
      responseHeaders,
    }),
  );
}

function pathOf({ path = {} }: MatchBody): PathMatchIr {
  if (path.exact !== undefined) return Object.freeze({ kind: "exact", value: path.exact });
  if (path.regex !== undefined) return Object.freeze({ kind: "regex", value: path.regex });
  return Object.freeze({ kind: "prefix", value: withoutTrailingSlash(path.prefix ?? "/") });
}

/** A slash at the end of a prefix is ignored (Gateway API, PathPrefix); `/` stays. */
function withoutTrailingSlash(prefix: string): string {
  return prefix.replace(/\/+$/, "") || "/";
}

const NO_HEADERS: readonly HeaderMatchIr[] = [];

function headersOf({ headers }: MatchBody): readonly HeaderMatchIr[] {
  if (headers === undefined) return NO_HEADERS;
  const list = headers.map((header): HeaderMatchIr => {
    const name = header.name.toLowerCase();
    if (header.exact !== undefined) return Object.freeze({ name, kind: "exact", value: header.exact });
    if (header.regex !== undefined) return Object.freeze({ name, kind: "regex", value: header.regex });
    return Object.freeze({ name, kind: header.present ? "present" : "absent", value: "" });
  });
  const text = ({ name, kind, value }: HeaderMatchIr): string => `${name} ${kind} ${value}`;
  list.sort((a, b) => compareText(text(a), text(b)));
  return list.filter((header, index) => index === 0 || text(header) !== text(list[index - 1] as HeaderMatchIr));
}

function actionOf(rule: RuleBody, canary: Resource<"canary"> | undefined): ActionIr {
  if (rule.redirect !== undefined) {
    const { scheme = null, hostname = null, port, path, status = 302 } = rule.redirect;
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
      status: status as 302,
    });
  }
  if (rule.respond !== undefined) {
    const { status, body = "", contentType = "text/plain" } = rule.respond;
    return Object.freeze({ kind: "respond", status, body, contentType });
  }
  return Object.freeze({
    kind: "forward",
    split: splitOf(rule, canary),
    rewritePrefix: rule.rewrite === undefined ? null : withoutTrailingSlash(rule.rewrite.path.prefix),
    requestHeaders: headerChanges(rule.requestHeaders),
    idleTimeoutMs: rule.timeouts?.idle === undefined ? DEFAULT_IDLE_MS : durationMs(rule.timeouts.idle),
    requestTimeoutMs: rule.timeouts?.request === undefined ? null : durationMs(rule.timeouts.request),
  });
}

function splitOf(rule: RuleBody, canary: Resource<"canary"> | undefined): SplitIr {
  let shares = (rule.split ?? []).map(({ cluster, weight = 1 }) => ({ cluster, weight }));
  if (canary !== undefined) {
    const step = canary.body.steps[canary.body.state?.step ?? 0];
    const share = Math.round((step?.weight ?? 0) * CANARY_SCALE);
    shares = [
      { cluster: canary.body.canary, weight: share },
      { cluster: canary.body.stable, weight: 100 * CANARY_SCALE - share },
    ];
  }
  const used = shares.filter(({ weight }) => weight > 0).sort((a, b) => compareText(a.cluster, b.cluster));
  return used.map((share) => Object.freeze(share));
}

const NO_CHANGES: HeaderChangesIr = Object.freeze({
  set: [],
  add: [],
  remove: [],
});

function headerChanges(body: HeaderChangesBody | undefined): HeaderChangesIr {
  if (body === undefined) return NO_CHANGES;
  return Object.freeze({
    set: settings(body.set),
    add: settings(body.add),
    remove: (body.remove ?? []).map((name) => name.toLowerCase()).sort(),
  });
}

function settings(list: HeaderChangesBody["set"]): readonly HeaderSettingIr[] {
  const lower = (list ?? []).map(({ name, value }) => Object.freeze({ name: name.toLowerCase(), value }));
  return lower.sort((a, b) => compareText(a.name, b.name));
}
