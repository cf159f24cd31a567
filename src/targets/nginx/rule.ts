/** One rule: the directives of the location that serves it, and what they need elsewhere. */
import type { ForwardIr, RespondIr, RuleIr } from "../../ir/index.ts";
import { loggedLines } from "./accessLog.ts";
import { block, inline, NO_BLOCK } from "./blocks.ts";
import { type Body, bodyOf, type NamedBody } from "./body.ts";
import { USUAL_CONNECT_MS } from "./common.ts";
import { keptFields } from "./gatedFields.ts";
import { type Jumps, jumpTo } from "./jumps.ts";
import { type Claim, matchSuffix, type Names, ruleLocation } from "./names.ts";
import { lowerPolicies } from "./policies/index.ts";
import type { AnswerField, PathChange, PolicyPart, RequestField } from "./policies/policy.ts";
import { comment, literal, milliseconds, type Part, param, variable, word } from "./quote.ts";
import { lowerRedirect } from "./redirect.ts";
import { REQUEST_SEED, sharesView } from "./splits.ts";
import { placeText } from "./texts.ts";
import { type LimitPlace, requestLimitLines } from "./upstream/limits.ts";
import { type ViaPlace, viaFields } from "./via.ts";
import type { Block, MapView } from "./views.ts";

/** A `split_clients` block. */
export interface Split {
  readonly claim: Claim;
  readonly block: Block;
}

/** What one rule gives. */
export interface LoweredRule {
  /** Works in every location that the request's path has found. */
  readonly body: Body;
  /** Works where it is jumped to. */
  readonly named: NamedBody;
  /** Cheaper than `body`, for the location of the rule's own prefix; requests that it is wrong for go to `named`. Null: there is none. */
  readonly native: Body | null;
  /** Locations that `named` jumps to. */
  readonly others: readonly NamedBody[];
  readonly split: Split | null;
  readonly answerFields: readonly AnswerField[];
  readonly maps: readonly MapView[];
  readonly clusters: readonly string[];
}

/** What lowering a rule needs to know beside it. */
export interface RulePlace extends LimitPlace, ViaPlace {
  /** Of the socket that it is lowered for: its variables are named after it. */
  readonly listener: string;
  /** Locations see the path as it was sent, so it has to be passed on by a variable. */
  readonly isRaw: boolean;
  readonly jumps: Jumps;
  readonly names: Names;
  /** Of every cluster, by name. */
  readonly connectTimeouts: ReadonlyMap<string, number>;
  /** Request fields that rules of its server look at. */
  readonly gated: readonly string[];
  /** Its locations say whose they are: the fleet has an access log. */
  readonly isLogged: boolean;
  /** `proxy_pass` directives by upstream and URI: many rules have the same. */
  readonly forwards: Map<string, Block>;
}

/** One empty list for all rules. */
const NONE: readonly never[] = [];

/** Depends on the rule, the place and the connect timeouts of its clusters only. */
export function lowerRule(rule: RuleIr, place: RulePlace): LoweredRule {
  const parts = lowerPolicies(rule);
  const { action } = rule;
  const ownLines = linesOf(parts, rule, place);
  // Where it forwards, the cluster is told too.
  const isTold = action.kind !== "forward" || action.split.length === 0;
  const lines = isTold ? [...logLines(rule, null, place), ...ownLines] : ownLines;
  const webSocketLines = webSocketLinesOf(parts, rule, place);
  const forwarded =
    action.kind === "forward" ? lowerForward(rule, action, { parts, lines, webSocketLines, place }) : null;
  const path = forwarded?.path ?? null;
  const dependsOnMatch = path !== null || (action.kind === "redirect" && action.path?.kind === "prefix");
  const bodyOfAction = (): Body => {
    if (action.kind === "redirect") return lowerRedirect(rule, action, lines);
    if (action.kind === "respond") return lowerRespond(action, lines);
    return forwarded?.body ?? { before: null, last: NO_BLOCK };
  };
  const body = bodyOfAction();
  const name = ruleLocation(rule) + (dependsOnMatch ? matchSuffix(rule) : "");
  return {
    body,
    named: { name, body: forwarded?.jumped ?? body },
    native: forwarded?.native ?? null,
    others: forwarded?.others ?? NONE,
    split: forwarded?.split ?? null,
    answerFields: gathered(parts, "answerFields"),
    maps: gathered(parts, "maps"),
    clusters: action.kind === "forward" ? action.split.map(({ cluster }) => cluster) : NONE,
  };
}

function gathered<Key extends "answerFields" | "maps">(
  parts: readonly PolicyPart[],
  key: Key,
): readonly NonNullable<PolicyPart[Key]>[number][] {
  if (!parts.some((part) => (part[key]?.length ?? 0) > 0)) return NONE;
  return parts.flatMap((part) => [...(part[key] ?? NONE)]) as NonNullable<PolicyPart[Key]>[number][];
}

function linesOf(parts: readonly PolicyPart[], { policies }: RuleIr, place: RulePlace): readonly Block[] {
  if (parts.length === 0) return NONE;
  const { set = NONE, add = NONE, remove = NONE } = policies.requestHeaders ?? {};
  const own = new Set([...[...set, ...add].map(({ name }) => name), ...remove]);
  const written = viaFields(place);
  for (const { name } of written) own.add(name.text.toLowerCase());
  const kept = [...keptFields(place.gated, own), ...written];
  return [...parts.flatMap(({ lines }) => lines ?? NONE), ...requestLines(parts, kept)];
}

/** Null: the same as all. */
function webSocketLinesOf(parts: readonly PolicyPart[], rule: RuleIr, place: RulePlace): readonly Block[] | null {
  if (!parts.some(({ webSocketLines }) => webSocketLines !== undefined)) return null;
  const own = parts.map((part) => ({ ...part, lines: part.webSocketLines ?? part.lines ?? NO_BLOCK }));
  return linesOf(own, rule, place);
}

/** One directive of its own makes a location forget all that it would inherit: then it says all of them. */
function requestLines(parts: readonly PolicyPart[], kept: readonly RequestField[]): readonly Block[] {
  const fields = parts.flatMap(({ requestFields }) => requestFields ?? NONE);
  const host = parts.find((part) => part.host !== undefined)?.host;
  if (fields.length === 0 && host === undefined) return NONE;
  return [block("requestFields", { host: param(host ?? variable("authority")), fields: [...kept, ...fields] })];
}

interface LoweredForward extends Pick<LoweredRule, "body" | "native" | "others" | "split"> {
  /** Where it is jumped to; null: like `body`. */
  readonly jumped: Body | null;
  readonly path: PathChange | null;
}

interface ForwardInput {
  readonly parts: readonly PolicyPart[];
  /** Of all parts. */
  readonly lines: readonly Block[];
  /** Of a WebSocket; null: the same. */
  readonly webSocketLines: readonly Block[] | null;
  readonly place: RulePlace;
}

function lowerForward(rule: RuleIr, { split }: ForwardIr, input: ForwardInput): LoweredForward {
  const { parts, lines, webSocketLines, place } = input;
  const path = parts.find((part) => part.path !== undefined)?.path ?? null;
  const [first] = split;
  if (first === undefined) return { ...NO_SPLIT, body: bodyOf(lines, inline("unavailable", {})), path };
  const own = ruleLocation(rule) + (path === null ? "" : matchSuffix(rule));
  const withPath = (directives: readonly Block[]) => (path === null ? directives : [path.lines, ...directives]);
  const general = withPath(lines);
  const uri: Part = path?.uri ?? (place.isRaw ? AS_SENT : "");
  // A searched jump leaves the name of its target for a path.
  const uriJumped = uri === "" && place.jumps === "searched" ? AS_SENT : uri;
  const forwardTo = (upstream: Part, rest = uri) => forward(upstream, rest, place);
  const bodies = (directives: readonly Block[], upstream: Part): Pick<LoweredForward, "body" | "jumped"> => {
    const body = bodyOf(directives, forwardTo(upstream));
    return { body, jumped: uriJumped === uri ? null : { ...body, last: forwardTo(upstream, uriJumped) } };
  };
  const jumpOfWebSockets = (base: string): readonly Block[] =>
    webSocketLines === null ? NONE : [block("webSocket", { jump: jumpTo(`${base}${WEB_SOCKET}`, place.jumps) })];
  const webSockets = (base: string, upstream: Part, timeout: readonly Block[]): readonly NamedBody[] => {
    if (webSocketLines === null) return NONE;
    const body = bodyOf([...withPath(webSocketLines), ...timeout], forwardTo(upstream, uriJumped));
    return [{ name: `${base}${WEB_SOCKET}`, body }];
  };
  const timeout = [...logLines(rule, first.cluster, place), ...clusterLines(first.cluster, place)];
  if (split.length === 1) {
    const native = path === null || place.isRaw ? null : nativeUri(rule, path);
    const start = jumpOfWebSockets(own);
    return {
      ...NO_SPLIT,
      ...bodies([...start, ...general, ...timeout], first.cluster),
      native: native === null ? null : bodyOf([...start, ...lines, ...timeout], forwardTo(first.cluster, native)),
      others: webSockets(own, first.cluster, timeout),
      path,
    };
  }
  if (isOneLocation(split, place)) {
    const drawn = lowerSplit(rule, { split, targets: split.map(({ cluster }) => cluster), key: rule.name }, place);
    const upstream = variable(drawn.claim.got);
    const ends = [...logLines(rule, upstream, place), ...clusterLines(first.cluster, place)];
    const all = bodies([...jumpOfWebSockets(own), ...general, ...ends], upstream);
    return { ...NO_SPLIT, ...all, others: webSockets(own, upstream, ends), split: drawn, path };
  }
  // The connect timeout and the limit are a location's, so the draw picks one.
  const targets = split.map(({ cluster }) => `${own}:${cluster}`);
  const others = split.flatMap(({ cluster }) => {
    const name = `${own}:${cluster}`;
    const timeout = [...logLines(rule, cluster, place), ...clusterLines(cluster, place)];
    const body = bodyOf([...jumpOfWebSockets(name), ...general, ...timeout], forwardTo(cluster, uriJumped));
    return [{ name, body }, ...webSockets(name, cluster, timeout)];
  });
  const drawn = lowerSplit(rule, { split, targets, key: own.slice(1) }, place);
  const jump = jumpTo(variable(drawn.claim.got), place.jumps);
  return { ...NO_SPLIT, body: { before: null, last: jump }, others, split: drawn, path };
}

function forward(upstream: Part, uri: Part, { forwards }: RulePlace): Block {
  const key = `${textOf(upstream)} ${textOf(uri)}`;
  const old = forwards.get(key);
  if (old !== undefined) return old;
  const made = inline("forward", { target: param("http://", upstream, uri) });
  forwards.set(key, made);
  return made;
}

/** Distinct for distinct parts here: no cluster and no path begins like a variable. */
function textOf(part: Part): string {
  return typeof part === "string" ? part : part.text;
}

/** What the name of a location for WebSockets ends with. */
const WEB_SOCKET = ":-websocket";

const NO_SPLIT = { jumped: null, native: null, others: NONE, split: null } as const;

/** Path and query. */
const AS_SENT = variable("request_uri");

/** What takes the place of the location's name, which ends with a slash. */
function nativeUri({ path }: RuleIr, { native }: PathChange): string | null {
  if (native === null || path.kind !== "prefix") return null;
  return native === "/" ? "/" : `${native}/`;
}

function timeoutOf(cluster: string, { connectTimeouts }: RulePlace): number {
  const timeout = connectTimeouts.get(cluster);
  if (timeout === undefined) throw new Error(`no cluster ${cluster}`);
  return timeout;
}

function logLines({ name }: RuleIr, cluster: Part | null, { isLogged }: RulePlace): readonly Block[] {
  return isLogged ? loggedLines(name, cluster) : NONE;
}

/** What a location says of its cluster. */
function clusterLines(cluster: string, place: RulePlace): readonly Block[] {
  const timeout = timeoutOf(cluster, place);
  const lines = timeout === USUAL_CONNECT_MS ? NONE : [block("connectTimeout", { timeout: milliseconds(timeout) })];
  return [...lines, ...requestLimitLines(cluster, place)];
}

/** Whether all clusters have the same lines. */
function isOneLocation(split: ForwardIr["split"], place: RulePlace): boolean {
  const timeouts = new Set(split.map(({ cluster }) => timeoutOf(cluster, place)));
  return timeouts.size === 1 && !split.some(({ cluster }) => place.limited.has(cluster));
}

interface Draw {
  readonly split: ForwardIr["split"];
  /** For each cluster what the draw gives. */
  readonly targets: readonly string[];
  /** Whose draw it is. */
  readonly key: string;
}

function lowerSplit({ name }: RuleIr, { split, targets, key }: Draw, { listener, names }: RulePlace): Split {
  const claim = names.claim(`split_${listener}_${key}`, `split ${listener} ${key}`);
  return {
    claim,
    block: block("split", {
      comment: comment(name),
      seed: REQUEST_SEED,
      name: variable(claim.got),
      shares: sharesView(split, targets),
    }),
  };
}

/** Empty: none is sent. An answer without a body has none on any proxy: Envoy takes it off. */
function contentTypeOf({ body, contentType }: RespondIr): string {
  return body === "" ? "" : contentType;
}

/** What common.conf says. */
const USUAL_TYPE = "text/plain";

/** The body is a variable even when empty: a literal empty text would be nginx's own page. */
function lowerRespond(action: RespondIr, lines: readonly Block[]): Body {
  const type = contentTypeOf(action);
  const { texts, part } = placeText("answer", action.body);
  const before = [
    ...lines,
    ...(type === USUAL_TYPE ? NONE : [block("respondType", { contentType: literal(type) })]),
    ...(texts.length === 0 ? NONE : [block("texts", { texts })]),
  ];
  const body = param(action.body === "" ? variable("nothing") : part);
  return bodyOf(before, inline("respond", { status: word(action.status), body }));
}
