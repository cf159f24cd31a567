/** What is known of the nodes, for people and for the ledger. */
import { MAX_REFUSED_NAMES } from "./limits.ts";
import { offers } from "./offers.ts";
import { type Group, type Stream, viewOf } from "./state.ts";
import type { Subscription } from "./subscription.ts";
import type { NodeAnswers, NodePresence, NodeStatus, NodeTypeStatus } from "./types.ts";

/** One entry per open stream: whoever connects twice, by mistake or not, is seen twice. */
export function nodeStatuses(groups: Iterable<Group>): NodeStatus[] {
  const statuses: NodeStatus[] = [];
  for (const group of groups) for (const stream of group.streams) statuses.push(nodeStatus(stream));
  return statuses.sort(
    (a, b) =>
      compareText(a.group, b.group) ||
      compareText(a.nodeId, b.nodeId) ||
      compareText(a.peer, b.peer) ||
      compareText(a.connectedAt, b.connectedAt),
  );
}

/** One entry per open stream. */
export function* nodePresences(groups: Iterable<Group>): Generator<NodePresence> {
  for (const { name, streams } of groups) {
    for (const { node, ackedRevision, subs } of streams) {
      let refused = 0;
      for (const { rejected } of subs.values()) refused += rejected.size;
      yield { group: name, nodeId: node.id, ackedRevision, refused };
    }
  }
}

/** One entry per open stream that asks for the type. */
export function* nodeAnswers(group: Group, typeUrl: string): Generator<NodeAnswers> {
  const view = viewOf(group, typeUrl).resources;
  for (const { node, subs } of group.streams) {
    const sub = subs.get(typeUrl);
    if (sub === undefined) continue;
    yield { nodeId: node.id, refused: refusedBy(sub), unanswered: unansweredBy(sub, view) };
  }
}

/** Those that were the reason. What was only refused along with them is being offered again. */
function refusedBy({ rejected }: Subscription): ReadonlySet<string> {
  const accused = new Set<string>();
  for (const [name, { alone, passing }] of rejected) if (alone || passing) accused.add(name);
  return accused;
}

function unansweredBy(sub: Subscription, view: ReadonlyMap<string, unknown>): NodeAnswers["unanswered"] {
  if (sub.base !== view || sub.sentVersion === null) return "all";
  const names = new Set(sub.rejected.keys());
  for (const [name] of sub.pending) names.add(name);
  for (const sent of sub.outstanding) {
    for (const name of sent.response.byName().keys()) if (offers(sent, name)) names.add(name);
  }
  return names;
}

function nodeStatus(stream: Stream): NodeStatus {
  const { node, group, connection, connectedAt, ackedRevision } = stream;
  return {
    nodeId: node.id,
    group: group.name,
    peer: connection.peer.address,
    connectedAt,
    userAgent: node.userAgent,
    ackedRevision,
    types: stream.ordered.map((sub) => typeStatus(stream, sub)),
  };
}

function typeStatus(stream: Stream, sub: Subscription): NodeTypeStatus {
  const { typeUrl, sentVersion, ackedVersion, nacked, rejected, deferred } = sub;
  const resources = [...rejected.keys()].slice(0, MAX_REFUSED_NAMES);
  const view = viewOf(stream.group, typeUrl).resources;
  const kept = [...deferred.keys()].filter((name) => !view.has(name)).slice(0, MAX_REFUSED_NAMES);
  return { typeUrl, sent: sentVersion, acked: ackedVersion, nacked: nacked && { ...nacked, resources }, kept };
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
