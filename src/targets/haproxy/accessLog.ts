/**
 * The access log as lines of a frontend. Texts of the request are kept in variables where the rule is looked for: they are empty for
 * what is refused before, and as they came for what a rule changes.
 */
import {
  type AccessLogIr,
  type ConnectionLogField,
  MAX_LOGGED_BYTES,
  type RequestLogField,
  type SeenTls,
  STANDARD_OUTPUT,
  WIDE_CHARACTER,
} from "../../ir/index.ts";
import type { Quoted, TemplateSet } from "../../util/templates.ts";
import type { Support } from "../target.ts";
import { expression, name, number, word } from "./quote.ts";

type Expression = Quoted<"expression">;
const NONE = expression``;

/** What HAProxy says of the log's leaves. */
export const accessLogCapabilities = {
  "fleet.accessLog.path": {
    refused: "names a file, and HAProxy writes none: leave it off for standard output, and send that to a file.",
    code: "HAPROXY-LOG-FILE",
    when: (value) => value !== STANDARD_OUTPUT,
  },
  "fleet.accessLog.fields[]": "exact",
  "fleet.accessLog.samplePercent": "exact",
} as const satisfies Readonly<Record<string, Support>>;

/** The longest line that HAProxy can be told to write: longer than any of ours (`MAX_LOGGED_BYTES`). */
const MAX_LINE_BYTES = 65_535;

interface LogView {
  readonly length: Quoted<"number">;
  /** Null: every line is written. */
  readonly sample: SampleView | null;
  /** Keys and what stands behind them, the first apart: no comma is before it. */
  readonly first: FieldView;
  readonly fields: readonly FieldView[];
  /** Whether a status is written. */
  readonly hasStatus: boolean;
  readonly captures: readonly CaptureView[];
  readonly ofConnections: readonly CaptureView[];
  /** Those that are written as HAProxy writes lines. */
  readonly formats: readonly CaptureView[];
  /** Those of the captures that may have other bytes than ASCII. */
  readonly texts: readonly TextView[];
}

interface CaptureView {
  readonly variable: Quoted<"name">;
  readonly value: Expression;
}

interface TextView {
  readonly variable: Quoted<"name">;
  /** Of the field. */
  readonly source: Expression;
  readonly maxBytes: Quoted<"number">;
  /** What `json(utf8)` refuses to write though it is UTF-8, and how its text is recognised as such. */
  readonly unwritable: Quoted<"word">;
  readonly valid: Quoted<"word">;
}

/** Which of a run of lines are written, the first apart. */
interface SampleView {
  readonly first: Quoted<"number">;
  readonly others: readonly Quoted<"number">[];
  readonly of: Quoted<"number">;
}

interface FieldView {
  readonly key: Quoted<"name">;
  readonly value: Expression;
  /** In the line of what HAProxy's parser refuses, which no rule sees. */
  readonly unparsed: Expression;
}

/** Nothing there: `""`, as on the other proxies. Without `-M` it would be a dash. */
const text = (variable: string, converters = NONE): Expression =>
  expression`"%{-M}[var(txn.${name(variable)})${converters}]"`;

const json = expression`,json(utf8)`;
/** A field's text. `json(utf8)` writes nothing for characters beyond U+FFFF: where there are such, the text stands escaped beside it. */
const fieldText = (variable: string): Expression =>
  expression`"%{-M}[var(txn.${name(variable)})${json}]%{-M}[var(txn.${name(`${variable}.wide`)})]"`;

/** The server's name is its address; an IPv6 address in it gets brackets. */
const endpoint = expression`"%{-M}[srv_name,regsub("^(.*:.*):([0-9]+)$","[\1]:\2")]"`;
const time = expression`"%[date,utime(%Y-%m-%dT%H:%M:%S)].%[date(0,ms),regsub("^.{10}","")]Z"`;

/** What both kinds of lines have. */
const COMMON = {
  client_address: expression`"%ci"`,
  client_port: expression`%cp`,
  endpoint,
  listener: expression`"%f"`,
  time,
};

/** What is agreed on. */
const AGREED = {
  tls_cipher: expression`"%{-M}[ssl_fc_cipher]"`,
  tls_server_name: expression`"%{-M}[ssl_fc_sni,lower,json(utf8)]"`,
  tls_version: expression`"%{-M}[ssl_fc_protocol]"`,
};

/** Texts of requests that are kept. */
const KEPT = {
  tls_client_fingerprint: text("tls_client_fingerprint"),
  tls_client_subject: text("tls_client_subject", json),
  tls_client_verified: text("tls_client_verified"),
};

const REQUEST: Readonly<Record<RequestLogField, Expression>> = {
  ...COMMON,
  authority: text("authority", json),
  cluster: text("cluster"),
  duration: expression`%Ta`,
  method: text("method"),
  path: text("logged_path", json),
  protocol: text("protocol"),
  request_id: fieldText("request_id"),
  request_target: text("target", json),
  // A choice that no rule has taken leaves its mark.
  route: text("rule", expression`,field(1,?),field(1,/)`),
  rule: text("rule", expression`,field(1,?),field(2,/)`),
  // Of the answer, also of HAProxy's own; there is none where the client went away. `%ST` would be -1 then.
  status: expression`%[var(txn.status,0)]`,
  ...AGREED,
  ...KEPT,
  user_agent: fieldText("user_agent"),
};

/** Where the parser refuses, there is no answer that rules see, and all texts are empty. */
const UNPARSED: Readonly<Partial<Record<RequestLogField, Expression>>> = { status: expression`%ST` };

const EMPTY = expression`""`;
const NO_TLS = {
  ...{ tls_cipher: EMPTY, tls_client_fingerprint: EMPTY, tls_client_subject: EMPTY, tls_client_verified: EMPTY },
  ...{ tls_server_name: EMPTY, tls_version: EMPTY },
};

/** What a frontend knows of a connection's TLS. */
const SEEN: Readonly<Record<SeenTls, Readonly<Record<keyof typeof NO_TLS, Expression>>>> = {
  none: NO_TLS,
  // As it was looked for.
  name: {
    ...NO_TLS,
    tls_server_name: expression`"%{-M}[var(txn.name),bytes(0,${number(MAX_LOGGED_BYTES)}),json(utf8)]"`,
  },
  all: { ...AGREED, ...KEPT },
};

const CONNECTION: Readonly<Record<Exclude<ConnectionLogField, keyof typeof NO_TLS>, Expression>> = {
  ...COMMON,
  bytes_received: expression`%U`,
  bytes_sent: expression`%B`,
  cluster: expression`"%[be_name,field(1,.)]"`,
  duration: expression`%Tt`,
};

const cut = expression`bytes(0,${number(MAX_LOGGED_BYTES)})`;

/** Fields whose texts may have any bytes; Host and target have been looked at. */
const FIELDS = { request_id: expression`req.fhdr(x-request-id,1)`, user_agent: expression`req.fhdr(user-agent,1)` };

/** By key: the variable, and what is kept in it. */
const CAPTURED: Readonly<Partial<Record<RequestLogField, readonly [string, Expression]>>> = {
  authority: ["authority", expression`req.fhdr(host,1),${cut}`],
  path: ["logged_path", expression`var(txn.path),${cut}`],
  request_id: ["request_id", expression`${FIELDS.request_id},${cut}`],
  request_target: ["target", expression`pathq,${cut}`],
  tls_client_fingerprint: ["tls_client_fingerprint", expression`ssl_c_sha1,hex,lower`],
  tls_client_subject: ["tls_client_subject", expression`ssl_c_s_dn(,0,rfc2253),${cut}`],
  // Without a certificate nothing is wrong with it.
  tls_client_verified: ["tls_client_verified", expression`ssl_c_verify,iif(no,yes) if { ssl_c_used }`],
  user_agent: ["user_agent", expression`${FIELDS.user_agent},${cut}`],
};

/** HAProxy's `method` takes all that it does not know for OPTIONS (2.6). */
const FORMATTED: Readonly<Partial<Record<RequestLogField, readonly [string, Expression]>>> = {
  method: ["method", expression`%HM`],
  protocol: ["protocol", expression`HTTP/%[req.ver]`],
};
/** HTTP/3 has no minor version. */
const FORMATTED_HTTP3: typeof FORMATTED = {
  ...FORMATTED,
  protocol: ["protocol", expression`HTTP/%[req.ver,regsub(3.0,3)]`],
};

/** Lines of an HTTP frontend, behind all that is refused before a rule is looked for; empty: there is no log. */
export function requestLogText(log: AccessLogIr | null, section: TemplateSet["render"], http3: boolean): string {
  if (log === null || log.requestFields.length === 0) return "";
  const { requestFields: keys } = log;
  return logText(
    log,
    keys.map((key) => ({ key: name(key), value: REQUEST[key], unparsed: UNPARSED[key] ?? REQUEST[key] })),
    {
      section,
      hasStatus: keys.includes("status"),
      captures: capturesOf(keys, CAPTURED),
      ofConnections: [],
      formats: capturesOf(keys, http3 ? FORMATTED_HTTP3 : FORMATTED),
      texts: keys.flatMap((key) => (key in FIELDS ? [textView(key as keyof typeof FIELDS)] : [])),
    },
  );
}

function capturesOf(keys: readonly RequestLogField[], from: typeof CAPTURED): readonly CaptureView[] {
  return keys.flatMap((key) => {
    const [variable, value] = from[key] ?? [];
    return variable === undefined || value === undefined ? [] : [{ variable: name(variable), value }];
  });
}

/** U+FFFE, U+FFFF, and what is beyond. */
const UNWRITABLE = "[\\xf0-\\xf4]|\\xef\\xbf[\\xbe\\xbf]";

function textView(key: keyof typeof FIELDS): TextView {
  return {
    variable: name(key),
    source: FIELDS[key],
    maxBytes: number(MAX_LOGGED_BYTES),
    unwritable: word(UNWRITABLE),
    valid: word(`^(?:[\\x00-\\x7f]|${WIDE_CHARACTER})*+$`),
  };
}

/** Connections of a frontend that passes bytes. */
export interface LoggedConnections {
  /** Null: the frontend is called so. */
  readonly listener: string | null;
  readonly seen: SeenTls;
}

/** Lines of such a frontend. */
export function connectionLogText(
  log: AccessLogIr | null,
  section: TemplateSet["render"],
  { listener, seen }: LoggedConnections,
): string {
  if (log === null || log.connectionFields.length === 0) return "";
  const own = listener === null ? {} : { listener: expression`"${name(listener)}"` };
  const values = { ...CONNECTION, ...SEEN[seen], ...own };
  const fields = log.connectionFields.map((key) => ({ key: name(key), value: values[key], unparsed: values[key] }));
  const shown = log.connectionFields.filter((key) => key in KEPT) as readonly (keyof typeof KEPT)[];
  const ofConnections = seen === "all" ? capturesOf(shown, CAPTURED) : [];
  const ofRequests = { hasStatus: false, captures: [], formats: [], texts: [] };
  return logText(log, fields, { section, ofConnections, ...ofRequests });
}

/** Whether requests have to be told apart by cluster. */
export function logsCluster(log: AccessLogIr | null): boolean {
  return log?.requestFields.includes("cluster") === true;
}

function logText(
  { samplePercent }: AccessLogIr,
  [first, ...fields]: readonly FieldView[],
  {
    section,
    ...captured
  }: Omit<LogView, "length" | "sample" | "first" | "fields"> & {
    readonly section: TemplateSet["render"];
  },
): string {
  if (first === undefined) throw new Error("a log without fields");
  const sample = samplePercent === ALL ? null : sampleOf(samplePercent);
  const view: LogView = { length: number(MAX_LINE_BYTES), sample, first, fields, ...captured };
  return section("accessLog", view);
}

const ALL = 100;

/** Evenly spread, so that traffic that repeats itself is not seen in one phase only. */
function sampleOf(percent: number): SampleView {
  const divisor = commonDivisor(percent, ALL);
  const [taken, of] = [percent / divisor, ALL / divisor];
  const others = Array.from({ length: taken - 1 }, (_, index) => number(Math.floor(((index + 1) * of) / taken) + 1));
  return { first: number(1), others, of: number(of) };
}

function commonDivisor(a: number, b: number): number {
  return b === 0 ? a : commonDivisor(b, a % b);
}
