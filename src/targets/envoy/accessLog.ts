/**
 * The access log of a listener. Texts of the request are kept as filter state before the router changes them; the guards switch that
 * filter off, so that nothing is told of what is refused before rules are looked for, as of what Envoy's own parser refuses. Which rule it
 * is stands in its route's metadata.
 */
import { create, fromBinary, type JsonObject, type MessageInitShape } from "@bufbuild/protobuf";
import type { Any } from "@bufbuild/protobuf/wkt";
import type { AccessLog, AccessLogSchema } from "../../gen/proto/envoy/config/accesslog/v3/accesslog_pb.js";
import { SubstitutionFormatStringSchema } from "../../gen/proto/envoy/config/core/v3/substitution_format_string_pb.js";
import { FilterConfigSchema } from "../../gen/proto/envoy/config/route/v3/route_components_pb.js";
import { FileAccessLogSchema } from "../../gen/proto/envoy/extensions/access_loggers/file/v3/file_pb.js";
import { StdoutAccessLogSchema } from "../../gen/proto/envoy/extensions/access_loggers/stream/v3/stream_pb.js";
import { ConfigSchema } from "../../gen/proto/envoy/extensions/filters/http/set_filter_state/v3/set_filter_state_pb.js";
import { CelSchema } from "../../gen/proto/envoy/extensions/formatter/cel/v3/cel_pb.js";
import { ReqWithoutQuerySchema } from "../../gen/proto/envoy/extensions/formatter/req_without_query/v3/req_without_query_pb.js";
import { FractionalPercent_DenominatorType as Denominator } from "../../gen/proto/envoy/type/v3/percent_pb.js";
import {
  type AccessLogIr,
  type ClientAuthenticationIr,
  type ConnectionLogField,
  MAX_LOGGED_BYTES,
  type RequestLogField,
  type SeenTls,
  STANDARD_OUTPUT,
  TLS_LOG_FIELDS,
} from "../../ir/index.ts";
import { verifiedFormat } from "./clientAuthentication.ts";
import { allOf, expressionFilter, type LogFilter } from "./logFilters.ts";
import { whereTold } from "./loggedText.ts";
import { pack } from "./types.ts";

/** Begins the names of the filters that keep the request's texts, in listeners and in the routes that switch them off. */
const FILTER = "trimtab.access_log";
/** Of a route's metadata. */
const NAMESPACE = "trimtab";
/** Envoy wants one; nobody sets it. */
const NO_RUNTIME_KEY = "trimtab.unused";
/** Gives nothing. With it a value is a text of two parts, and what is not there becomes `""`, as on the other proxies, and not null. */
const NOTHING = "%REQ(:nothing)%";
const CUT = MAX_LOGGED_BYTES;

/** What is kept of a request, and how. Its cluster too: Envoy knows one also where it refuses an upgrade before the filters. */
const KEPT: Readonly<Partial<Record<RequestLogField, string>>> = {
  authority: `%REQ(:authority):${CUT}%`,
  cluster: "%UPSTREAM_CLUSTER%",
  method: "%REQ(:method)%",
  path: `%REQ_WITHOUT_QUERY(:path):${CUT}%`,
  protocol: "%PROTOCOL%",
  request_id: `%REQ(x-request-id):${CUT}%`,
  request_target: `%REQ(:path):${CUT}%`,
  route: `%METADATA(ROUTE:${NAMESPACE}:route)%`,
  rule: `%METADATA(ROUTE:${NAMESPACE}:rule)%`,
  tls_client_fingerprint: "%DOWNSTREAM_PEER_FINGERPRINT_1%",
  tls_client_subject: "%DOWNSTREAM_PEER_SUBJECT%",
  tls_client_verified: verifiedFormat(null),
  user_agent: `%REQ(user-agent):${CUT}%`,
};

/** Those that a client may have filled with any bytes: each has a filter of its own. Host and path have been looked at. */
const FIELDS: Readonly<Partial<Record<RequestLogField, string>>> = {
  request_id: "x-request-id",
  user_agent: "user-agent",
};

const COMMON = {
  client_address: "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%",
  client_port: "%DOWNSTREAM_REMOTE_PORT%",
  duration: "%DURATION%",
  endpoint: `%UPSTREAM_HOST%${NOTHING}`,
  time: "%EMIT_TIME(%Y-%m-%dT%H:%M:%S.%3fZ)%",
};

const REQUEST: Readonly<Record<Exclude<RequestLogField, "listener">, string>> = {
  ...COMMON,
  authority: kept("authority"),
  cluster: kept("cluster"),
  method: kept("method"),
  path: kept("path"),
  protocol: kept("protocol"),
  request_id: kept("request_id"),
  request_target: kept("request_target"),
  route: kept("route"),
  rule: kept("rule"),
  status: "%RESPONSE_CODE%",
  tls_cipher: `%DOWNSTREAM_TLS_CIPHER%${NOTHING}`,
  tls_client_fingerprint: kept("tls_client_fingerprint"),
  tls_client_subject: kept("tls_client_subject", `:${CUT}`),
  tls_client_verified: kept("tls_client_verified"),
  tls_server_name: `%REQUESTED_SERVER_NAME%${NOTHING}`,
  tls_version: `%DOWNSTREAM_TLS_VERSION%${NOTHING}`,
  user_agent: kept("user_agent"),
};

const CONNECTION: Readonly<Record<Exclude<ConnectionLogField, "listener">, string>> = {
  ...COMMON,
  bytes_received: "%BYTES_RECEIVED%",
  bytes_sent: "%BYTES_SENT%",
  cluster: `%UPSTREAM_CLUSTER%${NOTHING}`,
  tls_cipher: `%DOWNSTREAM_TLS_CIPHER%${NOTHING}`,
  tls_client_fingerprint: `%DOWNSTREAM_PEER_FINGERPRINT_1%${NOTHING}`,
  tls_client_subject: `%CEL(connection.subject_peer_certificate):${CUT}%${NOTHING}`,
  // Whoever has shown one and was not refused: with mode report nothing tells (tlsSupport.ts).
  tls_client_verified: `%CEL(connection.mtls ? "yes" : "")%${NOTHING}`,
  tls_server_name: `%REQUESTED_SERVER_NAME%${NOTHING}`,
  tls_version: `%DOWNSTREAM_TLS_VERSION%${NOTHING}`,
};

/** What is not there where TLS does not end. */
const AGREED = TLS_LOG_FIELDS.filter((key) => key !== "tls_server_name");

function kept(field: RequestLogField, cut = ""): string {
  return `%FILTER_STATE(${stateKey(field)}:PLAIN)${cut}%${NOTHING}`;
}

function stateKey(field: RequestLogField): string {
  return `${FILTER}.${field}`;
}

type Logger = MessageInitShape<typeof AccessLogSchema>;

/** Loggers of an HTTP listener; none: requests leave no line. */
export function requestLoggers(log: AccessLogIr, listener: string): readonly Logger[] {
  return loggers(log, log.requestFields, { values: { ...REQUEST, listener }, only: [] });
}

/** Loggers of connections that are passed on. */
export function connectionLoggers(log: AccessLogIr, listener: string, seen: SeenTls): readonly Logger[] {
  const absent = seen === "all" ? [] : seen === "name" ? AGREED : TLS_LOG_FIELDS;
  const values = { ...CONNECTION, listener, ...Object.fromEntries(absent.map((key) => [key, ""])) };
  return loggers(log, log.connectionFields, { values, only: seen === "all" ? [SHAKEN] : [] });
}

/** No line is written where there was no handshake, as on the other proxies: a chain is chosen, and an endpoint connected to, before. */
const SHAKEN = expressionFilter("!has(connection.transport_failure_reason)");

interface Told {
  /** By key. */
  readonly values: Readonly<Record<string, string>>;
  /** A line is written of what all of them take. */
  readonly only: readonly LogFilter[];
}

function loggers(
  { path, samplePercent }: AccessLogIr,
  keys: readonly string[],
  { values, only }: Told,
): readonly Logger[] {
  if (keys.length === 0) return [];
  const line: JsonObject = Object.fromEntries(keys.map((key) => [key, values[key] ?? ""]));
  const format = {
    format: { case: "jsonFormat", value: line },
    omitEmptyValues: true,
    jsonFormatOptions: { sortProperties: true },
    formatters: JSON.stringify(line).includes("%CEL(") ? [cel] : [],
  } as const;
  const accessLogFormat = { case: "logFormat", value: format } as const;
  const isStandard = path === STANDARD_OUTPUT;
  const value = isStandard
    ? pack(StdoutAccessLogSchema, create(StdoutAccessLogSchema, { accessLogFormat }))
    : pack(FileAccessLogSchema, create(FileAccessLogSchema, { path, accessLogFormat }));
  const name = isStandard ? "envoy.access_loggers.stdout" : "envoy.access_loggers.file";
  const configType = { case: "typedConfig", value } as const;
  const filter = allOf([...(samplePercent === ALL ? [] : [sampleOf(samplePercent)]), ...only]);
  return [{ name, configType, ...(filter === null ? {} : { filter }) }];
}

const ALL = 100;

function sampleOf(numerator: number): LogFilter {
  const percentSampled = { numerator, denominator: Denominator.HUNDRED };
  const value = { runtimeKey: NO_RUNTIME_KEY, percentSampled, useIndependentRandomness: true };
  return { filterSpecifier: { case: "runtimeFilter", value } };
}

/** Of a connection manager. */
interface HttpFilter {
  readonly name: string;
  readonly configType: { readonly case: "typedConfig"; readonly value: Any };
}

/** The filters that keep the texts, before all others; none: no text is asked for. */
export function keepingFilters(
  { requestFields }: AccessLogIr,
  clients: ClientAuthenticationIr | null,
): readonly HttpFilter[] {
  const formats = { ...KEPT, tls_client_verified: verifiedFormat(clients) };
  const keeping = (fields: readonly RequestLogField[]): Any => {
    const onRequestHeaders = fields.map((field) => stateOf(field, formats[field] ?? ""));
    return pack(ConfigSchema, create(ConfigSchema, { onRequestHeaders }));
  };
  const always = requestFields.filter((field) => KEPT[field] !== undefined && FIELDS[field] === undefined);
  const filters = always.length === 0 ? [] : [filterOf(FILTER, keeping(always))];
  for (const field of requestFields) {
    const headerName = FIELDS[field];
    if (headerName === undefined) continue;
    const filter = { name: stateKey(field), typedConfig: keeping([field]) };
    filters.push(filterOf(filter.name, whereTold(headerName, filter)));
  }
  return filters;
}

function filterOf(name: string, value: Any): HttpFilter {
  return { name, configType: { case: "typedConfig", value } };
}

function stateOf(field: RequestLogField, format: string) {
  const value = create(SubstitutionFormatStringSchema, {
    format: { case: "textFormatSource", value: { specifier: { case: "inlineString", value: format } } },
    omitEmptyValues: true,
    formatters: format.includes("WITHOUT_QUERY") ? [withoutQuery] : [],
  });
  const key = { case: "objectKey", value: stateKey(field) } as const;
  return { key, factoryKey: "envoy.string", value: { case: "formatString", value } } as const;
}

/** The operator of that name. */
const withoutQuery = {
  name: "envoy.formatter.req_without_query",
  typedConfig: pack(ReqWithoutQuerySchema, create(ReqWithoutQuerySchema)),
};

/** The operator of that name. */
const cel = { name: "envoy.formatter.cel", typedConfig: pack(CelSchema, create(CelSchema)) };

const disabled = pack(FilterConfigSchema, create(FilterConfigSchema, { disabled: true }));

/** Of a route that refuses. */
export const keepsNothing = {
  [FILTER]: disabled,
  ...Object.fromEntries(Object.keys(FIELDS).map((field) => [stateKey(field as RequestLogField), disabled])),
};

/** A rule's names, for its routes' metadata. */
export function ruleMetadata({ name }: { readonly name: string }): { filterMetadata: Record<string, JsonObject> } {
  const [route = "", rule = ""] = name.split("/");
  return { filterMetadata: { [NAMESPACE]: { route, rule } } };
}

/** The same logger where its file may not be: that is of the proxies' machines, and Envoy opens it when it reads its name. */
export function writtenNowhere(logger: AccessLog): AccessLog {
  const { configType } = logger;
  if (configType.case !== "typedConfig" || !configType.value.typeUrl.endsWith(FileAccessLogSchema.typeName))
    return logger;
  const file = fromBinary(FileAccessLogSchema, configType.value.value);
  const value = pack(FileAccessLogSchema, { ...file, path: "/dev/null" });
  return { ...logger, configType: { case: "typedConfig", value } };
}
