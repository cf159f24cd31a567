/** TCP ports: one stream server each. */
import type { ClusterIr, TcpPortIr } from "../../ir/index.ts";
import { type Namer, upstreamName } from "./names.ts";
import { milliseconds, param, type Variable, value, variable, word } from "./quote.ts";
import { lowerSplit, splitVariable } from "./splits.ts";
import { hostAndPort } from "./upstreams.ts";
import type { SplitView, TcpServerView } from "./views.ts";

/** nginx needs a value even where nothing is proxied; it has no effect there. */
const UNUSED_CONNECT_TIMEOUT_MS = 5000;

/** One TCP port's server, and the split that draws its cluster; null with fewer than two clusters. */
export interface LoweredTcpPort {
  readonly server: TcpServerView;
  readonly split: { readonly name: string; readonly view: SplitView } | null;
}

/** The stream module has no request id: a connection is told apart by worker, number, time and client. */
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

/** Lowers one port. With several clusters the longest of their connect timeouts holds for all (see `inspect.ts`). */
export function lowerTcpPort(
  port: TcpPortIr,
  { clusters, namer }: { readonly clusters: ReadonlyMap<string, ClusterIr>; readonly namer: Namer },
): LoweredTcpPort {
  const { split } = port;
  const first = split[0];
  const drawn: Variable | null = split.length > 1 ? splitVariable(split, namer) : null;
  const timeouts = split.map(({ cluster }) => clusters.get(cluster)?.connectTimeoutMs ?? UNUSED_CONNECT_TIMEOUT_MS);
  return {
    server: {
      listen: word(hostAndPort(port.address, port.port)),
      upstream: first === undefined ? null : value(drawn ?? word(upstreamName(first.cluster))),
      connectTimeout: milliseconds(Math.max(...timeouts, 1)),
      idleTimeout: milliseconds(port.idleTimeoutMs),
    },
    split: drawn === null ? null : { name: drawn.text, view: lowerSplit(split, drawn, SEED) },
  };
}
