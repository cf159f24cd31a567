/** What lies between a cluster's protocol and its connections: TLS, and before it the PROXY header. */
import type { ClusterIr } from "../../../ir/index.ts";
import { proxyProtocolTransport } from "./proxyProtocol.ts";
import { tlsTransport } from "./tls.ts";

/** Of a Cluster; nothing where both are missing. */
export function transport({ tls, proxyProtocol }: Pick<ClusterIr, "tls" | "proxyProtocol">) {
  const secure = tls === null ? undefined : tlsTransport(tls);
  const transportSocket = proxyProtocol === null ? secure : proxyProtocolTransport(proxyProtocol, secure);
  return transportSocket === undefined ? {} : { transportSocket };
}
