/** That streams come, go, and take revisions: for logs. */
import type { EndReason } from "./reasons.ts";
import type { DiscoveryMethod } from "./resourceTypes.ts";
import { type Stream, viewOf } from "./state.ts";
import { isSettled } from "./subscription.ts";
import { noteComplete } from "./subscriptionAnswers.ts";
import type { SecretsEvent, StreamEvent } from "./types.ts";

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

/** What goes out to it holds these, opened. */
export function secretsEvent({ node, group, connection }: Stream, resources: readonly string[]): SecretsEvent {
  const { name, revision } = group;
  return { group: name, revision, nodeId: node.id, peer: connection.peer.address, resources };
}

/** Nothing is sent now. Notes of what the node has all there is, and tells that it has taken all of the newest revision, if it just has. */
export function noteRevision(stream: Stream): void {
  const { group, ordered } = stream;
  noteWhole(stream);
  if (ordered.length === 0 || stream.ackedRevision === group.revision) return;
  for (const sub of ordered) if (!isSettled(sub, viewOf(group, sub.typeUrl))) return;
  tellTaken(stream);
}

/** The same when everything was sent and answered, and nothing refused. */
export function noteTaken(stream: Stream): void {
  noteWhole(stream);
  if (stream.ackedRevision !== stream.group.revision) tellTaken(stream);
}

function noteWhole({ group, ordered }: Stream): void {
  for (const sub of ordered) if (sub.partlyAcked) noteComplete(sub, viewOf(group, sub.typeUrl));
}

function tellTaken(stream: Stream): void {
  stream.ackedRevision = stream.group.revision;
  stream.context.onStream(streamEvent(stream, "acknowledged"));
}

function variantOf({ typeUrl, delta }: DiscoveryMethod): string {
  const asked = typeUrl === null ? "aggregated" : typeUrl.slice(typeUrl.lastIndexOf(".") + 1);
  return delta ? `${asked} delta` : asked;
}
