/** One rule: its lines in the maps over `$r`, the policy class that serves it, and the step that rewrites its path. */
import type { ForwardIr, HeaderChangesIr, RedirectIr, RespondIr, RuleIr, SplitIr } from "../../ir/index.ts";
import { type Attribute, attribute, type RuleContext, textAttribute } from "./attributes.ts";
import { type Class, contentTypeOf, type ForwardPolicy } from "./classes.ts";
import { underscored, upstreamName } from "./names.ts";
import {
  FIRST_CAPTURE,
  literalPattern,
  location,
  type MapKey,
  mapKey,
  type Param,
  param,
  regex,
  type Variable,
  variable,
} from "./quote.ts";
import { splitVariable } from "./splits.ts";
import type { RuleLocationView } from "./views.ts";

/** A response header that some rule writes: one `add_header` of the server. */
export interface ResponseHeader {
  readonly name: string;
  /** Distinguishes several values of one name. */
  readonly id: string;
  readonly variables: readonly Variable[];
}

/** What one rule adds to the configuration. */
export interface LoweredRule {
  readonly attributes: readonly Attribute[];
  readonly responseHeaders: readonly ResponseHeader[];
  /** Names that are added (not set) to the request: `$http_x` and the rule's value have to be joined. */
  readonly joined: readonly JoinedHeader[];
  readonly location: RuleLocationView | null;
  /** The same name is the same class. */
  readonly classes: readonly Class[];
  /** The split, when it has to be drawn. */
  readonly split: SplitIr | null;
  /** The clusters of one split have different connect timeouts, which only a class can carry. */
  readonly mixesTimeouts: boolean;
}

/** A request header to whose value the rule's is appended. */
export interface JoinedHeader {
  readonly name: string;
  readonly variable: Variable;
  readonly added: readonly Variable[];
}

/** One empty list for all rules. */
const NONE: readonly never[] = [];
/** Where a request whose cluster cannot exist goes. */
const NO_CLUSTER = "e:503";
/** The class's connect timeout, for splits whose clusters disagree. */
export const CONNECT_TIMEOUT = variable("ct");
/** The upstream of the request. */
export const UPSTREAM = variable("cl");
/**
 * The header fields that nginx sets, not appends, and clears when the value is empty: so "no change" is the backend's own. The
 * model refuses to add to them.
 */
export const SINGLE_RESPONSE_FIELDS: readonly string[] = ["etag", "last-modified"];

/** Lowers a rule. Pure: depends on the rule and on its clusters' connect timeouts only. */
export function lowerRule(rule: RuleIr, context: RuleContext): LoweredRule {
  const key = mapKey(rule.id);
  const response = lowerResponseHeaders(key, rule.responseHeaders);
  const action = lowerAction({ rule, key }, response.hidden, context);
  return {
    attributes: [attribute(key, "to", action.target), ...action.attributes, ...response.attributes],
    responseHeaders: response.headers,
    joined: action.joined ?? NONE,
    location: action.location ?? null,
    classes: action.classes,
    split: action.split ?? null,
    mixesTimeouts: action.mixesTimeouts ?? false,
  };
}

/** A rule and the key of its lines. */
interface KeyedRule {
  readonly rule: RuleIr;
  readonly key: MapKey;
}

interface LoweredAction {
  /** Where the request goes next; the raw path and `/` follow. */
  readonly target: Param;
  readonly attributes: readonly Attribute[];
  readonly classes: readonly Class[];
  readonly joined?: readonly JoinedHeader[];
  readonly location?: RuleLocationView | null;
  readonly split?: SplitIr | null;
  readonly mixesTimeouts?: boolean;
}

function lowerAction(keyed: KeyedRule, hidden: readonly string[], context: RuleContext): LoweredAction {
  const { action } = keyed.rule;
  switch (action.kind) {
    case "forward":
      return lowerForward(keyed, { action, hidden }, context);
    case "redirect":
      return lowerRedirect(keyed, action, context);
    case "respond":
      return lowerRespond(keyed, action, context);
  }
}

function lowerForward(
  keyed: KeyedRule,
  { action, hidden }: { readonly action: ForwardIr; readonly hidden: readonly string[] },
  context: RuleContext,
): LoweredAction {
  const { namer, connectTimeouts, classOf } = context;
  const { split } = action;
  const first = split[0];
  if (first === undefined) return { target: param(NO_CLUSTER), attributes: [], classes: [] };
  const isDrawn = split.length > 1;
  const timeouts = isDrawn
    ? [...new Set(split.map(({ cluster }) => timeoutOf(cluster, connectTimeouts)))]
    : [timeoutOf(first.cluster, connectTimeouts)];
  const request = lowerRequestHeaders(keyed.key, action.requestHeaders);
  const idleMs = Math.min(action.idleTimeoutMs, action.requestTimeoutMs ?? Number.POSITIVE_INFINITY);
  const policy = { request: request.fields, hidden, idleMs };
  const prefix = classPrefix(policy, context);
  const mixesTimeouts = timeouts.length > 1;
  const name = mixesTimeouts ? param(prefix, CONNECT_TIMEOUT) : param(prefix + timeouts[0]);
  const upstream = isDrawn ? param(splitVariable(split, namer)) : param(upstreamName(first.cluster));
  const step = pathStep(
    keyed,
    action.rewritePrefix,
    mixesTimeouts ? [prefix, CONNECT_TIMEOUT] : [prefix + timeouts[0]],
  );
  return {
    target: step?.target ?? name,
    attributes: [attribute(keyed.key, "cl", upstream), ...request.attributes, ...(step?.attributes ?? [])],
    classes: timeouts.map((connectMs) => {
      const className = `${prefix}${connectMs}`;
      return classOf(className, () => ({ kind: "forward", name: className, policy: { ...policy, connectMs } }));
    }),
    joined: request.joined.length === 0 ? NONE : request.joined,
    location: step?.location ?? null,
    split: isDrawn ? split : null,
    mixesTimeouts,
  };
}

type SharedPolicy = Omit<ForwardPolicy, "connectMs">;

function classPrefix(policy: SharedPolicy, { namer, plainClasses }: RuleContext): string {
  const isPlain = policy.request.length + policy.hidden.length === 0;
  const known = isPlain ? plainClasses.get(policy.idleMs) : undefined;
  if (known !== undefined) return known;
  const request = policy.request.map(({ name, value }) => [name, value.text]);
  const prefix = `c:${namer("class", [request, policy.hidden, policy.idleMs])}:`;
  if (isPlain) plainClasses.set(policy.idleMs, prefix);
  return prefix;
}

function timeoutOf(cluster: string, connectTimeouts: ReadonlyMap<string, number>): number {
  const timeout = connectTimeouts.get(cluster);
  if (timeout === undefined) throw new Error(`no cluster ${cluster}`);
  return timeout;
}

/** Replaces the prefix that the rule matched: `r:<rule>/<raw path>/` becomes `<class><new path>/`. */
function pathStep({ rule, key }: KeyedRule, replacement: string | null, target: readonly (string | Variable)[]) {
  if (replacement === null) return null;
  const name = `r:${rule.id}`;
  const matched = rule.path.value === "/" ? "" : rule.path.value;
  const isStripped = replacement === "/";
  const text = textAttribute(key, { prefix: "rp", suffix: "" }, isStripped ? "/" : replacement);
  const start = `^${literalPattern(name + matched)}`;
  return {
    target: param(name),
    attributes: text.attributes,
    location: {
      name: location("prefix", `${name}/`),
      pattern: regex(isStripped ? `${start}/?(.*)/$` : `${start}(.*)/$`),
      replacement: param(...target, ...text.variables, FIRST_CAPTURE, "/"),
    },
  };
}

interface LoweredRequest {
  readonly attributes: readonly Attribute[];
  readonly fields: ForwardPolicy["request"];
  readonly joined: readonly JoinedHeader[];
}

const NO_REQUEST_CHANGES: LoweredRequest = { attributes: NONE, fields: NONE, joined: NONE };

function lowerRequestHeaders(key: MapKey, changes: HeaderChangesIr): LoweredRequest {
  if (isEmpty(changes)) return NO_REQUEST_CHANGES;
  const attributes: Attribute[] = [];
  const fields: { name: string; value: Param }[] = [];
  const joined: JoinedHeader[] = [];
  for (const { name, value } of changes.set) {
    const text = textAttribute(key, { prefix: "qs", suffix: `_${underscored(name)}` }, value);
    attributes.push(...text.attributes);
    fields.push({ name, value: param(...text.variables) });
  }
  for (const [name, values] of valuesByName(changes.add)) {
    const text = textAttribute(key, { prefix: "qa", suffix: `_${underscored(name)}` }, values.join(","));
    const whole = variable(`qj${text.variables.length}_${underscored(name)}`);
    attributes.push(...text.attributes);
    joined.push({ name, variable: whole, added: text.variables });
    fields.push({ name, value: param(whole) });
  }
  for (const name of changes.remove) fields.push({ name, value: param("") });
  return { attributes, fields, joined };
}

function isEmpty({ set, add, remove }: HeaderChangesIr): boolean {
  return set.length + add.length + remove.length === 0;
}

function valuesByName(settings: HeaderChangesIr["add"]): ReadonlyMap<string, readonly string[]> {
  const values = new Map<string, string[]>();
  for (const { name, value } of settings) values.set(name, [...(values.get(name) ?? []), value]);
  return values;
}

interface LoweredResponse {
  readonly attributes: readonly Attribute[];
  readonly headers: readonly ResponseHeader[];
  readonly hidden: readonly string[];
}

const NO_RESPONSE_CHANGES: LoweredResponse = { attributes: NONE, headers: NONE, hidden: NONE };

/** Response headers are written by `add_header … always` of the server; what they replace is hidden in the class. */
function lowerResponseHeaders(key: MapKey, changes: HeaderChangesIr): LoweredResponse {
  if (isEmpty(changes)) return NO_RESPONSE_CHANGES;
  const { set, add, remove } = changes;
  const attributes: Attribute[] = [];
  const headers: ResponseHeader[] = [];
  const write = (name: string, value: string, prefix: string) => {
    const text = textAttribute(key, { prefix, suffix: `_${underscored(name)}` }, value);
    attributes.push(...text.attributes);
    headers.push({ name, id: prefix, variables: text.variables });
  };
  for (const { name, value } of set) write(name, value, "ss");
  for (const [name, values] of valuesByName(add)) {
    for (const [index, value] of values.entries()) write(name, value, `sa${"x".repeat(index)}`);
  }
  for (const name of remove) if (SINGLE_RESPONSE_FIELDS.includes(name)) write(name, "", "ss");
  const hidden = [...set.map(({ name }) => name), ...remove].sort();
  return { attributes, headers, hidden };
}

function lowerRespond({ key }: KeyedRule, action: RespondIr, { namer, classOf }: RuleContext): LoweredAction {
  const body = textAttribute(key, { prefix: "body", suffix: "" }, action.body);
  const policy = [action.status, contentTypeOf(action), body.variables.length];
  const name = `d:${namer("class", policy)}`;
  return {
    target: param(name),
    attributes: body.attributes,
    classes: [classOf(name, () => ({ kind: "respond", name, policy: { action, body: param(...body.variables) } }))],
  };
}

function lowerRedirect(keyed: KeyedRule, action: RedirectIr, { classOf }: RuleContext): LoweredAction {
  const { path, status } = action;
  const base = attribute(keyed.key, "loc", redirectBase(action));
  if (path?.kind === "full") {
    const name = `f:${status}`;
    const text = textAttribute(keyed.key, { prefix: "rp", suffix: "" }, path.value);
    const fixed = `${name}:${text.variables.length}`;
    return {
      target: param(fixed),
      attributes: [base, ...text.attributes],
      classes: [classOf(fixed, () => ({ kind: "redirect", name: fixed, policy: { status, path: text.variables } }))],
    };
  }
  const name = `s:${status}`;
  const step = pathStep(keyed, path?.value ?? null, [name]);
  return {
    target: step?.target ?? param(name),
    attributes: [base, ...(step?.attributes ?? [])],
    location: step?.location ?? null,
    classes: [classOf(name, () => ({ kind: "redirect", name, policy: { status, path: [variable("uri")] } }))],
  };
}

/** Scheme, host and port of a redirect's target. */
function redirectBase({ scheme, hostname, port }: RedirectIr): Param {
  const isHttps = scheme === "https";
  const host = hostname ?? variable("host");
  const start = [scheme ?? variable("scheme"), "://", host];
  if (port === null || port === (isHttps ? 443 : 80)) return param(...start);
  if (port === "listener") return param(...start, variable(isHttps ? "port_https" : "port_http"));
  return param(...start, `:${port}`);
}
