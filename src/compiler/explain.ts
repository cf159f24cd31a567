/**
 * What a fleet does with a request, and why: the reference meaning of the IR, evaluated rule by rule. Every proxy must agree
 * with it (e2e compares).
 */
import type {
  ConditionIr,
  FleetIr,
  ForwardIr,
  HttpPortIr,
  RedirectIr,
  RuleIr,
  TlsPortIr,
  VirtualHostIr,
} from "../ir/index.ts";
import { GRPC_CONTENT, isActive, plainName } from "../ir/index.ts";
import { ANY_HOST, covers, isWithin } from "../model/index.ts";
import { type MatchBudget, matchesWhole } from "../regex/index.ts";
import type { Steps } from "../util/steps.ts";
import { explainConnection } from "./explainConnection.ts";
import type { ExplainedRule, Explanation, Outcome } from "./explanation.ts";
import { type Asked, compareConditions, fieldTitle, readField } from "./fields.ts";
import { labelsOf } from "./geoLabels.ts";
import { cookieProblem, requestProblem, seenFields } from "./requestPolicy.ts";

/** A request as `explain` takes it. */
export interface ExplainRequest extends Asked {
  readonly fleet: string;
  /** Which of the fleet's HTTP and TLS ports; default: the only one of HTTP, or the only one. */
  readonly port?: number | undefined;
  /** The server name that the client asks for (SNI), empty: none; default: the host. */
  readonly serverName?: string | undefined;
  /** The Host header. */
  readonly host: string;
}

/** More rules than this tell a person nothing; the winner is always among them. */
const MAX_EXPLAINED_RULES = 50;

/** What the regular expressions of one explanation may cost: about a second. 10 000 usual ones need half of it. */
const MATCH_BUDGET = 600_000_000;

/** Null when the fleet has no such port of HTTP or TLS. Throws MatchTooLongError when the regular expressions take too long. */
export function* explain(fleet: FleetIr, request: ExplainRequest): Steps<Explanation | null> {
  const port = portOf(fleet, request.port);
  if (port === undefined) return null;
  const host = plainHost(request.host);
  const connection = explainConnection(port, request.serverName?.toLowerCase() ?? host);
  if (connection !== null || port.kind !== "http") return connection;
  const problem = requestProblem(request);
  if (problem !== null) return { host, virtualHost: null, outcome: { kind: "error", ...problem }, rules: [] };
  const virtualHost = chooseHost(port.virtualHosts, host);
  if (virtualHost === undefined) {
    return {
      host,
      virtualHost: null,
      outcome: { kind: "error", status: 404, reason: `no route serves the host ${host}` },
      rules: [],
    };
  }
  const fault = cookieProblem(virtualHost.rules, request.headers);
  if (fault !== null) return { host, virtualHost: null, outcome: { kind: "error", ...fault }, rules: [] };
  const labelIn = labelsOf(port.geoTables, request.source);
  const { rules, winner } = yield* judge(virtualHost, { ...request, headers: seenFields(request.headers), labelIn });
  const outcome: Outcome =
    winner === null
      ? { kind: "error", status: 404, reason: "no rule of this host matches" }
      : outcomeOf(fleet, winner, { request, host, port });
  return { host, virtualHost: mostSpecific(virtualHost, host), outcome, rules };
}

function portOf({ ports }: FleetIr, wanted: number | undefined): HttpPortIr | TlsPortIr | undefined {
  const own = ports.filter((port) => port.kind === "http" || port.kind === "tls");
  if (wanted !== undefined) return own.find(({ port }) => port === wanted);
  const ofHttp = own.filter(({ kind }) => kind === "http");
  const [only, ...others] = ofHttp.length > 0 ? ofHttp : own;
  return others.length === 0 ? only : undefined;
}

/** The Host header as hosts are compared: lower case, no port, no trailing dot. */
function plainHost(header: string): string {
  return header.toLowerCase().replace(/:\d*$/, "").replace(/\.$/, "");
}

function chooseHost(hosts: readonly VirtualHostIr[], host: string): VirtualHostIr | undefined {
  const rank = (virtualHost: VirtualHostIr): number => {
    const hostname = mostSpecific(virtualHost, host);
    return hostname === null ? -1 : hostname === host ? Number.MAX_SAFE_INTEGER : hostname.length;
  };
  const ranked = hosts.map((virtualHost) => ({ virtualHost, rank: rank(virtualHost) }));
  return ranked.filter((entry) => entry.rank >= 0).sort((a, b) => b.rank - a.rank)[0]?.virtualHost;
}

/** The virtual host's longest pattern that the host matches; null: none. */
function mostSpecific({ hostnames }: VirtualHostIr, host: string): string | null {
  if (hostnames.includes(host)) return host;
  const matching = hostnames.filter((hostname) => hostname === ANY_HOST || covers(hostname, host));
  return matching.sort((a, b) => b.length - a.length)[0] ?? null;
}

interface Judgement {
  readonly rules: readonly ExplainedRule[];
  readonly winner: RuleIr | null;
}

function* judge(host: VirtualHostIr, request: ExplainRequest): Steps<Judgement> {
  const explained: ExplainedRule[] = [];
  const budget = { left: MATCH_BUDGET };
  let winner: RuleIr | null = null;
  for (const rule of host.rules) {
    yield;
    const mismatch = mismatchOf(rule, request, budget);
    const verdict = mismatch !== null ? "doesNotMatch" : winner === null ? "wins" : "loses";
    const reason =
      mismatch ??
      (winner === null ? "the first rule in precedence order that matches" : precedenceReason(winner, rule));
    if (explained.length < MAX_EXPLAINED_RULES || verdict === "wins") {
      explained.push({
        route: rule.route,
        rule: plainName(rule.name.slice(rule.route.length + 1)),
        match: matchText(rule),
        verdict,
        reason,
      });
    }
    if (verdict === "wins") winner = rule;
  }
  return { rules: explained, winner };
}

function mismatchOf(rule: RuleIr, request: ExplainRequest, budget: MatchBudget): string | null {
  const path = rawPath(request.path);
  const { kind, value } = rule.path;
  if (kind === "exact" && path !== value) return `the path is not ${value}`;
  if (kind === "prefix" && !(value === "/" || path === value || path.startsWith(`${value}/`)))
    return `the path does not start with the elements ${value}`;
  if (kind === "regex" && !matchesWhole(value, path, budget)) return `the path does not match ${value}`;
  for (const condition of rule.conditions) {
    const reason = failureOf(condition, request, budget);
    if (reason !== null) return isCallCondition(condition, rule) ? "the request is no call of gRPC" : reason;
  }
  return null;
}

function failureOf({ field, test, value }: ConditionIr, request: ExplainRequest, budget: MatchBudget): string | null {
  const content = readField(field, request);
  const title = fieldTitle(field);
  switch (test) {
    case "exact":
      return content.value === value ? null : `${title} is not ${JSON.stringify(value)}`;
    case "regex":
      if (content.value !== "" && matchesWhole(value, content.value, budget)) return null;
      return `${title} does not match ${value}`;
    case "present":
      return content.isPresent ? null : `${title} is missing or empty`;
    case "absent":
      return content.isPresent ? `${title} is there` : null;
    case "within":
      if (!content.isPresent) return `${title} is not told`;
      return isWithin(content.value, value.split(" ")) ? null : `${title} is not within ${rangesText(value)}`;
  }
}

const WITH_ARTICLE = { exact: "an exact", regex: "a regex", prefix: "a prefix" } as const;

function precedenceReason(winner: RuleIr, loser: RuleIr): string {
  if (winner.path.kind !== loser.path.kind)
    return `${WITH_ARTICLE[winner.path.kind]} path wins over ${WITH_ARTICLE[loser.path.kind]} one`;
  if (winner.path.value.length !== loser.path.value.length) return "a longer path pattern wins";
  if (winner.path.value !== loser.path.value) return "of regexes of equal length the one declared first wins";
  const { kind } = compareConditions(winner.conditions, loser.conditions);
  if (kind !== null) return `the rule with more ${kind} wins`;
  return winner.route === loser.route ? "the earlier rule of the route wins" : "the route whose name comes first wins";
}

function matchText(rule: RuleIr): string {
  const { protocol, path, conditions } = rule;
  const own = conditions.filter((condition) => !isCallCondition(condition, rule));
  const where = `${path.kind} ${path.value}`;
  return [protocol === "grpc" ? `grpc ${where}` : where, ...own.map(conditionWords)].join(", ");
}

/** What every match of a gRPC route asks for. */
function isCallCondition({ field, value }: ConditionIr, { protocol }: RuleIr): boolean {
  return protocol === "grpc" && field.kind === "header" && field.name === "content-type" && value === GRPC_CONTENT;
}

function conditionWords({ field, test, value }: ConditionIr): string {
  const title = fieldTitle(field).replace(/^the /, "");
  switch (test) {
    case "exact":
      return `${title} = ${value}`;
    case "regex":
      return `${title} ~ ${value}`;
    case "present":
    case "absent":
      return `${title} ${test}`;
    case "within":
      return `${title} within ${rangesText(value)}`;
  }
}

/** A rule may have 64 ranges: the first ones are enough to recognise it. */
const MAX_RANGES = 5;

function rangesText(value: string): string {
  const ranges = value.split(" ");
  const more = ranges.length > MAX_RANGES ? [`${ranges.length - MAX_RANGES} more`] : [];
  return [...ranges.slice(0, MAX_RANGES), ...more].join(" or ");
}

function rawPath(target: string): string {
  return target.split("?", 1)[0] as string;
}

interface Place {
  readonly request: ExplainRequest;
  readonly host: string;
  readonly port: HttpPortIr;
}

function outcomeOf(fleet: FleetIr, rule: RuleIr, place: Place): Outcome {
  const { action } = rule;
  const path = rawPath(place.request.path);
  const query = place.request.path.slice(path.length);
  if (action.kind === "respond") return { kind: "respond", status: action.status };
  if (action.kind === "forward")
    return forwardOutcome(fleet, action, newPath(rule, rule.policies.rewrite?.path ?? null, path) + query);
  const scheme = action.scheme ?? "http";
  const port = action.port === "listener" ? place.port.port : action.port;
  const shownPort = port === null || port === (scheme === "https" ? 443 : 80) ? "" : `:${port}`;
  const target = newPath(rule, action.path, path);
  return {
    kind: "redirect",
    status: action.status,
    location: `${scheme}://${action.hostname ?? place.host}${shownPort}${target}${query}`,
  };
}

function forwardOutcome(fleet: FleetIr, action: ForwardIr, path: string): Outcome {
  const total = action.split.reduce((sum, { weight }) => sum + weight, 0);
  const dead = action.split.every(
    ({ cluster }) => fleet.clusters.find(({ name }) => name === cluster)?.endpoints.some(isActive) === false,
  );
  if (dead)
    return { kind: "error", status: 503, reason: "no cluster of the split has an active endpoint with a weight" };
  return {
    kind: "forward",
    split: action.split.map(({ cluster, weight }) => ({ cluster, sharePercent: (100 * weight) / total })),
    path,
  };
}

/** Gateway API, ReplacePrefixMatch: no slash is doubled or lost, and the result is never empty. */
function newPath(rule: RuleIr, change: RedirectIr["path"], path: string): string {
  if (change === null) return path;
  if (change.kind === "full") return change.value;
  const replacement = change.value;
  const matched = rule.path.value === "/" ? "" : rule.path.value;
  const base = replacement === "/" ? "" : replacement;
  return base + path.slice(matched.length) || "/";
}
