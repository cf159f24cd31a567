/** Where connections of a stream server go, and how: lines of the server, and what stands before it. */
import { CONNECT_TRIES, type ProxyVersion, type SplitIr, type TlsRouteIr } from "../../ir/index.ts";
import { block } from "./blocks.ts";
import type { ListenerPlace } from "./listener.ts";
import { comment, milliseconds, type Param, param, type Variable, variable, type Word, word } from "./quote.ts";
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

/** What a fleet's TCP and TLS ports share. */
export interface StreamPlace extends Pick<ListenerPlace, "connectTimeouts" | "secured" | "accessLog" | "sockets"> {
  /** The header that connections to endpoints begin with, by cluster; those without are not there. */
  readonly proxyProtocols: ReadonlyMap<string, ProxyVersion>;
  /** Limits of TCP. */
  readonly limited: Limited;
}

/** `proxy_protocol` of a server. */
const SEND_PROXY: Readonly<Record<ProxyVersion, Word>> = { v1: word("on"), v2: word("v2") };

/** How the clusters of a split are reached. */
export interface StreamForward {
  /** Before the server; null: one cluster has all connections. */
  readonly split: Block | null;
  /** Before the server, and in it: what counts for the clusters. */
  readonly clusterZones: Block | null;
  readonly limits: Block | null;
  /** Null: connections are closed. */
  readonly target: Param | null;
  /** The end of the server. */
  readonly lines: (to: { readonly target: Param | null; readonly log: Block | null }) => Block;
}

/** What is forwarded, and what its draw is called. */
export interface Forwarded extends Pick<TlsRouteIr, "split" | "idleTimeoutMs"> {
  readonly name: string;
  readonly drawn: Variable;
}

/** With several clusters the longest of their connect timeouts holds for all (`inspect.ts`). */
export function streamForward(
  { split, idleTimeoutMs, name, drawn }: Forwarded,
  { connectTimeouts, secured, proxyProtocols, limited }: StreamPlace,
): StreamForward {
  const [first] = split;
  const isSplit = split.length > 1;
  const timeouts = split.map(({ cluster }) => connectTimeouts.get(cluster) ?? UNUSED_CONNECT_TIMEOUT_MS);
  const sent = first === undefined ? undefined : proxyProtocols.get(first.cluster);
  const own = streamLimits(split, { limited, drawn: isSplit ? drawn : null });
  const settings = {
    sendProxy: sent === undefined ? null : SEND_PROXY[sent],
    endpointTls: first !== undefined && secured.has(first.cluster) ? tlsInclude(first.cluster) : null,
    connectTimeout: milliseconds(Math.max(...timeouts, 1)),
    idleTimeout: milliseconds(idleTimeoutMs),
    tries: word(CONNECT_TRIES),
  };
  return {
    split: isSplit ? splitBlock(split, name, drawn) : null,
    clusterZones: own?.zones ?? null,
    limits: own?.lines ?? null,
    target: isSplit ? param(drawn) : first === undefined ? null : param(first.cluster),
    lines: ({ target, log }) => block("streamForward", { ...settings, target, log }),
  };
}

function splitBlock(split: SplitIr, name: string, drawn: Variable): Block {
  const targets = split.map(({ cluster }) => cluster);
  return block("split", { comment: comment(name), seed: SEED, name: drawn, shares: sharesView(split, targets) });
}
