/** What a fleet's proxies write down of requests and connections. */

/** What both kinds of line say of TLS. */
export const TLS_LOG_FIELDS = [
  "tls_cipher",
  "tls_client_fingerprint",
  "tls_client_subject",
  "tls_client_verified",
  "tls_server_name",
  "tls_version",
] as const;

/** The keys that a request's line can have, ascending: every proxy writes them in this order. */
export const REQUEST_LOG_FIELDS = [
  "authority",
  "client_address",
  "client_port",
  "cluster",
  "duration",
  "endpoint",
  "listener",
  "method",
  "path",
  "protocol",
  "request_id",
  "request_target",
  "route",
  "rule",
  "status",
  "time",
  ...TLS_LOG_FIELDS,
  "user_agent",
] as const;

/** Those of a connection's line: of TLS what was asked for where it is passed through, and what was agreed on where it ends. */
export const CONNECTION_LOG_FIELDS = [
  "bytes_received",
  "bytes_sent",
  "client_address",
  "client_port",
  "cluster",
  "duration",
  "endpoint",
  "listener",
  "time",
  ...TLS_LOG_FIELDS,
] as const;

/** A key of a request's line. */
export type RequestLogField = (typeof REQUEST_LOG_FIELDS)[number];
/** A key of a connection's line. */
export type ConnectionLogField = (typeof CONNECTION_LOG_FIELDS)[number];

/**
 * Texts of a client's are cut to so many bytes: a line of five of them, each byte written as six, stays within the 64 KiB that HAProxy
 * can be told to write at once, and no field of use is longer.
 */
export const MAX_LOGGED_BYTES = 1024;

/**
 * A regular expression of bytes: a character of several bytes in UTF-8. A text that has other bytes would be no JSON: it is written as
 * `""`, and so is one that would be cut behind such a character or within it, since no proxy can find where the last whole one ends.
 */
export const WIDE_CHARACTER = [
  "[\\xc2-\\xdf][\\x80-\\xbf]",
  "\\xe0[\\xa0-\\xbf][\\x80-\\xbf]",
  "[\\xe1-\\xec\\xee\\xef][\\x80-\\xbf]{2}",
  "\\xed[\\x80-\\x9f][\\x80-\\xbf]",
  "\\xf0[\\x90-\\xbf][\\x80-\\xbf]{2}",
  "[\\xf1-\\xf3][\\x80-\\xbf]{3}",
  "\\xf4[\\x80-\\x8f][\\x80-\\xbf]{2}",
].join("|");

/** What a proxy sees of a connection's TLS: there is none, the name that is asked for, or all of it. */
export type SeenTls = "none" | "name" | "all";

/** The path that means standard output. */
export const STANDARD_OUTPUT = "/dev/stdout";

/** One fleet's log. */
export interface AccessLogIr {
  /** Absolute; `STANDARD_OUTPUT` or a file's. */
  readonly path: string;
  /** Keys of a request's line, ascending; empty: none is written. */
  readonly requestFields: readonly RequestLogField[];
  /** Keys of a connection's line, likewise. */
  readonly connectionFields: readonly ConnectionLogField[];
  /** 1 to 100. */
  readonly samplePercent: number;
}
