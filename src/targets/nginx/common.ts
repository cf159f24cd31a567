/** The files that are the same for every fleet: limits, refusals, forwarding, error texts. What is refused is the IR's data. */
import {
  BAD_CONNECTION,
  BAD_PATH,
  BAD_TARGET_CHARACTERS,
  CONNECT_TRIES,
  GOOD_HOST,
  KNOWN_METHODS,
  MISDIRECTED_BODY,
  MISDIRECTED_STATUS,
  REASON_BODIES,
  REFUSED_ESCAPES,
} from "../../ir/index.ts";
import { usualClientTimeouts } from "./clientTimeouts.ts";
import type { CommonView, ServerPartsView } from "./commonViews.ts";
import { USUAL_IDLE_MS } from "./policies/timeouts.ts";
import {
  type MapEntries,
  mapEntries,
  mapEntry,
  mapKey,
  mapRegexKey,
  milliseconds,
  param,
  variable,
  word,
} from "./quote.ts";

/** Fields of the endpoint's answer that nginx would keep for itself; Envoy and HAProxy pass them. */
export const KEPT_BY_NGINX: readonly string[] = [
  "date",
  "server",
  "x-pad",
  "x-accel-buffering",
  "x-accel-charset",
  "x-accel-expires",
  "x-accel-limit-rate",
  "x-accel-redirect",
];

/** What common.conf says; the model's default. */
export const USUAL_CONNECT_MS = 5_000;

/** The status codes of nginx's own answers whose text it takes from us. */
const STATUS_WITH_TEXT = [404, 405, 502, 503, 504];

/** Methods of nearly all requests: each alternative costs the others a little. Other known ones are looked up in a map. */
const USUAL_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/** Begins a path element that is neither empty nor a dot segment; `?` and the blank end a path on the request line. */
const ELEMENT = "/(?!/|\\.{1,2}[/? ])";
/** What neither the policy nor nginx, when it writes a path anew, looks at. No `%`, no slash. */
const PLAIN = "[A-Za-z0-9._~!$&'()*+,;=:@-]";
/** What the policy lets in besides: other visible characters (not `#`, `%`, `/`, `?`, `\`), and escapes that are not refused. */
const UNUSUAL = `[\\x21\\x22\\x24\\x26-\\x2e\\x30-\\x3e\\x40-\\x5b\\x5d-\\x7e]++|%(?!${REFUSED_ESCAPES})[0-9a-fA-F]{2}`;
const QUERY = "[\\x21\\x22\\x24-\\x7e]";

/**
 * The usual request passes all checks by one expression. `plain`: nginx, too, would write its path as it came (a query that is
 * there is not empty). `usual`: nothing to refuse. All others are looked at closely.
 */
function requestForms(http3: boolean): MapEntries {
  const versions = http3 ? "1\\.[01]|[23]\\.0" : "1\\.[01]|2\\.0";
  const form = (path: string, query: string): string =>
    `^(?:${USUAL_METHODS.join("|")}) ${path}(?:\\?${query})? HTTP/(?:${versions})$`;
  return mapEntries([
    mapEntry(mapRegexKey(form(`(?:${ELEMENT}${PLAIN}*+)++`, `${QUERY}++`)), param("plain")),
    mapEntry(mapRegexKey(form(`(?:${ELEMENT}(?:${UNUSUAL})*+)++`, `${QUERY}*+`)), param("usual")),
  ]);
}

function badPath(): MapEntries {
  const all = [...BAD_PATH.anywhere, ...BAD_PATH.atEnd.map((pattern) => `(?:${pattern})$`)];
  return mapEntries([mapEntry(mapRegexKey(all.join("|")), param("1"))]);
}

/** common.conf; `http3`: clients of the fleet speak it. */
export function commonView(http3: boolean): CommonView {
  return {
    http3,
    host: variable(http3 ? "sent_host" : "http_host"),
    badRequest: param(reasonBody(400)),
    passed: KEPT_BY_NGINX.map((name) => ({ name: word(name) })),
    clientTimeouts: usualClientTimeouts,
    connectTimeout: milliseconds(USUAL_CONNECT_MS),
    tries: word(CONNECT_TRIES),
    idleTimeout: milliseconds(USUAL_IDLE_MS),
    statusTexts: mapEntries([
      ...STATUS_WITH_TEXT.map((status) => mapEntry(mapKey(String(status)), param(reasonBody(status)))),
      // nginx itself looks at hosts where clients show certificates.
      mapEntry(mapKey(String(MISDIRECTED_STATUS)), param(MISDIRECTED_BODY)),
    ]),
    requestForms: requestForms(http3),
    badPath: badPath(),
    badTarget: mapEntries([mapEntry(mapRegexKey(`#|[${BAD_TARGET_CHARACTERS}]`), param("1"))]),
    badConnection: mapEntries([mapEntry(mapRegexKey(`(?i)${BAD_CONNECTION}`), param("1"))]),
    goodHost: mapEntries([mapEntry(mapRegexKey(`^${possessive(GOOD_HOST)}$`), param(""))]),
    methods: mapEntries(KNOWN_METHODS.map((method) => mapEntry(mapKey(method), param("")))),
  };
}

/** A host of 60 KiB would fill the stack of PCRE2 otherwise (decision 14): no repeat in it has anything to give back. */
function possessive(pattern: string): string {
  return pattern.replace(/(\]|\))([+*])/g, "$1$2+");
}

/** server.conf. */
export function serverPartsView(): ServerPartsView {
  return { badRequest: param(reasonBody(400)), forbidden: param(reasonBody(403)) };
}

function reasonBody(status: number): string {
  const body = REASON_BODIES[status];
  if (body === undefined) throw new Error(`no body for ${status}`);
  return body;
}
