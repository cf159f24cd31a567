/** Names of what a rendering holds. All come from IR ids and content, so that nothing is renumbered by a neighbour's change. */
import { contentHash } from "../../util/hash.ts";

/** Marks a look-up's result as a group that must still choose; a bare result is a rule's id. No rule id begins so. */
export const GROUP_MARK = "@";

/** Where answers without a backend are made. Cannot clash with a cluster: `http.` and `tcp.` begin all their names. */
export const RESPOND_BACKEND = "respond";

/** Stands where no port is; ports' names begin with `http-` or `tcp-`. */
export const NO_PORT_FRONTEND = "no-port";

/** The backend of a cluster for HTTP. */
export function httpBackend(cluster: string): string {
  return `http.${cluster}`;
}

/** The backend of a cluster for TCP ports with this idle timeout, which HAProxy keeps in the backend. */
export function tcpBackend(cluster: string, idleTimeoutMs: number): string {
  return `tcp.${cluster}.${idleTimeoutMs}ms`;
}

/** A server's name: its address, so that its state survives the coming and going of others. */
export function serverName(endpoint: { readonly address: string; readonly port: number }): string {
  return `${endpoint.address}:${endpoint.port}`;
}

/** A map file that belongs to one port. */
export function portMap(portId: string, map: string): string {
  return `maps/${portId}/${map}.map`;
}

/** The map file that turns a random number into the place of a share; the same for all equal lists of weights. */
export function weightsMap(key: string): string {
  return `maps/${key}.map`;
}

/** Names a list of weights. Begins unlike any backend. */
export function weightsKey(weights: readonly number[]): string {
  return `weights.${shortHash(weights.join(","))}`;
}

/** 12 hex digits: enough to tell apart the regexes, bodies and weights of one fleet. */
export function shortHash(...parts: readonly string[]): string {
  return contentHash(...parts).slice(0, 12);
}
