/** Maps that the access log's lines are made with: what nginx has in another form than the other proxies. */
import { type AccessLogIr, MAX_LOGGED_BYTES, WIDE_CHARACTER } from "../../ir/index.ts";
import { block } from "./blocks.ts";
import {
  FIRST_CAPTURE,
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
import type { MapView } from "./views.ts";

/** Of a hundred. */
export const ALL = 100;

/** `access-log.conf`; null: the fleet has no log of requests. `http3`: clients speak it. */
export function requestLogText(log: AccessLogIr | null, http3: boolean): string | null {
  if (log === null || log.requestFields.length === 0) return null;
  const forms = formMaps(log.samplePercent < ALL ? variable("log_sampled") : "1");
  const maps = [...SHARED_MAPS, ...REQUEST_MAPS, ...(http3 ? [PROTOCOL] : []), ...forms].map((view) =>
    block("map", view),
  );
  return block("accessLogMaps", { maps, sampled: sampled(log) }).text;
}

/** The same for connections, for the `stream` block. */
export function connectionLogText(log: AccessLogIr | null): string | null {
  if (log === null || log.connectionFields.length === 0) return null;
  const taken = log.samplePercent < ALL ? variable("log_sampled") : "1";
  const maps = [
    map("log_duration", variable("session_time"), DURATION),
    ...SHARED_MAPS.slice(1),
    ...TLS_MAPS,
    map("log_tls_preread_name", variable("ssl_preread_server_name"), ASCII),
    // Of handshakes that fail, and of clients that are refused for their certificate.
    map("log_shaken", variable("status"), { entries: [exactly("500", "")], fallback: taken }),
  ];
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

const TLS_MAPS: readonly MapView[] = [
  map("log_tls_server_name", variable("ssl_server_name"), ASCII),
  map("log_tls_client_subject", variable("ssl_client_s_dn"), ASCII),
  map("log_tls_client_verified", variable("ssl_client_verify"), {
    entries: [exactly("SUCCESS", "yes"), found("^FAILED", "no")],
  }),
];

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
  ...TLS_MAPS,
  map("log_request_id", variable("http_x_request_id"), TEXT),
  map("log_user_agent", variable("http_user_agent"), TEXT),
];

/** As Envoy calls it. */
const PROTOCOL = map("log_protocol", variable("server_protocol"), {
  entries: [exactly("HTTP/3.0", "HTTP/3")],
  fallback: variable("server_protocol"),
});

/** Which of the two forms a request has. `taken`: what is true of one that is written. */
function formMaps(taken: Part): readonly MapView[] {
  return [
    map("log_known", variable("log_rule"), { entries: [exactly("", variable("log_unmatched"))], fallback: taken }),
    map("log_unmatched", variable("status"), { entries: [exactly("404", taken)] }),
    map("log_refused", variable("log_rule"), { entries: [exactly("", variable("log_unknown"))] }),
    map("log_unknown", variable("status"), { entries: [exactly("404", "")], fallback: taken }),
  ];
}
