/** One rule: the directives of the location that serves it, and what they need elsewhere. */
import type { ForwardIr, RespondIr, RuleIr } from "../../ir/index.ts";
import { drawMaps } from "./affinity.ts";
import { type Apart, apartOf } from "./apart.ts";
import { block, inline, NO_BLOCK } from "./blocks.ts";
import { type Body, bodyOf, type NamedBody } from "./body.ts";
import { keptFields } from "./gatedFields.ts";
import { callErrors, forwardCall } from "./grpc.ts";
import { tellingHttp3 } from "./http3.ts";
import { type Jumps, jumpTo } from "./jumps.ts";
import { type Claim, matchSuffix, type Names, ruleLocation } from "./names.ts";
import { lowerPolicies } from "./policies/index.ts";
import type { AnswerField, PathChange, PolicyPart, RequestField } from "./policies/policy.ts";
import { comment, isLongLocation, literal, type Part, param, variable, word } from "./quote.ts";
import { lowerRedirect } from "./redirect.ts";
import { type End, type EndPlace, endOf, isOneLocation, logLines } from "./ruleEnd.ts";
import { REQUEST_SEED, sharesView } from "./splits.ts";
import { placeText } from "./texts.ts";
import type { Block, MapView } from "./views.ts";
import { type WrittenPlace, writtenFields } from "./writtenFields.ts";

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
export interface RulePlace extends EndPlace, WrittenPlace {
  /** Of the socket that it is lowered for: its variables are named after it. */
  readonly listener: string;
  /** Requests come inside TLS. */
  readonly isTls: boolean;
  /** Locations see the path as it was sent, so it has to be passed on by a variable. */
  readonly isRaw: boolean;
  readonly jumps: Jumps;
  readonly names: Names;
  /** Request fields that rules of its server look at. */
  readonly gated: readonly string[];
  /** `proxy_pass` directives by upstream and URI: many rules have the same. */
  readonly forwards: Map<string, Block>;
  /** Alt-Svc of its answers; null: none. */
  readonly altSvc: string | null;
}

/** One empty list for all rules. */
const NONE: readonly never[] = [];

/** Depends on the rule, the place and the connect timeouts of its clusters only. */
export function lowerRule(given: RuleIr, place: RulePlace): LoweredRule {
  const rule = tellingHttp3(given, place.altSvc);
  const parts = lowerPolicies(rule);
  const { action } = rule;
  const ownLines = linesOf(parts, rule, place);
  // Where it forwards, the cluster is told too.
  const isTold = action.kind !== "forward" || action.split.length === 0;
  const lines = isTold ? [...logLines(rule, null, place), ...ownLines] : ownLines;
  const apart = apartOf(parts, (own) => linesOf(own, rule, place));
  const forwarded = action.kind === "forward" ? lowerForward(rule, action, { parts, lines, apart, place }) : null;
  const path = forwarded?.path ?? null;
  const dependsOnMatch = path !== null || (action.kind === "redirect" && action.path?.kind === "prefix");
  const bodyOfAction = (): Body => {
    if (action.kind === "redirect") return lowerRedirect(rule, action, { lines, isTls: place.isTls });
    if (action.kind === "respond") return lowerRespond(action, lines);
    return forwarded?.body ?? { before: null, last: NO_BLOCK };
  };
  const body = bodyOfAction();
  const name = ruleLocation(rule) + (dependsOnMatch ? matchSuffix(rule) : "");
  const clusters = action.kind === "forward" ? action.split.map(({ cluster }) => cluster) : NONE;
  return {
    body,
    named: { name, body: forwarded?.jumped ?? body },
    native: forwarded?.native ?? null,
    others: forwarded?.others ?? NONE,
    split: forwarded?.split ?? null,
    answerFields: gathered(parts, "answerFields"),
    maps: isDrawn(action, place)
      ? [...gathered(parts, "maps"), ...drawMaps(clusters, place.affine)]
      : gathered(parts, "maps"),
    clusters,
  };
}

/** One location forwards to several clusters. */
function isDrawn(action: RuleIr["action"], place: RulePlace): boolean {
  return action.kind === "forward" && action.split.length > 1 && isOneLocation(action.split, place);
}

function gathered<Key extends "answerFields" | "maps">(
  parts: readonly PolicyPart[],
  key: Key,
): readonly NonNullable<PolicyPart[Key]>[number][] {
  if (!parts.some((part) => (part[key]?.length ?? 0) > 0)) return NONE;
  return parts.flatMap((part) => [...(part[key] ?? NONE)]) as NonNullable<PolicyPart[Key]>[number][];
}

function linesOf(parts: readonly PolicyPart[], { protocol, policies }: RuleIr, place: RulePlace): readonly Block[] {
  const isCall = protocol === "grpc";
  if (parts.length === 0 && !isCall) return NONE;
  const { set = NONE, add = NONE, remove = NONE } = policies.requestHeaders ?? {};
  const own = new Set([...[...set, ...add].map(({ name }) => name), ...remove]);
  const written = writtenFields(place);
  for (const { name } of written) own.add(name.text.toLowerCase());
  const kept = [...keptFields(place.gated, own), ...written];
  const lines = parts.flatMap(({ lines }) => lines ?? NONE);
  return isCall ? [...lines, ...callLines(parts, kept)] : [...lines, ...requestLines(parts, kept)];
}

/** What servers say of fields is said of other requests. */
function callLines(parts: readonly PolicyPart[], kept: readonly RequestField[]): readonly Block[] {
  const fields = parts.flatMap(({ requestFields }) => requestFields ?? NONE);
  return [block("grpcFields", { host: param(variable("authority")), fields: [...kept, ...fields] }), callErrors];
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
  /** Requests that have other lines. */
  readonly apart: readonly Apart[];
  readonly place: RulePlace;
}

function lowerForward(rule: RuleIr, { split }: ForwardIr, input: ForwardInput): LoweredForward {
  const { parts, lines, apart, place } = input;
  const path = parts.find((part) => part.path !== undefined)?.path ?? null;
  const [first] = split;
  if (first === undefined) return { ...NO_SPLIT, body: bodyOf(lines, inline("unavailable", {})), path };
  const own = ruleLocation(rule) + (path === null ? "" : matchSuffix(rule));
  const withPath = (directives: readonly Block[]) => (path === null ? directives : [path.lines, ...directives]);
  const general = withPath(lines);
  const uri: Part = path?.uri ?? (place.isRaw ? AS_SENT : "");
  // A searched jump leaves the name of its target for a path.
  const uriJumped = uri === "" && place.jumps === "searched" ? AS_SENT : uri;
  const forwardTo = ({ scheme, upstream }: Target, rest = uri) =>
    rule.protocol === "grpc"
      ? forwardCall([CALL_SCHEMES[scheme], upstream], rest !== "")
      : forward([scheme, upstream, rest], place);
  const bodies = (directives: readonly Block[], upstream: Target): Pick<LoweredForward, "body" | "jumped"> => {
    const body = bodyOf(directives, forwardTo(upstream));
    return { body, jumped: uriJumped === uri ? null : { ...body, last: forwardTo(upstream, uriJumped) } };
  };
  const jumpsApart = (base: string): readonly Block[] =>
    apart.map(({ suffix, jump }) => jump(jumpTo(`${base}${suffix}`, place.jumps)));
  const allApart = (base: string, upstream: Target, ends: readonly Block[]): readonly NamedBody[] =>
    apart.map((own) => ({
      name: `${base}${own.suffix}`,
      body: bodyOf([...withPath(own.lines), ...ends], forwardTo(upstream, uriJumped)),
    }));
  if (split.length === 1) {
    const end = endOf(rule, { to: first.cluster, clusters: [first.cluster] }, place);
    const { lines: ends, isKept } = end;
    const native = path === null || place.isRaw || isKept ? null : nativeUri(rule, path);
    const start = jumpsApart(own);
    return {
      ...NO_SPLIT,
      ...bodies([...start, ...general, ...ends], end),
      native: native === null ? null : bodyOf([...start, ...lines, ...ends], forwardTo(end, native)),
      others: allApart(own, end, ends),
      path,
    };
  }
  if (isOneLocation(split, place)) {
    const clusters = split.map(({ cluster }) => cluster);
    const drawn = lowerSplit(rule, { split, targets: clusters, key: rule.name }, place);
    const end = endOf(rule, { to: variable(drawn.claim.got), clusters }, place);
    const all = bodies([...jumpsApart(own), ...general, ...end.lines], end);
    return { ...NO_SPLIT, ...all, others: allApart(own, end, end.lines), split: drawn, path };
  }
  // The connect timeout, the limit and TLS are a location's, so the draw picks one.
  const targets = split.map(({ cluster }) => `${own}:${cluster}`);
  const others = split.flatMap(({ cluster }) => {
    const name = `${own}:${cluster}`;
    const end = endOf(rule, { to: cluster, clusters: [cluster] }, place);
    const body = bodyOf([...jumpsApart(name), ...general, ...end.lines], forwardTo(end, uriJumped));
    return [{ name, body }, ...allApart(name, end, end.lines)];
  });
  const drawn = lowerSplit(rule, { split, targets, key: own.slice(1) }, place);
  const jump = jumpTo(variable(drawn.claim.got), place.jumps);
  return { ...NO_SPLIT, body: { before: null, last: jump }, others, split: drawn, path };
}

/** In the words of the module for calls. */
const CALL_SCHEMES = { "http://": "grpc://", "https://": "grpcs://" } as const;

/** Where a location sends requests. */
type Target = Pick<End, "scheme" | "upstream">;

function forward(parts: readonly [string, Part, Part], { forwards }: RulePlace): Block {
  const key = parts.map(textOf).join(" ");
  const old = forwards.get(key);
  if (old !== undefined) return old;
  const made = inline("forward", { target: param(...parts) });
  forwards.set(key, made);
  return made;
}

/** Distinct for distinct parts here: no cluster and no path begins like a variable. */
function textOf(part: Part): string {
  return typeof part === "string" ? part : part.text;
}

const NO_SPLIT = { jumped: null, native: null, others: NONE, split: null } as const;

/** Path and query. */
const AS_SENT = variable("request_uri");

/**
 * What takes the place of the location's name, which ends with a slash. One that is too long for a prefix is an expression, in which nginx
 * replaces nothing.
 */
function nativeUri({ path }: RuleIr, { native }: PathChange): string | null {
  if (native === null || path.kind !== "prefix" || isLongLocation(`${path.value}/`)) return null;
  return native === "/" ? "/" : `${native}/`;
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
