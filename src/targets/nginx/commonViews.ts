/** What the templates of the files are given that are the same for every fleet; see views.ts. */
import type { MapEntries, Param, Variable, Word } from "./quote.ts";

/** `common.hbs`: the same for every fleet, or for every fleet with HTTP/3. Patterns are whole keys of maps. */
export interface CommonView {
  readonly badRequest: Param;
  /** Clients speak HTTP/3. */
  readonly http3: boolean;
  /** The Host field as it was sent. */
  readonly host: Variable;
  readonly passed: readonly { readonly name: Word }[];
  readonly clientTimeouts: readonly { readonly directive: Word; readonly time: Word }[];
  readonly connectTimeout: Word;
  readonly tries: Word;
  readonly idleTimeout: Word;
  readonly statusTexts: MapEntries;
  readonly requestForms: MapEntries;
  readonly badPath: MapEntries;
  readonly badTarget: MapEntries;
  readonly badConnection: MapEntries;
  readonly goodHost: MapEntries;
  readonly methods: MapEntries;
}

/** `serverParts.hbs`: what every server includes. */
export interface ServerPartsView {
  readonly badRequest: Param;
  readonly forbidden: Param;
}
