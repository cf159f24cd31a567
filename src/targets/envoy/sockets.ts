/** How an Envoy opens sockets: fields of its listeners and clusters. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { ClusterSchema } from "../../gen/proto/envoy/config/cluster/v3/cluster_pb.js";
import type { ListenerSchema } from "../../gen/proto/envoy/config/listener/v3/listener_pb.js";
import type { KeepaliveIr, SocketsIr } from "../../ir/index.ts";

type ListenerInit = MessageInitShape<typeof ListenerSchema>;
type ClusterInit = MessageInitShape<typeof ClusterSchema>;

type Limit = "perConnectionBufferLimitBytes";

/** As one word, by which renderings are remembered; empty: as Envoy does by itself. */
export function socketsKey({ backlog, keepalive, bufferBytes }: SocketsIr): string {
  const own: Key = [backlog, keepalive, bufferBytes];
  return own.every((option) => option === null) ? "" : JSON.stringify(own);
}

type Key = readonly [SocketsIr["backlog"], SocketsIr["keepalive"], SocketsIr["bufferBytes"]];

/** Of every listener. */
export function listenerSockets(key: string): Pick<ListenerInit, "tcpBacklogSize" | "socketOptions" | Limit> {
  if (key === "") return {};
  const [backlog, keepalive, bufferBytes] = JSON.parse(key) as Key;
  return {
    ...(backlog === null ? {} : { tcpBacklogSize: backlog }),
    ...(keepalive === null ? {} : { socketOptions: optionsOf(keepalive) }),
    ...bufferLimit(bufferBytes),
  };
}

/** Of every cluster. */
export function clusterSockets(key: string): Pick<ClusterInit, "upstreamConnectionOptions" | Limit> {
  if (key === "") return {};
  const [, keepalive, bufferBytes] = JSON.parse(key) as Key;
  if (keepalive === null) return bufferLimit(bufferBytes);
  const { idleSeconds, intervalSeconds, probes } = keepalive;
  const tcpKeepalive = { keepaliveTime: idleSeconds, keepaliveInterval: intervalSeconds, keepaliveProbes: probes };
  return { upstreamConnectionOptions: { tcpKeepalive }, ...bufferLimit(bufferBytes) };
}

function bufferLimit(bytes: number | null): Pick<ListenerInit, Limit> {
  return bytes === null ? {} : { perConnectionBufferLimitBytes: bytes };
}

/** Linux's numbers: Envoys before 1.33 have no field for it. A connection inherits what its listening socket has. */
const SOL_SOCKET = 1n;
const SO_KEEPALIVE = 9n;
const IPPROTO_TCP = 6n;
const TCP_KEEPIDLE = 4n;
const TCP_KEEPINTVL = 5n;
const TCP_KEEPCNT = 6n;

function optionsOf({ idleSeconds, intervalSeconds, probes }: KeepaliveIr) {
  const option = (level: bigint, name: bigint, value: number) => {
    return { level, name, value: { case: "intValue" as const, value: BigInt(value) } };
  };
  return [
    option(SOL_SOCKET, SO_KEEPALIVE, 1),
    option(IPPROTO_TCP, TCP_KEEPIDLE, idleSeconds),
    option(IPPROTO_TCP, TCP_KEEPINTVL, intervalSeconds),
    option(IPPROTO_TCP, TCP_KEEPCNT, probes),
  ];
}
