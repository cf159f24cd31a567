/**
 * The access log. Locations of rules note which rule and cluster it is (`set $logged`); all else is worked out when the line is
 * written, by maps of `access-log.conf`. What no rule has taken, and is not 404, was refused before rules are looked for: nothing of such a
 * request is told, as other proxies' parsers may not have come so far.
 */
import {
  type AccessLogIr,
  type ConnectionLogField,
  MAX_LOGGED_BYTES,
  type PortIr,
  type RequestLogField,
} from "../../ir/index.ts";
import { block } from "./blocks.ts";
import { underscored } from "./names.ts";
import {
  FIRST_CAPTURE,
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
  variable,
  type Word,
  word,
} from "./quote.ts";
import type { Block, MapView } from "./views.ts";

/** What a location sets: `<route>/<rule> <cluster>`, or without cluster. */
export function loggedLines(rule: string, cluster: Part): readonly Block[] {
  return [block("logged", { value: param(`${rule} `, cluster) })];
}

/** A JSON string, or a number. */
interface Value {
  readonly variable: string;
  readonly isNumber?: true;
}

const COMMON = {
  client_address: { variable: "remote_addr" },
  client_port: { variable: "remote_port", isNumber: true },
  duration: { variable: "log_duration", isNumber: true },
  endpoint: { variable: "log_endpoint" },
  time: { variable: "log_time" },
} as const satisfies Readonly<Record<string, Value>>;

const REQUEST: Readonly<Record<Exclude<RequestLogField, "listener">, Value>> = {
  ...COMMON,
  authority: { variable: "log_authority" },
  cluster: { variable: "log_cluster" },
  method: { variable: "log_method" },
  path: { variable: "log_path" },
  protocol: { variable: "log_protocol" },
  request_id: { variable: "log_request_id" },
  request_target: { variable: "log_request_target" },
  route: { variable: "log_route" },
  rule: { variable: "log_rule" },
  status: { variable: "log_status", isNumber: true },
  user_agent: { variable: "log_user_agent" },
};

const CONNECTION: Readonly<Record<Exclude<ConnectionLogField, "listener" | "cluster">, Value>> = {
  ...COMMON,
  bytes_received: { variable: "bytes_received", isNumber: true },
  bytes_sent: { variable: "bytes_sent", isNumber: true },
};

/** What stands before the servers of a socket, and in each of them; null: it has no log. */
export interface SocketLog {
  readonly format: Block;
  readonly directive: Block;
}

/** The log of one socket. */
export function socketLog(log: AccessLogIr | null, { kind, listeners, id, ...port }: PortIr): SocketLog | null {
  const keys = log === null ? [] : kind === "http" ? log.requestFields : log.connectionFields;
  if (log === null || keys.length === 0) return null;
  const [listener = id] = listeners;
  // A connection's cluster is what `proxy_pass` names.
  const drawn = "split" in port && port.split.length > 1 ? variable(`split_${underscored(listener)}`) : null;
  const only = "split" in port ? (port.split[0]?.cluster ?? "") : "";
  const values: Readonly<Record<string, Value>> = kind === "http" ? REQUEST : CONNECTION;
  const parts = keys.flatMap((key, index): readonly Part[] => {
    const start = `${index === 0 ? "{" : ","}"${key}":`;
    if (key === "listener") return [`${start}"${listener}"`];
    if (key === "cluster" && kind === "tcp") return [`${start}"`, drawn ?? only, '"'];
    const value = values[key];
    if (value === undefined) throw new Error(`nginx has no value for ${key}`);
    return value.isNumber ? [start, variable(value.variable)] : [`${start}"`, variable(value.variable), '"'];
  });
  const name = word(`access-${listener}`);
  return {
    format: block("logFormat", { name, line: logLine(...parts, "}") }),
    directive: block("accessLog", { path: word(log.path), name, isSampled: log.samplePercent < ALL }),
  };
}

const ALL = 100;

/** `access-log.conf`; null: the fleet has no log of requests. */
export function requestLogText(log: AccessLogIr | null): string | null {
  if (log === null || log.requestFields.length === 0) return null;
  const maps = [...SHARED_MAPS, ...REQUEST_MAPS].map((view) => block("map", view));
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
    found("^([^+]*)\\+00:00 [0-9]+(\\..*)$", FIRST_CAPTURE, SECOND_CAPTURE, "Z"),
    found("^(.*)([+-].....) [0-9]+(\\..*)$", FIRST_CAPTURE, THIRD_CAPTURE, SECOND_CAPTURE),
  ],
};

const SHARED_MAPS: readonly MapView[] = [
  map("log_duration", variable("request_time"), DURATION),
  map("log_time", [variable("time_iso8601"), " ", variable("msec")], TIME),
  // The last one tried. A cluster of which none could be tried stands there by its name.
  map("log_endpoint", variable("upstream_addr"), { entries: [found("(?:^|[ ,])([^ ,]+:[0-9]+)$", FIRST_CAPTURE)] }),
];

/** Bytes that are UTF-8; each repeat keeps what it has. */
const UTF8 = [
  "[\\x00-\\x7f]++",
  "[\\xc2-\\xdf][\\x80-\\xbf]",
  "\\xe0[\\xa0-\\xbf][\\x80-\\xbf]",
  "[\\xe1-\\xec\\xee\\xef][\\x80-\\xbf]{2}",
  "\\xed[\\x80-\\x9f][\\x80-\\xbf]",
  "\\xf0[\\x90-\\xbf][\\x80-\\xbf]{2}",
  "[\\xf1-\\xf3][\\x80-\\xbf]{3}",
  "\\xf4[\\x80-\\x8f][\\x80-\\xbf]{2}",
].join("|");

/** Of a text behind a 1: its beginning, if that is ASCII, or all of it, if it is short enough; what is no UTF-8 would be no JSON. */
const TEXT: Entries = {
  entries: [
    found(`^1([\\x00-\\x7f]{${MAX_LOGGED_BYTES}}|[\\x00-\\x7f]*+\\z)`, FIRST_CAPTURE),
    found(`(?s)^1((?=.{0,${MAX_LOGGED_BYTES}}\\z)(?:${UTF8})*+)\\z`, FIRST_CAPTURE),
  ],
};

const told = (name: string, source: string): MapView => map(name, [variable("log_known"), variable(source)], TEXT);

const REQUEST_MAPS: readonly MapView[] = [
  map("logged", "", { entries: [] }),
  map("log_route", variable("logged"), { entries: [found("^([^/]+)/", FIRST_CAPTURE)] }),
  map("log_rule", variable("logged"), { entries: [found("/([^ ]+) ", FIRST_CAPTURE)] }),
  map("log_cluster", variable("logged"), { entries: [found(" (.+)$", FIRST_CAPTURE)] }),
  // A client that went away, and an answer without a status line: no number that others know, or no number of JSON.
  map("log_status", [variable("status"), " ", variable("bytes_sent")], {
    entries: [found("^(?:000|009|499) |^400 0$", "0")],
    fallback: variable("status"),
  }),
  map("log_known", [variable("status"), " ", variable("logged")], { entries: [found("^404 |^... .", "1")] }),
  map("log_method", variable("log_known"), { entries: [mapEntry(mapKey("1"), param(variable("request_method")))] }),
  map("log_protocol", variable("log_known"), { entries: [mapEntry(mapKey("1"), param(variable("server_protocol")))] }),
  told("log_authority", "authority"),
  told("log_path", "raw_path"),
  told("log_request_target", "request_uri"),
  told("log_request_id", "http_x_request_id"),
  told("log_user_agent", "http_user_agent"),
];
