/** What templates are given of names and TLS: types only. */

import type { Quoted } from "../../util/templates.ts";
import type { MapEntries, Param, Variable, Word } from "./quote.ts";
import type { ListenOption } from "./sockets.ts";

/** What differs between servers of a socket. */
export interface NamedServerView {
  readonly isDefault: boolean;
  /** None where another server of the socket has them. */
  readonly options: readonly ListenOption[];
  readonly firstName: Word;
  readonly otherNames: readonly { readonly name: Word }[];
  /** Null: in the clear. */
  readonly tls: Quoted<"block"> | null;
  /** What refuses requests of other listeners; null: there is only one. */
  readonly misdirected: Quoted<"block"> | null;
}

/** `tls.hbs`: what is shown, and what is agreed on. */
export interface TlsView {
  /** None: there is no handshake. */
  readonly certificates: readonly { readonly chain: Word; readonly key: Word }[];
  readonly protocols: readonly { readonly protocol: Word }[];
  readonly cipherSuites: Word | null;
  /** Where requests in the clear end; of HTTP. */
  readonly closed: boolean;
  /** Null: no certificate is asked for. */
  readonly clients: {
    readonly mode: Word;
    readonly depth: Word;
    readonly authority: Word;
    readonly revoked: Word | null;
  } | null;
  /** Sessions are resumed. */
  readonly keepsSessions: boolean;
  /** What refuses requests of other listeners before a connection is closed; null: nothing. */
  readonly foreign: Quoted<"block"> | null;
}

/** `tlsScopes.hbs`: by server name. */
export interface TlsScopesView {
  readonly name: Variable;
  readonly entries: MapEntries;
  readonly fallback: Param;
}

/** `endpointTls.hbs`. */
export interface EndpointTlsView {
  /** What the names of directives begin with. */
  readonly module: Word;
  /** Whom the certificate has to name, and whether this is asked for. */
  readonly name: Word | null;
  readonly isAsked: boolean;
  /** Null: nobody is verified. */
  readonly verified: { readonly authority: Word; readonly revoked: Word | null; readonly depth: Word } | null;
  readonly certificate: { readonly chain: Word; readonly key: Word } | null;
  readonly protocols: readonly { readonly protocol: Word }[];
}
