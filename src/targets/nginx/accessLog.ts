/**
 * The access log. Locations of rules note which rule and cluster it is (`set $log_rule`); all else is worked out when the line is
 * written, by maps of `access-log.conf`. What no rule has taken, and is not 404, was refused before rules are looked for: nothing of such a
 * request is told, as other proxies' parsers may not have come so far. It has a line of a form of its own, so that no text is asked whether
 * it may be told.
 */
import type {
  AccessLogIr,
  ConnectionLogField,
  HttpPortIr,
  RequestLogField,
  SeenTls,
  TLS_LOG_FIELDS,
} from "../../ir/index.ts";
import { ALL } from "./accessLogMaps.ts";
import { block, joinBlocks } from "./blocks.ts";
import { type LogLine, logLine, type Part, param, type Variable, variable, word } from "./quote.ts";
import type { Block } from "./views.ts";

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

type TlsLogField = (typeof TLS_LOG_FIELDS)[number];
const TLS: Readonly<Record<TlsLogField, string>> = {
  tls_cipher: "ssl_cipher",
  tls_client_fingerprint: "ssl_client_fingerprint",
  tls_client_subject: "log_tls_client_subject",
  tls_client_verified: "log_tls_client_verified",
  tls_server_name: "log_tls_server_name",
  tls_version: "ssl_protocol",
};

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
  ...TLS,
  user_agent: "log_user_agent",
};

const CONNECTION: Readonly<Record<Exclude<ConnectionLogField, "listener" | "cluster" | TlsLogField>, string>> = {
  ...COMMON,
  bytes_received: "bytes_received",
  bytes_sent: "bytes_sent",
};

/** What a server knows of a connection's TLS. */
const SEEN: Readonly<Record<SeenTls, Readonly<Partial<Record<string, string>>>>> = {
  none: {},
  name: { tls_server_name: "log_tls_preread_name" },
  all: TLS,
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
  { id, http3, listeners: [listener = id] }: Pick<HttpPortIr, "id" | "http3" | "listeners">,
): SocketLog | null {
  const keys = log?.requestFields ?? [];
  const values = http3 === null ? REQUEST : { ...REQUEST, protocol: "log_protocol" };
  const told = (key: string): Part => valueIn(values, key, listener);
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
  readonly seen: SeenTls;
}

/** The log of connections that are forwarded alike. */
export function connectionLog(
  log: AccessLogIr | null,
  { listener, form, cluster, seen }: LoggedConnections,
): SocketLog | null {
  const keys = log?.connectionFields ?? [];
  const told = (key: string): Part => {
    if (key === "cluster") return cluster;
    if (key in TLS && SEEN[seen][key] === undefined) return "";
    return valueIn({ ...CONNECTION, ...SEEN[seen] }, key, listener);
  };
  const line = lineOf(keys, told);
  const sampled = log !== null && log.samplePercent < ALL ? variable("log_sampled") : null;
  const condition = seen === "all" ? variable("log_shaken") : sampled;
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
function valueIn(values: Readonly<Partial<Record<string, string>>>, key: string, listener: string): Part {
  if (key === "listener") return listener;
  const name = values[key];
  if (name === undefined) throw new Error(`nginx has no value for ${key}`);
  return variable(name);
}
