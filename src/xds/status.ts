/** What is known of the nodes, for people and for the ledger. */
import { MAX_REFUSED_NAMES } from "./limits.ts";
import type { Group, Stream } from "./state.ts";
import type { Subscription } from "./subscription.ts";
import type { NodeStatus, NodeTypeStatus } from "./types.ts";

/** One entry per node, sorted by group and node id; a node's streams (one per type without ADS) are put together. */
export function nodeStatuses(groups: Iterable<Group>): NodeStatus[] {
  const statuses: NodeStatus[] = [];
  for (const group of groups) {
    const byNode = new Map<string, Stream[]>();
    for (const stream of group.streams) {
      const streams = byNode.get(stream.node.id);
      if (streams === undefined) byNode.set(stream.node.id, [stream]);
      else streams.push(stream);
    }
    for (const streams of byNode.values()) statuses.push(nodeStatus(streams));
  }
  return statuses.sort((a, b) => compareText(a.group, b.group) || compareText(a.nodeId, b.nodeId));
}

function nodeStatus(streams: readonly Stream[]): NodeStatus {
  const first = streams[0]!;
  const connectedAt = streams.map((stream) => stream.connectedAt).sort()[0]!;
  return {
    nodeId: first.node.id,
    group: first.group.name,
    connectedAt,
    userAgent: first.node.userAgent,
    ackedRevision: oldest(streams.map((stream) => stream.ackedRevision)),
    types: streams.flatMap((stream) => stream.ordered.map(typeStatus)),
  };
}

function typeStatus({ typeUrl, sentVersion, ackedVersion, nacked, rejected }: Subscription): NodeTypeStatus {
  const resources = [...rejected.keys()].slice(0, MAX_REFUSED_NAMES);
  return { typeUrl, sent: sentVersion, acked: ackedVersion, nacked: nacked && { ...nacked, resources } };
}

/** The revision that all streams have; null when one has none. */
function oldest(revisions: readonly (number | null)[]): number | null {
  let least: number | null = null;
  for (const revision of revisions) {
    if (revision === null) return null;
    least = least === null ? revision : Math.min(least, revision);
  }
  return least;
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
