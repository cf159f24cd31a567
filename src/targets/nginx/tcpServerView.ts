/** What the template of TCP ports is given. */
import type { Quoted } from "../../util/templates.ts";
import type { Comment, Param, Word } from "./quote.ts";
import type { ListenOption } from "./sockets.ts";

/** `tcpServer.hbs`: a file. */
export interface TcpServerView {
  readonly limitZones: Quoted<"block"> | null;
  /** Of its clusters. */
  readonly clusterZones: Quoted<"block"> | null;
  readonly limits: Quoted<"block"> | null;
  readonly comment: Comment;
  readonly split: Quoted<"block"> | null;
  /** Null: nothing is written down. */
  readonly log: { readonly format: Quoted<"block">; readonly directive: Quoted<"block"> } | null;
  readonly listen: Word;
  readonly options: readonly ListenOption[];
  /** Null: connections are closed. */
  readonly target: Param | null;
  readonly connectTimeout: Word;
  readonly tries: Word;
  readonly idleTimeout: Word;
}
