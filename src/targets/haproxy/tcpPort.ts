/** One TCP port: a frontend that sends each connection to one share of its split. */
import type { TcpPortIr } from "../../ir/index.ts";
import type { Quoted } from "../../util/templates.ts";
import { sum } from "./actionsView.ts";
import { portMap, tcpBackend } from "./names.ts";
import { address, file, mapKey, mapLine, mapValue, name, number, time } from "./quote.ts";

/** `tcpFrontend.hbs`. `only` and `split` are both null when nobody takes the connections: they are closed. */
export interface TcpPortView {
  readonly name: Quoted<"name">;
  readonly address: Quoted<"address">;
  readonly v6only: boolean;
  readonly idleTimeout: Quoted<"time">;
  readonly only: Quoted<"name"> | null;
  readonly split: { readonly total: Quoted<"number">; readonly file: Quoted<"file"> } | null;
}

/** The port's view, and its map files by path. */
export interface LoweredTcpPort {
  readonly view: TcpPortView;
  readonly maps: ReadonlyMap<string, string>;
}

/** Everything that one TCP port needs. */
export function lowerTcpPort(port: TcpPortIr): LoweredTcpPort {
  const [first] = port.split;
  const isSplit = port.split.length > 1;
  const path = portMap(port.id, "split");
  const backends = port.split.map(({ cluster }) => tcpBackend(cluster, port.idleTimeoutMs));
  const weights = port.split.map(({ weight }) => weight);
  const view: TcpPortView = {
    name: name(port.id),
    address: address(port.address, port.port),
    v6only: port.address.includes(":"),
    idleTimeout: time(port.idleTimeoutMs),
    only: first === undefined || isSplit ? null : name(tcpBackend(first.cluster, port.idleTimeoutMs)),
    split: isSplit ? { total: number(sum(weights)), file: file(path) } : null,
  };
  return { view, maps: isSplit ? new Map([[path, rangeLines(weights, backends)]]) : new Map() };
}

/** Lines of a `map_int` file: each value gets as many of the numbers from 0 as its weight says. */
export function rangeLines(weights: readonly number[], values: readonly string[]): string {
  let start = 0;
  return weights
    .map((weight, place) => {
      const low = start;
      start += weight;
      return mapLine(mapKey(`${low}:${start - 1}`), mapValue(values[place] ?? ""));
    })
    .join("");
}
