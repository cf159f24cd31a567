/** What the templates of policies, and of what they need, are given; see views.ts. */
import type { Http3Limits } from "./http3.ts";
import type { Comment, MapEntries, Param, Regex, Variable, Word } from "./quote.ts";

/** `texts.hbs`: values for variables, one after the other. */
export interface TextsView {
  readonly texts: readonly TextView[];
}

/** One of them. */
export interface TextView {
  readonly name: Variable;
  readonly value: Param;
}

/** `policies/rewrite.hbs`. */
export interface RewriteView extends TextsView {
  readonly pattern: Regex;
  readonly path: Param;
}

/** `policies/fullPath.hbs`. */
export interface FullPathView extends TextsView {
  readonly path: Param;
}

/** `geo.hbs`: a variable that is 1 for clients of these ranges. */
export interface GeoView {
  readonly comment: Comment;
  /** What is looked at; null: the client's address. */
  readonly of: Variable | null;
  readonly name: Variable;
  readonly ranges: readonly { readonly range: Word }[];
}

/** `geoTable.hbs`: a variable that holds a label; `rest`: that of all others, null: none. */
export interface GeoTableView {
  readonly comment: Comment;
  readonly name: Variable;
  readonly rest: Word | null;
  readonly entries: MapEntries;
}

/** `requestFields.hbs`: everything that a request gets, in a location that changes some of it. */
export interface RequestFieldsView {
  readonly host: Param;
  readonly fields: readonly { readonly name: Word; readonly value: Param }[];
}

/** `policies/timeouts.hbs`. */
export interface TimeoutsView {
  /** What forwards. */
  readonly module: Word;
  readonly idle: Word;
  /** How long another try may begin. */
  readonly tries: Word;
}

/** `policies/retry.hbs`. */
export interface RetryView {
  readonly tries: Word;
  /** Null: what was sent is sent again as everywhere. */
  readonly reasons: {
    readonly all: readonly { readonly reason: Word }[];
    /** What has this size stays in memory. */
    readonly bodyBytes: Word;
  } | null;
}

/** `policies/responseHeaders.hbs`. `hidden` and `passed` are fields of the endpoint's answer. */
export interface ResponseHeadersView extends TextsView {
  readonly hidden: readonly PassedFieldView[];
  /** What answers of endpoints get; none where the server says it. */
  readonly sent: readonly { readonly name: Word; readonly value: Variable }[];
  readonly passed: readonly PassedFieldView[];
}

/** `module`: what forwards. */
export interface PassedFieldView {
  readonly module: Word;
  readonly name: Word;
}

/** The templates of HTTP/2. */
export interface Http2Views {
  readonly http2Limits: {
    readonly http2: boolean;
    /** A server says it, not the socket. */
    readonly isDirective: boolean;
    readonly streams: Word;
    readonly http3: Http3Limits | null;
    readonly requests: Word;
    readonly badRequest: Param;
  };
  readonly http2Upstream: { readonly forbidden: Param };
}
