/**
 * The xDS server.
 *
 * Input: per group of nodes, a view of opaque resources `{typeUrl, name, bytes, version, refs}` (`setView`), and nodes that connect
 * by gRPC; the group of a node is `node.cluster` of its stream's first request, unless `groupOf` says otherwise.
 *
 * Output: discovery responses on aggregated and per-type streams, state of the world and delta, with heartbeats for what has a time to
 * live; the state of every node (`nodes`, and client status by gRPC); one `onNack` per refused response; counters (`metrics`).
 *
 * Guarantees: a node learns every difference between what it has and its view, soonest state first, intermediate ones skipped when
 * it is slow; clusters before what names them, removals last, and not while the node has something that names them; what a node
 * refused is sent again only to find what was bad in it, and then not until it changes; nothing is sent that a reconnecting node says it
 * has and does not wait for; an ACK costs the same at any size; memory is bounded whatever clients do. A node of an
 * unknown or deleted group is refused with NOT_FOUND and keeps what it has: a proxy is never emptied by a mistake. Beyond loopback it
 * serves nobody without a certificate, unless told to; with certificates a group is pulled by whom its rules allow and by nobody else,
 * and who is turned away is counted and told with the reason. New certificate files are taken without ending a stream.
 *
 * Must not: decode resources or know what they mean, other than the protocol's own order of types; debounce; drop a group that was
 * not deleted.
 */
export { REFUSAL_REASONS, type RefusalEvent, type RefusalReason } from "./refusals.ts";
export { createXdsServer, type XdsServerOptions } from "./server.ts";
export type { Clock, Connection, ConnectionHandler, Peer, Transport } from "./transport.ts";
export { systemClock } from "./transport.ts";
export type * from "./types.ts";
