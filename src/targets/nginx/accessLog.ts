/**
 * The access log. Locations of rules note which rule and cluster it is (`set $log_rule`); all else is worked out when the line is
 * written, by maps of `access-log.conf`. What no rule has taken, and is not 404, was refused before rules are looked for: nothing of such a
 * request is told, as other proxies' parsers may not have come so far. It has a line of a form of its own, so that no text is asked whether
 * it may be told.
 */
import {
  type AccessLogIr,
  type ConnectionLogField,
  type HttpPortIr,
  MAX_LOGGED_BYTES,
  type RequestLogField,
  WIDE_CHARACTER,
} from "../../ir/index.ts";
import { block, joinBlocks } from "./blocks.ts";
import {
  FIRST_CAPTURE,
  type LogLine,
  logLine,
  type MapEntry,
  mapEntries,
  mapEntry,
  mapKey,
  mapRegexKey,
  type Part,
  param,
  SECOND_CAPTURE,
  THIRD_CAPTURE,
  type Variable,
  variable,
  type Word,
  word,
} from "./quote.ts";
import type { Block, MapView } from "./views.ts";

/** What a location sets; null: it answers by itself. */
export function loggedLines(name: string, cluster: Part | null): readonly Block[] {
  const [route = "", rule = ""] = name.split("/");
  const view = { route: param(route), rule: param(rule), cluster: cluster === null ? null : param(cluster) };
  return [block("logged", view)];
}

/** All others are texts. */
const NUMBERS = new Set(["bytes_received", "bytes_sent", "client_port", "duration", "status"]);

const COMMON = {
  client_address: "remote_addr",
  client_port: "remote_port",
  duration: "log_duration",
  endpoint: "log_endpoint",
  time: "log_time",
} as const;

const REQUEST: Readonly<Record<Exclude<RequestLogField, "listener">, string>> = {
  ...COMMON,
  authority: "log_authority",
  cluster: "log_cluster",
  method: "request_method",
  path: "log_path",
  protocol: "server_protocol",
  request_id: "log_request_id",
  request_target: "log_request_target",
  route: "log_route",
  rule: "log_rule",
  status: "log_status",
  tls_cipher: "ssl_cipher",
  tls_client_fingerprint: "ssl_client_fingerprint",
  tls_client_subject: "log_tls_client_subject",
  tls_client_verified: "log_tls_client_verified",
  tls_server_name: "log_tls_server_name",
  tls_version: "ssl_protocol",
  user_agent: "log_user_agent",
};

const CONNECTION: Readonly<Record<Exclude<ConnectionLogField, "listener" | "cluster">, string>> = {
  ...COMMON,
  bytes_received: "bytes_received",
  bytes_sent: "bytes_sent",
};

/** Keys that are told of what is refused, too. */
const OF_REFUSED = new Set([
  ...["client_address", "client_port", "duration", "listener", "status", "time"],
  ...["tls_cipher", "tls_server_name", "tls_version"],
]);

/** What stands before the servers of a socket, and in each of them; null: it has no log. */
export interface SocketLog {
  readonly format: Block;
  readonly directive: Block;
}

/** The log of an HTTP socket. Requests have two forms, for those that came to the rules and for what was refused before. */
export function socketLog(
  log: AccessLogIr | null,
  { id, listeners: [listener = id] }: Pick<HttpPortIr, "id" | "listeners">,
): SocketLog | null {
  const keys = log?.requestFields ?? [];
  const told = (key: string): Part => valueIn(REQUEST, key, listener);
  const refused = lineOf(keys, (key) => (OF_REFUSED.has(key) ? told(key) : ""));
  return logOf(log, keys, [
    { name: `access-${listener}`, line: lineOf(keys, told), condition: variable("log_known") },
    { name: `refused-${listener}`, line: refused, condition: variable("log_refused") },
  ]);
}

/** What connections have in common that leave lines of one form. */
export interface LoggedConnections {
  readonly listener: string;
  /** What the form is called. */
  readonly form: string;
  /** What `proxy_pass` names. */
  readonly cluster: Part;
}

/** The log of connections that are forwarded alike. */
export function connectionLog(
  log: AccessLogIr | null,
  { listener, form, cluster }: LoggedConnections,
): SocketLog | null {
  const keys = log?.connectionFields ?? [];
  const line = lineOf(keys, (key) => (key === "cluster" ? cluster : valueIn(CONNECTION, key, listener)));
  const condition = log !== null && log.samplePercent < ALL ? variable("log_sampled") : null;
  return logOf(log, keys, [{ name: form, line, condition }]);
}

interface Form {
  readonly name: string;
  readonly line: LogLine;
  readonly condition: Variable | null;
}

function logOf(log: AccessLogIr | null, keys: readonly string[], forms: readonly Form[]): SocketLog | null {
  if (log === null || keys.length === 0) return null;
  const target = word(log.path);
  return {
    format: joinBlocks(forms.map(({ name, line }) => block("logFormat", { name: word(name), line }))),
    directive: joinBlocks(
      forms.map(({ name, condition }) => block("accessLog", { path: target, name: word(name), condition })),
    ),
  };
}

function lineOf(keys: readonly string[], told: (key: string) => Part): LogLine {
  const parts = keys.flatMap((key, index): readonly Part[] => {
    const start = `${index === 0 ? "{" : ","}"${key}":`;
    const value = told(key);
    const isNumber = typeof value !== "string" && NUMBERS.has(key);
    return isNumber ? [start, value] : [`${start}"`, value, '"'];
  });
  return logLine(...parts, "}");
}

/** A variable, or a text that is known. */
function valueIn(values: Readonly<Record<string, string>>, key: string, listener: string): Part {
  if (key === "listener") return listener;
  const name = values[key];
  if (name === undefined) throw new Error(`nginx has no value for ${key}`);
  return variable(name);
}

const ALL = 100;

/** `access-log.conf`; null: the fleet has no log of requests. */
export function requestLogText(log: AccessLogIr | null): string | null {
  if (log === null || log.requestFields.length === 0) return null;
  const forms = formMaps(log.samplePercent < ALL ? variable("log_sampled") : "1");
  const maps = [...SHARED_MAPS, ...REQUEST_MAPS, ...forms].map((view) => block("map", view));
  return block("accessLogMaps", { maps, sampled: sampled(log) }).text;
}

/** The same for connections, for the `stream` block. */
export function connectionLogText(log: AccessLogIr | null): string | null {
  if (log === null || log.connectionFields.length === 0) return null;
  const maps = [map("log_duration", variable("session_time"), DURATION), ...SHARED_MAPS.slice(1)];
  return block("accessLogMaps", { maps: maps.map((view) => block("map", view)), sampled: sampled(log) }).text;
}

function sampled({ samplePercent }: AccessLogIr): Word | null {
  return samplePercent === ALL ? null : word(`${samplePercent}%`);
}

function map(name: string, source: Part | readonly Part[], { entries, fallback = "" }: Entries): MapView {
  const parts = Array.isArray(source) ? (source as readonly Part[]) : [source as Part];
  return {
    comment: null,
    source: param(...parts),
    name: variable(name),
    entries: mapEntries(entries),
    fallback: param(fallback),
  };
}

interface Entries {
  readonly entries: readonly MapEntry[];
  readonly fallback?: Part;
}

function found(pattern: string, ...result: readonly Part[]): MapEntry {
  return mapEntry(mapRegexKey(pattern), param(...result));
}

/** Milliseconds out of seconds with three decimals. */
const DURATION: Entries = {
  fallback: "0",
  entries: [
    found("^0\\.00(.)$", FIRST_CAPTURE),
    found("^0\\.0(..)$", FIRST_CAPTURE),
    found("^0\\.(...)$", FIRST_CAPTURE),
    found("^([0-9]+)\\.(...)$", FIRST_CAPTURE, SECOND_CAPTURE),
  ],
};

/** Seconds and zone from the one, milliseconds from the other; both are of the same moment. */
const TIME: Entries = {
  entries: [
    found("^(.{19})\\+00:00 .{10}(.{4})$", FIRST_CAPTURE, SECOND_CAPTURE, "Z"),
    found("^(.{19})(.{6}) .{10}(.{4})$", FIRST_CAPTURE, THIRD_CAPTURE, SECOND_CAPTURE),
  ],
};

const SHARED_MAPS: readonly MapView[] = [
  map("log_duration", variable("request_time"), DURATION),
  map("log_time", [variable("time_iso8601"), " ", variable("msec")], TIME),
  // The last one tried. A cluster of which none could be tried stands there by its name.
  map("log_endpoint", variable("upstream_addr"), {
    entries: [
      mapEntry(mapKey(""), param("")),
      found("^([0-9.]+:[0-9]+)$", FIRST_CAPTURE),
      found("(?:^|[ ,])([^ ,]+:[0-9]+)$", FIRST_CAPTURE),
    ],
  }),
];

const NOTHING = mapEntry(mapKey(""), param(""));
/** Such at the ends of a text do not count: the other proxies take them off. */
const BLANKS = "[\\t ]*+";

/**
 * The usual text first. Else of a text its beginning, if that is ASCII, or all of it, if it is short enough; what is no UTF-8 would be no
 * JSON. No expression looks at a byte more than twice.
 */
const TEXT: Entries = {
  entries: [
    NOTHING,
    found(`^([\\x21-\\x7e](?:[\\x20-\\x7e]{0,${MAX_LOGGED_BYTES - 2}}[\\x21-\\x7e])?)\\z`, FIRST_CAPTURE),
    found(`^${BLANKS}([\\x00-\\x7f]{${MAX_LOGGED_BYTES}})`, FIRST_CAPTURE),
    found(
      `(?s)^${BLANKS}(?=.{0,${MAX_LOGGED_BYTES}}\\z)((?:[^\\t \\x80-\\xff]++|[\\t ]++(?!\\z)|${WIDE_CHARACTER})*+)${BLANKS}\\z`,
      FIRST_CAPTURE,
    ),
  ],
};

/** What the request policy lets pass is ASCII. */
const ASCII: Entries = { entries: [found(`^(.{1,${MAX_LOGGED_BYTES}})`, FIRST_CAPTURE)] };
const PATH: Entries = { entries: [found(`^([^?]{1,${MAX_LOGGED_BYTES}})`, FIRST_CAPTURE)] };

const exactly = (key: string, result: Part): MapEntry => mapEntry(mapKey(key), param(result));

const REQUEST_MAPS: readonly MapView[] = [
  // Locations set these.
  ...["log_route", "log_rule", "log_cluster"].map((name) => map(name, "", { entries: [] })),
  // A client that went away, and an answer without a status line: no number that others know, or no number of JSON.
  map("log_status", variable("status"), {
    entries: [
      ...["000", "009"].map((status) => exactly(status, "0")),
      // 499 is nginx's own name for a client that went away, and may be an endpoint's answer.
      ...["400", "499"].map((status) => exactly(status, variable("log_sent"))),
    ],
    fallback: variable("status"),
  }),
  map("log_sent", variable("bytes_sent"), { entries: [exactly("0", "0")], fallback: variable("status") }),
  map("log_authority", variable("authority"), ASCII),
  map("log_path", variable("request_uri"), PATH),
  map("log_request_target", variable("request_uri"), ASCII),
  map("log_tls_server_name", variable("ssl_server_name"), ASCII),
  map("log_tls_client_subject", variable("ssl_client_s_dn"), ASCII),
  map("log_tls_client_verified", variable("ssl_client_verify"), {
    entries: [exactly("SUCCESS", "yes"), found("^FAILED", "no")],
  }),
  map("log_request_id", variable("http_x_request_id"), TEXT),
  map("log_user_agent", variable("http_user_agent"), TEXT),
];

/** Which of the two forms a request has. `taken`: what is true of one that is written. */
function formMaps(taken: Part): readonly MapView[] {
  return [
    map("log_known", variable("log_rule"), { entries: [exactly("", variable("log_unmatched"))], fallback: taken }),
    map("log_unmatched", variable("status"), { entries: [exactly("404", taken)] }),
    map("log_refused", variable("log_rule"), { entries: [exactly("", variable("log_unknown"))] }),
    map("log_unknown", variable("status"), { entries: [exactly("404", "")], fallback: taken }),
  ];
}
