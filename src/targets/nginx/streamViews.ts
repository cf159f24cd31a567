/** What the templates of TCP and UDP ports are given, and of the header that connections begin with. */
import type { Quoted } from "../../util/templates.ts";
import type { Comment, MapEntries, Param, Variable, Word } from "./quote.ts";
import type { ListenOption } from "./sockets.ts";

type Block = Quoted<"block">;

/** `proxyProtocol.hbs`: in each server. */
export interface ProxyProtocolView {
  /** Of TCP: for the header; null: HTTP, which has a limit for all fields. */
  readonly timeout: Word | null;
  /** Whose headers are believed. */
  readonly trusted: readonly { readonly range: Word }[];
  /** Empty for connections from elsewhere, which are closed; null: there are none. */
  readonly sender: Variable | null;
}

/** `tcpServer.hbs`: a file. */
export interface TcpServerView {
  readonly senders: Block | null;
  /** What the header at the beginning of connections is for; null: there is none. */
  readonly header: Block | null;
  /** Where connections of senders go, and no others; null: there is no such difference. */
  readonly ofSenders: Block | null;
  readonly limitZones: Block | null;
  /** Of its clusters. */
  readonly clusterZones: Block | null;
  readonly limits: Block | null;
  readonly comment: Comment;
  readonly split: Block | null;
  /** Null: nothing is written down. */
  readonly logFormat: Block | null;
  readonly listen: Word;
  readonly options: readonly ListenOption[];
  readonly forward: Block;
}

/** `streamForward.hbs`: the end of a server. */
export interface StreamForwardView {
  /** Null: nothing is written down. */
  readonly log: Block | null;
  /** Null: connections are closed. */
  readonly target: Param | null;
  /** The header towards endpoints; null: none. */
  readonly sendProxy: Word | null;
  /** Null: endpoints are reached in the clear. */
  readonly endpointTls: Block | null;
  readonly connectTimeout: Word;
  readonly idleTimeout: Word;
  readonly tries: Word;
}

/** `tlsServers.hbs`: a file. */
export interface TlsServersView
  extends Pick<
    TcpServerView,
    "comment" | "limitZones" | "senders" | "ofSenders" | "listen" | "options" | "header" | "limits"
  > {
  /** The socket behind which a name's connections go on, or nothing. */
  readonly named: Variable;
  readonly entries: MapEntries;
  readonly fallback: Param;
  /** The same, for what begins as TLS does. */
  readonly hop: Block;
  readonly helloTimeout: Word;
  readonly target: Param;
  readonly idleTimeout: Word;
  readonly servers: readonly Block[];
}

/** `tlsServer.hbs`: behind one of those sockets. */
export interface TlsServerView
  extends Pick<TcpServerView, "comment" | "split" | "clusterZones" | "logFormat" | "listen" | "limits" | "forward"> {
  /** Null: it is passed through. */
  readonly tls: Block | null;
  readonly alpn: readonly { readonly protocol: Word }[];
  readonly helloTimeout: Word;
  /** The name that is asked for is read once more, for the log. */
  readonly preread: boolean;
}

/** `udpServer.hbs`: a file. */
export interface UdpServerView extends Pick<TcpServerView, "comment" | "split" | "listen"> {
  readonly idleTimeout: Word;
  /** Null: packets are dropped. */
  readonly target: Param | null;
  readonly perPacket: boolean;
}
