/** Where a port listens, and parameters of `listen` beside its address: nginx takes them once for a socket. */
import type { PortIr, SocketsIr } from "../../ir/index.ts";
import type { Socket, Support } from "../target.ts";
import { listenerFile, streamFile } from "./names.ts";
import { type Word, word } from "./quote.ts";

const machineTimes = {
  approximated:
    "holds for clients; towards endpoints nginx probes too (`proxy_socket_keepalive`), with the times of its machine (sysctl `net.ipv4.tcp_keepalive_*`)",
  code: "KEEPALIVE-NGINX",
} as const satisfies Support;

/** What nginx says of what `process` says of sockets. */
export const socketCapabilities = {
  "fleet.process.backlog": "exact",
  "fleet.process.reusePort": "exact",
  "fleet.process.tcpKeepalive.idle": machineTimes,
  "fleet.process.tcpKeepalive.interval": machineTimes,
  "fleet.process.tcpKeepalive.probes": machineTimes,
} as const satisfies Readonly<Record<string, Support>>;

/** Part of the templates of servers. */
export interface ListenOption {
  readonly option: Word;
}

/** For one server of a socket; the others have none. */
export function listenOptions({ backlog, reusePort, keepalive }: SocketsIr): readonly ListenOption[] {
  const options: string[] = [];
  if (backlog !== null) options.push(`backlog=${backlog}`);
  if (reusePort === true) options.push("reuseport");
  if (keepalive !== null)
    options.push(`so_keepalive=${keepalive.idleSeconds}s:${keepalive.intervalSeconds}s:${keepalive.probes}`);
  return options.map((option) => ({ option: word(option) }));
}

/** With the file that opens them: HTTP/3 has a second one. */
export function socketsOf(ir: PortIr): readonly Socket[] {
  const { address, port, listeners } = ir;
  const file = ir.kind === "http" && ir.passed === null ? listenerFile(ir) : streamFile(ir);
  const udp = { address, port, transport: "udp", listeners, file } as const;
  if (ir.kind === "udp") return [udp];
  const own = { address, port, listeners, file };
  return ir.kind === "http" && ir.http3 !== null ? [own, udp] : [own];
}
