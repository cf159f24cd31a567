/** TCP ports: a file with one stream server each. */
import { CONNECT_TRIES, type ProxyVersion, type TcpPortIr } from "../../ir/index.ts";
import { socketLog } from "./accessLog.ts";
import { block, joinBlocks } from "./blocks.ts";
import { limitLines, limitZones } from "./connectionLimit.ts";
import { hostAndPort } from "./hostAndPort.ts";
import type { ListenerPlace } from "./listener.ts";
import { streamFile, underscored } from "./names.ts";
import { headerLines, sender, senderRanges } from "./proxyProtocol.ts";
import {
  comment,
  mapEntries,
  mapEntry,
  mapKey,
  milliseconds,
  type Param,
  param,
  variable,
  type Word,
  word,
} from "./quote.ts";
import { listenOptions } from "./sockets.ts";
import { sharesView } from "./splits.ts";
import { type Limited, streamLimits } from "./upstream/limits.ts";
import { tlsInclude } from "./upstream/tls.ts";
import type { Block } from "./views.ts";

/** nginx needs a value even where nothing is proxied; it has no effect there. */
const UNUSED_CONNECT_TIMEOUT_MS = 5000;

/** A connection is told apart by worker, number, time and client. */
const SEED = param(
  variable("pid"),
  ":",
  variable("connection"),
  ":",
  variable("msec"),
  ":",
  variable("remote_addr"),
  ":",
  variable("remote_port"),
);

/** What a fleet's TCP ports share. */
export interface StreamPlace extends Pick<ListenerPlace, "connectTimeouts" | "secured" | "accessLog" | "sockets"> {
  /** The header that connections to endpoints begin with, by cluster; those without are not there. */
  readonly proxyProtocols: ReadonlyMap<string, ProxyVersion>;
  /** Limits of TCP. */
  readonly limited: Limited;
}

/** Path and text of one port's file. With several clusters the longest of their connect timeouts holds for all (`inspect.ts`). */
export function lowerTcpPort(
  port: TcpPortIr,
  { connectTimeouts, secured, proxyProtocols, accessLog, limited, sockets }: StreamPlace,
): { readonly path: string; readonly text: string } {
  const { split } = port;
  const [name = port.id] = port.listeners;
  const [first] = split;
  const drawn = variable(`split_${underscored(name)}`);
  const timeouts = split.map(({ cluster }) => connectTimeouts.get(cluster) ?? UNUSED_CONNECT_TIMEOUT_MS);
  const target = split.length > 1 ? drawn : first?.cluster;
  const sent = first === undefined ? undefined : proxyProtocols.get(first.cluster);
  const ofClusters = streamLimits(split, { limited, drawn: split.length > 1 ? drawn : null });
  const limits = [limitLines(name, port.connectionLimit), ofClusters?.lines ?? null].filter((lines) => lines !== null);
  const view = {
    comment: comment(`${name}: ${hostAndPort(port.address, port.port)}`),
    limitZones: limitZones(name, port.connectionLimit),
    clusterZones: ofClusters?.zones ?? null,
    senders: senderRanges(name, port.proxyProtocol),
    header: headerLines(name, port.proxyProtocol, "tcp"),
    ofSenders: target === undefined ? null : ofSenders(port, param(target)),
    sendProxy: sent === undefined ? null : SEND_PROXY[sent],
    endpointTls: first !== undefined && secured.has(first.cluster) ? tlsInclude(first.cluster) : null,
    limits: limits.length === 0 ? null : joinBlocks(limits),
    split: split.length > 1 ? splitBlock(port, name) : null,
    log: socketLog(accessLog, port),
    listen: word(hostAndPort(port.address, port.port)),
    options: listenOptions(sockets),
    target: target === undefined ? null : param(target),
    connectTimeout: milliseconds(Math.max(...timeouts, 1)),
    idleTimeout: milliseconds(port.idleTimeoutMs),
    tries: word(CONNECT_TRIES),
  };
  return { path: streamFile(port), text: block("tcpServer", view).text };
}

/** `proxy_protocol` of a server. */
const SEND_PROXY: Readonly<Record<ProxyVersion, Word>> = { v1: word("on"), v2: word("v2") };

/** The target of connections from those who may send headers: others get none, and are closed. */
function ofSenders({ id, listeners: [listener = id], proxyProtocol }: TcpPortIr, target: Param) {
  const source = sender(listener, proxyProtocol);
  if (source === null) return null;
  const name = variable(`target_${underscored(listener)}`);
  const entries = mapEntries([mapEntry(mapKey(""), param(""))]);
  return { name, map: block("map", { comment: null, source: param(source), name, entries, fallback: target }) };
}

function splitBlock({ split }: TcpPortIr, name: string): Block {
  const targets = split.map(({ cluster }) => cluster);
  return block("split", {
    comment: comment(name),
    seed: SEED,
    name: variable(`split_${underscored(name)}`),
    shares: sharesView(split, targets),
  });
}
