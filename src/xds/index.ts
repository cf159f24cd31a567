/**
 * The xDS server.
 *
 * Input: per group of nodes, a view of opaque resources `{typeUrl, name, bytes, version, refs}` (`setView`), and nodes that connect
 * by gRPC; the group of a node is `node.cluster` of its stream's first request.
 *
 * Output: discovery responses on aggregated and per-type streams, state of the world and delta; the state of every node (`nodes`);
 * one `onNack` per refused response; counters (`metrics`).
 *
 * Guarantees: a node learns every difference between what it has and its view, soonest state first, intermediate ones skipped when
 * it is slow; clusters before what names them, removals last, and not while the node has something that names them; what a node
 * refused is sent again only to find what was bad in it, and then not until it changes; nothing is sent that a reconnecting node says it
 * has and does not wait for; an ACK costs the same at any size; memory is bounded whatever clients do. A node of an
 * unknown or deleted group is refused with NOT_FOUND and keeps what it has: a proxy is never emptied by a mistake.
 *
 * Must not: decode resources or know what they mean, other than the protocol's own order of types; debounce; drop a group that was
 * not deleted.
 */
export { createXdsServer, type XdsServerOptions } from "./server.ts";
export type { Clock, Connection, ConnectionHandler, Transport } from "./transport.ts";
export type * from "./types.ts";
