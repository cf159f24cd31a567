/** Sockets of nginx's own: where the server that reads the server name hands connections on. */
import { type HttpPortIr, innerSocket, type TlsRouteIr } from "../../ir/index.ts";

/** Of connections on which requests come. */
export function requestsSocket({ id, listeners: [listener = id] }: Pick<HttpPortIr, "id" | "listeners">): string {
  return `unix:${innerSocket("requests", listener)}`;
}

/** Of a route: named by all that stands behind it, so that nothing else ever has its name. */
export function routeSocket({ listener, route, terminate }: TlsRouteIr): string {
  return `unix:${innerSocket("stream", listener, route, ...(terminate?.certificates ?? []))}`;
}
