/** What is known of the nodes, for people and for the ledger. */
import { MAX_REFUSED_NAMES } from "./limits.ts";
import { type Group, type Stream, viewOf } from "./state.ts";
import type { Subscription } from "./subscription.ts";
import type { NodeStatus, NodeTypeStatus } from "./types.ts";

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
