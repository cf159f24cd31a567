/** TCP ports: a file with one stream server each. */
import type { TcpPortIr } from "../../ir/index.ts";
import { connectionLog } from "./accessLog.ts";
import { block, joinBlocks } from "./blocks.ts";
import { limitLines, limitZones } from "./connectionLimit.ts";
import { hostAndPort } from "./hostAndPort.ts";
import { streamFile, underscored } from "./names.ts";
import { headerLines, ofSenders, senderRanges } from "./proxyProtocol.ts";
import { comment, param, variable, word } from "./quote.ts";
import { listenOptions } from "./sockets.ts";
import { type StreamPlace, streamForward } from "./streamForward.ts";

/** Path and text of one port's file. */
export function lowerTcpPort(port: TcpPortIr, place: StreamPlace): { readonly path: string; readonly text: string } {
  const [name = port.id] = port.listeners;
  const drawn = variable(`split_${underscored(name)}`);
  const { split, clusterZones, target, lines, ...own } = streamForward({ ...port, name, drawn }, place);
  const limits = [limitLines(name, port.connectionLimit), own.limits].filter((each) => each !== null);
  const senders = target === null ? null : ofSenders(name, port.proxyProtocol, target);
  const cluster = split === null ? (port.split[0]?.cluster ?? "") : drawn;
  const log = connectionLog(place.accessLog, { listener: name, form: `access-${name}`, cluster, seen: "none" });
  const view = {
    comment: comment(`${name}: ${hostAndPort(port.address, port.port)}`),
    limitZones: limitZones(name, port.connectionLimit),
    clusterZones,
    senders: senderRanges(name, port.proxyProtocol),
    header: headerLines(name, port.proxyProtocol, "tcp"),
    ofSenders: senders?.map ?? null,
    limits: limits.length === 0 ? null : joinBlocks(limits),
    split,
    logFormat: log?.format ?? null,
    listen: word(hostAndPort(port.address, port.port)),
    options: listenOptions(place.sockets),
    forward: lines({ target: senders === null ? target : param(senders.name), log: log?.directive ?? null }),
  };
  return { path: streamFile(port), text: block("tcpServer", view).text };
}
