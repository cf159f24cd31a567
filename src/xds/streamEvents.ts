/** That streams come, go, and take revisions: for logs. */
import type { EndReason } from "./reasons.ts";
import type { DiscoveryMethod } from "./resourceTypes.ts";
import type { Stream } from "./state.ts";
import type { StreamEvent } from "./types.ts";

/** What has just happened to a stream whose node is known. `reason`: why the server ended it. */
export function streamEvent(stream: Stream, kind: StreamEvent["kind"], reason: EndReason | null = null): StreamEvent {
  const { node, group, connection, method } = stream;
  return {
    kind,
    group: group.name,
    nodeId: node.id,
    peer: connection.peer.address,
    userAgent: node.userAgent,
    variant: variantOf(method),
    revision: group.revision,
    reason,
  };
}

function variantOf({ typeUrl, delta }: DiscoveryMethod): string {
  const asked = typeUrl === null ? "aggregated" : typeUrl.slice(typeUrl.lastIndexOf(".") + 1);
  return delta ? `${asked} delta` : asked;
}
