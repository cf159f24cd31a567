/** One stream's requests: who asks, for which type, what the request answers, and what it changes. */
import type { Steps } from "../util/steps.ts";
import type { Answer } from "./acceptances.ts";
import { payForNames } from "./budgets.ts";
import { fold, foldGoneSteps, makeRoom } from "./changes.ts";
import {
  BadRequest,
  type DeltaRequest,
  decodeDeltaSteps,
  decodeSotwSteps,
  type RequestNode,
  type SotwRequest,
} from "./decode.ts";
import { greet } from "./dependants.ts";
import { NOTHING_DRAINS } from "./draining.ts";
import { joinInquiry } from "./inquiries.ts";
import { keptFor, sendKept } from "./kept.ts";
import { MAX_REFUSED_NAMES, MAX_TYPES_PER_STREAM } from "./limits.ts";
import { typeMetrics } from "./metrics.ts";
import { denyLater, sendParting } from "./parting.ts";
import type { Place } from "./places.ts";
import { awaitUsed, noteUsed } from "./presumed.ts";
import { pump } from "./push.ts";
import type { DiscoveryMethod } from "./resourceTypes.ts";
import { FULL_STATE_TYPES, isKnownType, ON_DEMAND_TYPES, pushRank } from "./resourceTypes.ts";
import { type Context, type Group, type Stream, viewOf } from "./state.ts";
import { type Outstanding, openSubscription, type Subscription } from "./subscription.ts";
import { recordAck, takeAnswered } from "./subscriptionAnswers.ts";
import { applyDeltaSteps, applySotwSteps, type NamesContext } from "./subscriptionNames.ts";
import type { FirstRequest } from "./subscriptionStart.ts";
import type { Connection } from "./transport.ts";
import { recordNack } from "./trials.ts";
import { startHeartbeats, usesTtl } from "./ttl.ts";
import { noteAccepted, noteReturning, owedNames } from "./warming.ts";

/** What is common to both kinds of request. */
export interface Request extends Answer {
  readonly node: RequestNode | null;
  /** Applies the request's names to its subscription. */
  readonly apply: (sub: Subscription, context: NamesContext) => Steps<void>;
}

/** Decodes a request of the method's kind. Throws BadRequest. `stream`: on which it came, when it is not the first one. */
export function* decodeSteps({ echoes, nameSets }: Context, message: Buffer, from: Arrived): Steps<Request> {
  const { delta, stream } = from;
  if (delta) {
    const decodeDelta = (bytes: Buffer): Steps<DeltaRequest> => decodeDeltaSteps(bytes, nameSets.latest());
    // Of first requests none is like another: nodes say who they are.
    const request = yield* stream === null ? decodeDelta(message) : echoes.delta.readSteps(message, decodeDelta);
    const { rawSubscribe, unsubscribe } = request;
    return {
      ...request,
      keepsNames: () => rawSubscribe.length + unsubscribe.length === 0,
      apply: (sub, context) => applyDeltaSteps(sub, request, context),
    };
  }
  const decode = (bytes: Buffer): Steps<SotwRequest> =>
    decodeSotwSteps(bytes, [...namesOf(stream), ...nameSets.latest()]);
  const request = yield* stream === null ? decode(message) : echoes.sotw.readSteps(message, decode);
  return {
    ...request,
    keepsNames: (sub) => sub.rawNames.equals(request.rawNames),
    apply: (sub, context) => applySotwSteps(sub, request, context),
  };
}

/** Where a request came. */
interface Arrived {
  readonly delta: boolean;
  readonly stream: Stream | null;
}

/** As they stood in its requests. */
function namesOf(stream: Stream | null): Buffer[] {
  return [...(stream?.subs.values() ?? [])].map((sub) => sub.rawNames);
}

/** A stream whose first request named its node and group. */
export function openStream(
  context: Context,
  from: { method: DiscoveryMethod; connection: Connection; group: Group; node: RequestNode; place: Place },
): Stream {
  const { method, connection, group, node, place } = from;
  const { purse, outbox } = place;
  return {
    context,
    method,
    connection,
    group,
    node,
    purse,
    outbox,
    connectedAt: context.clock.now().toISOString(),
    subs: new Map(),
    ordered: [],
    writing: false,
    missed: false,
    applying: false,
    ended: false,
    lastNumber: 0,
    point: null,
    unanswered: 0,
    fresh: [],
    owed: [],
    warmed: [],
    draining: NOTHING_DRAINS,
    inquiries: new Map(),
    returningUntil: 0,
    dueAt: Number.POSITIVE_INFINITY,
    wakeAt: Number.POSITIVE_INFINITY,
    cancelWake: () => {},
    ackedRevision: null,
  };
}

/** Acts on a request and sends what it calls for. Throws BadRequest. */
export function* handleSteps(stream: Stream, request: Request): Steps<void> {
  stream.point = null;
  if (request.node !== null) checkNode(stream, request.node);
  const typeUrl = typeOf(stream, request);
  const existing = stream.subs.get(typeUrl);
  const sub = existing ?? addSubscription(stream, typeUrl);
  const view = viewOf(stream.group, typeUrl);
  if (existing !== undefined) {
    settleNonce(stream, sub, request);
    fold(stream, sub, view);
    // Told: what the response keeps of them is counted until it is answered.
    if (sub.absent.size + sub.leaving.size + sub.deferred.size === 0) sub.lostBytes = 0;
  }
  const first = existing === undefined ? firstRequest(stream, typeUrl) : null;
  // Half of a request means something else than all of it: nothing is sent before.
  stream.applying = true;
  const sendsParting = (name: string): boolean => sendParting(stream, sub, name);
  yield* request.apply(sub, { view, first, nameSets: stream.context.nameSets, sendsParting });
  denyLater(stream, sub);
  payForNames(stream.purse, sub);
  if (first !== null) {
    yield* welcomeSteps(stream, sub, first);
    greet(stream, sub);
    // What it has from an earlier stream is to be kept alive too.
    startHeartbeats(sub, view, stream.context.clock.monotonic());
  }
  stream.applying = false;
  pump(stream);
}

/**
 * A node may introduce itself again; when it becomes another one, its group and what it may see are to be judged anew, which a new
 * stream does.
 */
function checkNode(stream: Stream, node: RequestNode): void {
  const { id, cluster } = stream.node;
  if (node.id === id && node.cluster === cluster) return;
  throw new BadRequest("a stream speaks for one node: its id and cluster stay what the first request said");
}

function firstRequest(stream: Stream, typeUrl: string): FirstRequest {
  const history = stream.group.history.get(typeUrl);
  return {
    legacyWildcard: stream.context.legacyWildcard(typeUrl),
    at: (version) => history?.at(version),
    find: (name, version) => history?.find(name, version),
    isOwed: owedNames(stream, typeUrl),
    returning: false,
    version: "",
    gone: new Map(),
  };
}

/** A node that comes back is treated as if it had stayed: what it is to lose waits for the types that it will ask for next. */
function* welcomeSteps(stream: Stream, sub: Subscription, first: FirstRequest): Steps<void> {
  if (first.returning) noteReturning(stream);
  // With what it has it may have all there is, although it is to lose something and does not wait for that.
  sub.partlyAcked = first.returning && sub.ackedVersion === null;
  yield* foldGoneSteps(stream, sub, first.gone);
  for (const name of first.gone.keys()) {
    if (first.isOwed?.(name) !== true || !sub.deferred.has(name)) continue;
    sendOwed(stream, sub, name);
    // Each looks at all clusters that are kept.
    yield;
  }
  awaitUsed(stream, sub, first.version);
  noteUsed(stream, sub);
}

/** The last stream broke before it brought this, and it went meanwhile: what is kept for a while may wait for it. */
function sendOwed(stream: Stream, sub: Subscription, name: string): void {
  const resource = keptFor(stream, sub, name);
  if (resource === undefined) return;
  sendKept(sub, name, resource);
  sub.urgent = true;
}

function typeOf(stream: Stream, request: Request): string {
  const own = stream.method.typeUrl;
  if (own === null && request.typeUrl === "") throw new BadRequest("an aggregated stream's requests need a type_url");
  if (own !== null && request.typeUrl !== "" && request.typeUrl !== own) {
    throw new BadRequest(`this stream serves ${own}, not ${request.typeUrl}`);
  }
  return own ?? request.typeUrl;
}

function addSubscription(stream: Stream, typeUrl: string): Subscription {
  if (stream.subs.size >= MAX_TYPES_PER_STREAM) {
    throw new BadRequest(`a stream may subscribe to ${MAX_TYPES_PER_STREAM} types`, { reason: "count" });
  }
  const { delta } = stream.method;
  const sub = openSubscription({
    typeUrl,
    delta,
    fullState: !delta && FULL_STATE_TYPES.has(typeUrl),
    tellsMissing: delta || (isKnownType(typeUrl) && stream.context.readsErrors(stream.node.userAgent)),
    ttl: usesTtl(stream.node, { typeUrl, delta }),
  });
  stream.subs.set(typeUrl, sub);
  if (ON_DEMAND_TYPES.has(typeUrl)) stream.group.onDemand.add(stream);
  stream.ordered = [...stream.subs.values()].sort((a, b) => pushRank(a.typeUrl) - pushRank(b.typeUrl));
  return sub;
}

/** ACK or NACK: only `error_detail` tells them apart, and only the nonce says of what. */
function settleNonce(stream: Stream, sub: Subscription, request: Request): void {
  if (request.nonce === "") return;
  const { metrics } = stream.context;
  const sent = takeAnswered(sub, request.nonce);
  if (sent === null) {
    metrics.staleNonces += 1;
    return;
  }
  const counters = typeMetrics(metrics, sub.typeUrl);
  if (request.error === null) {
    counters.acks += 1;
    recordAck(sub, sent);
    noteAccepted(stream, sub.typeUrl, sent.response);
    return;
  }
  counters.nacks += 1;
  refuse(stream, sub, { sent, message: request.error });
}

function refuse(stream: Stream, sub: Subscription, answer: { sent: Outstanding; message: string }): void {
  const { clock, onNack, readRefusal } = stream.context;
  const { sent, message } = answer;
  const { nonce, version } = sent.response;
  const kind = readRefusal(sub.typeUrl, message);
  const { names, isBlank } = recordNack(sub, sent, { message, kind, now: clock.monotonic() });
  if (isBlank) joinInquiry(stream, sub, { response: sent.response, message, names });
  if (kind === "occupied") makeRoom(sub, viewOf(stream.group, sub.typeUrl), names);
  onNack({
    group: stream.group.name,
    revision: stream.group.revision,
    nodeId: stream.node.id,
    peer: stream.connection.peer.address,
    typeUrl: sub.typeUrl,
    nonce,
    version,
    message,
    resources: names.slice(0, MAX_REFUSED_NAMES),
  });
}
