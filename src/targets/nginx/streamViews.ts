/** What the templates of TCP and UDP ports are given, and of the header that connections begin with. */
import type { Quoted } from "../../util/templates.ts";
import type { Comment, Param, Variable, Word } from "./quote.ts";
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
  readonly ofSenders: { readonly name: Variable; readonly map: Block } | null;
  /** The header towards endpoints; null: none. */
  /** Null: endpoints are reached in the clear. */
  readonly endpointTls: Quoted<"block"> | null;
  readonly sendProxy: Word | null;
  readonly limitZones: Block | null;
  /** Of its clusters. */
  readonly clusterZones: Block | null;
  readonly limits: Block | null;
  readonly comment: Comment;
  readonly split: Block | null;
  /** Null: nothing is written down. */
  readonly log: { readonly format: Block; readonly directive: Block } | null;
  readonly listen: Word;
  readonly options: readonly ListenOption[];
  /** Null: connections are closed. */
  readonly target: Param | null;
  readonly connectTimeout: Word;
  readonly tries: Word;
  readonly idleTimeout: Word;
}

/** `udpServer.hbs`: a file. */
export interface UdpServerView extends Pick<TcpServerView, "comment" | "split" | "listen" | "idleTimeout"> {
  /** Null: packets are dropped. */
  readonly target: Param | null;
  readonly perPacket: boolean;
}
