/**
 * The access log as lines of a frontend. Texts of the request are kept in variables where the rule is looked for: they are empty for
 * what is refused before, and as they came for what a rule changes.
 */
import {
  type AccessLogIr,
  type ConnectionLogField,
  MAX_LOGGED_BYTES,
  type RequestLogField,
  STANDARD_OUTPUT,
} from "../../ir/index.ts";
import type { Quoted, TemplateSet } from "../../util/templates.ts";
import type { Support } from "../target.ts";
import { expression, name, number } from "./quote.ts";

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
  readonly captures: readonly { readonly variable: Quoted<"name">; readonly value: Expression }[];
  /** Those that are written as HAProxy writes lines. */
  readonly formats: readonly { readonly variable: Quoted<"name">; readonly value: Expression }[];
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
}

/** Nothing there: `""`, as on the other proxies. Without `-M` it would be a dash. */
const text = (variable: string, converters = NONE): Expression =>
  expression`"%{-M}[var(txn.${name(variable)})${converters}]"`;

const json = expression`,json(utf8)`;

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

const REQUEST: Readonly<Record<RequestLogField, Expression>> = {
  ...COMMON,
  authority: text("authority", json),
  cluster: text("cluster"),
  duration: expression`%Ta`,
  method: text("method"),
  path: text("logged_path", json),
  protocol: text("protocol"),
  request_id: text("request_id", json),
  request_target: text("target", json),
  // A choice that no rule has taken leaves its mark.
  route: text("rule", expression`,field(1,?),field(1,/)`),
  rule: text("rule", expression`,field(1,?),field(2,/)`),
  status: expression`%ST`,
  user_agent: text("user_agent", json),
};

const CONNECTION: Readonly<Record<ConnectionLogField, Expression>> = {
  ...COMMON,
  bytes_received: expression`%U`,
  bytes_sent: expression`%B`,
  cluster: expression`"%[be_name,field(1,.)]"`,
  duration: expression`%Tt`,
};

const cut = expression`bytes(0,${number(MAX_LOGGED_BYTES)})`;

/** By key: the variable, and what is kept in it. */
const CAPTURED: Readonly<Partial<Record<RequestLogField, readonly [string, Expression]>>> = {
  authority: ["authority", expression`req.fhdr(host,1),${cut}`],
  path: ["logged_path", expression`var(txn.path),${cut}`],
  request_id: ["request_id", expression`req.fhdr(x-request-id,1),${cut}`],
  request_target: ["target", expression`pathq,${cut}`],
  user_agent: ["user_agent", expression`req.fhdr(user-agent,1),${cut}`],
};

/** HAProxy's `method` takes all that it does not know for OPTIONS (2.6). */
const FORMATTED: Readonly<Partial<Record<RequestLogField, readonly [string, Expression]>>> = {
  method: ["method", expression`%HM`],
  protocol: ["protocol", expression`HTTP/%[req.ver]`],
};

/** Lines of an HTTP frontend, behind all that is refused before a rule is looked for; empty: there is no log. */
export function requestLogText(log: AccessLogIr | null, section: TemplateSet["render"]): string {
  if (log === null || log.requestFields.length === 0) return "";
  const { requestFields: keys } = log;
  const view = (from: typeof CAPTURED) =>
    keys.flatMap((key) => {
      const [variable, value] = from[key] ?? [];
      return variable === undefined || value === undefined ? [] : [{ variable: name(variable), value }];
    });
  return logText(
    log,
    keys.map((key) => ({ key: name(key), value: REQUEST[key] })),
    { section, captures: view(CAPTURED), formats: view(FORMATTED) },
  );
}

/** Lines of a TCP frontend. */
export function connectionLogText(log: AccessLogIr | null, section: TemplateSet["render"]): string {
  if (log === null || log.connectionFields.length === 0) return "";
  const fields = log.connectionFields.map((key) => ({ key: name(key), value: CONNECTION[key] }));
  return logText(log, fields, { section, captures: [], formats: [] });
}

/** Whether requests have to be told apart by cluster. */
export function logsCluster(log: AccessLogIr | null): boolean {
  return log?.requestFields.includes("cluster") === true;
}

function logText(
  { samplePercent }: AccessLogIr,
  [first, ...fields]: readonly FieldView[],
  { section, ...captured }: Pick<LogView, "captures" | "formats"> & { readonly section: TemplateSet["render"] },
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
