/** One TCP port: a frontend that sends each connection to one share of its split. */
import type { TcpPortIr } from "../../ir/index.ts";
import type { Quoted } from "../../util/templates.ts";
import { type ConnectionLimitView, connectionLimitView } from "./connectionLimit.ts";
import { listenerMap, tcpBackend } from "./names.ts";
import { type ProxyProtocolView, proxyProtocolView } from "./proxyProtocol.ts";
import { address, file, name, number, time } from "./quote.ts";
import { DRAW_RANGE, drawLines } from "./splits.ts";

/** `tcpFrontend.hbs`. `only` and `split` are both null when nobody takes the connections: they are closed. */
export interface TcpPortView extends ConnectionLimitView, ProxyProtocolView {
  readonly name: Quoted<"name">;
  readonly address: Quoted<"address">;
  readonly v6only: boolean;
  readonly idleTimeout: Quoted<"time">;
  readonly only: Quoted<"name"> | null;
  readonly split: { readonly range: Quoted<"number">; readonly file: Quoted<"file"> } | null;
}

/** The port's view, and its map files by path. */
export interface LoweredTcpPort {
  readonly view: TcpPortView;
  readonly maps: ReadonlyMap<string, string>;
}

/** Everything that one TCP port needs. */
export function lowerTcpPort(port: TcpPortIr): LoweredTcpPort {
  const [listener] = port.listeners;
  if (listener === undefined) throw new Error(`${port.id} has no listener`);
  const [first] = port.split;
  const isSplit = port.split.length > 1;
  const path = listenerMap(listener, "split");
  const shares = port.split.map(({ cluster, weight }) => ({
    backend: tcpBackend(cluster, port.idleTimeoutMs),
    weight,
  }));
  const view: TcpPortView = {
    name: name(listener),
    address: address(port.address, port.port),
    v6only: port.address.includes(":"),
    idleTimeout: time(port.idleTimeoutMs),
    ...connectionLimitView(port.connectionLimit),
    ...proxyProtocolView(port.proxyProtocol),
    only: first === undefined || isSplit ? null : name(tcpBackend(first.cluster, port.idleTimeoutMs)),
    split: isSplit ? { range: number(DRAW_RANGE), file: file(path) } : null,
  };
  return { view, maps: isSplit ? new Map([[path, drawLines(shares)]]) : new Map() };
}
