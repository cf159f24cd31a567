/** What a proxy did against what may happen, with the documented exceptions, each as narrow as its text. */
import { CONNECT_TRIES, type ProxyKind } from "../../ir/index.ts";
import { type Expectation, type ExpectedOutcome, type FieldLists, listsOf } from "./expect.ts";
import { linesOf } from "./fields.ts";
import type { ProbeRequest } from "./requests.ts";
import { type Message, PROBE_FIELD, type Seen } from "./wire.ts";

/** What came of a request. */
export interface Observation {
  readonly proxy: ProxyKind;
  readonly answer: Message;
  /** What upstreams were asked. */
  readonly seen: readonly Seen[];
}

/** One difference. */
export interface Difference {
  readonly what: string;
  readonly expected: unknown;
  readonly got: unknown;
}

/** Belong to the connection, to the encoding of the body on it, or to the moment. */
const CONNECTION_FIELDS = ["connection", "keep-alive", "content-length", "transfer-encoding", "date"];

/** The nearest of what may happen; empty: one of them happened. */
export function differences(
  request: ProbeRequest,
  expectation: Expectation,
  observation: Observation,
): readonly Difference[] {
  if (seesRepeatedOtherwise(expectation, request, observation.proxy)) return [];
  const all = expectation.outcomes.map((outcome) => outcomeDifferences({ request, expectation, outcome }, observation));
  return all.sort((a, b) => a.length - b.length)[0] ?? [];
}

interface Wanted {
  readonly request: ProbeRequest;
  readonly expectation: Expectation;
  readonly outcome: ExpectedOutcome;
}

/**
 * An endpoint that closes without an answer may be asked again, where that does no harm and there is no body; by nginx with one that came
 * with the head of the request too. And what the rule's `retry` says is asked again.
 */
function isResent({ request, expectation, outcome: { asked, status } }: Wanted, { proxy, seen }: Observation): boolean {
  const retry = expectation.rule?.policies.retry ?? null;
  if (asked === null || seen.length > Math.max(CONNECT_TRIES, 1 + (retry?.attempts ?? 0))) return false;
  const [method = ""] = asked.line.split(" ", 1);
  const { methods = [], statuses = [] } = retry?.resends ?? {};
  if (methods.includes(method) && (status === 502 || statuses.includes(status))) return true;
  return status === 502 && (proxy === "nginx" || request.body === null) && !["POST", "PATCH", "LOCK"].includes(method);
}

function outcomeDifferences(wanted: Wanted, observation: Observation): Difference[] {
  const { outcome } = wanted;
  const { answer, seen } = observation;
  if (isRefusedTrace(wanted, observation) || isPrecondition(wanted, observation)) return [];
  const found: Difference[] = [];
  const compare = (what: string, expected: unknown, got: unknown): void => {
    if (JSON.stringify(expected) !== JSON.stringify(got)) found.push({ what, expected, got });
  };
  compare("status", outcome.status, Number(answer.startLine.split(" ")[1]));
  const upstreams = seen.map(({ upstream }) => upstream);
  compare(
    "upstreams asked",
    outcome.asked === null ? [] : [outcome.asked.upstream],
    isResent(wanted, observation) ? [...new Set(upstreams)] : upstreams,
  );
  const [asked] = seen;
  if (outcome.asked !== null && asked !== undefined) {
    compare("request line", outcome.asked.line, asked.startLine.replace(/ HTTP\/1\.[01]$/, ""));
    const isPromised = (name: string): boolean =>
      name !== PROBE_FIELD && !ENVOY_FIELD.test(name) && !(observation.proxy === "envoy" && isOdd(name));
    const [expected, got] = [outcome.asked.fields, listsOf(asked.fields)].map((lists) => filtered(lists, isPromised));
    compareFields(found, "request field", [expected as FieldLists, got as FieldLists]);
    compare("request body", outcome.asked.body, asked.body);
  }
  compareFields(found, "response field", answerFields(wanted, observation));
  if (outcome.body !== null) compare("body", outcome.body, answer.body);
  return found;
}

/** Request fields that are Envoy's own language: it drops some of them from clients (docs/decisions/0011). */
const ENVOY_FIELD = /^x-envoy-/;
/** nginx drops such names, and HAProxy is told to; Envoy can drop only those with `_` (docs/decisions/0011). */
const isOdd = (name: string): boolean => /[^a-z0-9_-]/.test(name);

function filtered(lists: FieldLists, isWanted: (name: string) => boolean): FieldLists {
  return Object.fromEntries(Object.entries(lists).filter(([name]) => isWanted(name)));
}

function compareFields(found: Difference[], what: string, [expected, got]: readonly [FieldLists, FieldLists]): void {
  for (const name of new Set([...Object.keys(expected), ...Object.keys(got)])) {
    if (CONNECTION_FIELDS.includes(name)) continue;
    if (JSON.stringify(expected[name]) === JSON.stringify(got[name])) continue;
    found.push({ what: `${what} ${name}`, expected: expected[name], got: got[name] });
  }
}

/**
 * L7-DUP-HEADER, only for requests that repeat a field which a rule of their host looks at or adds to: Envoy matches each line,
 * nginx before 1.23 the first, which is also all that it adds to.
 */
function seesRepeatedOtherwise({ virtualHost }: Expectation, { fields }: ProbeRequest, proxy: ProxyKind): boolean {
  const names = fields.map(([name]) => name.toLowerCase());
  const repeated = new Set(names.filter((name, index) => names.indexOf(name) !== index));
  if (repeated.size === 0) return false;
  return (virtualHost?.rules ?? []).some(({ conditions, policies }) => {
    const read = conditions.flatMap(({ field, test }) => {
      const lines = linesOf(field);
      return lines !== null && repeated.has(lines.name) ? [{ ...lines, test }] : [];
    });
    if (read.some(({ isOnce }) => isOnce)) return true;
    if (proxy === "haproxy") return false;
    if (read.some(({ test }) => proxy === "nginx" || test === "exact" || test === "regex")) return true;
    return proxy === "nginx" && (policies.requestHeaders?.add ?? []).some(({ name }) => repeated.has(name));
  });
}

/** TRACE that has a bad Host or path besides: each proxy's parser finds one of the two reasons first. */
function isRefusedTrace({ request, outcome }: Wanted, { answer, seen }: Observation): boolean {
  return (
    request.method === "TRACE" &&
    outcome.status === 400 &&
    seen.length === 0 &&
    /^HTTP\/1\.[01] 40[05] /.test(answer.startLine)
  );
}

/** nginx answers conditional requests to a rule's own answer with 200: it is the origin (docs/decisions/0011). */
function isPrecondition({ request, outcome }: Wanted, { answer, proxy, seen }: Observation): boolean {
  return (
    proxy === "nginx" &&
    outcome.answeredBy === "rule" &&
    outcome.status === 200 &&
    seen.length === 0 &&
    request.fields.some(([name]) => /^if-(?:none-match|match)$/i.test(name)) &&
    /^HTTP\/1\.[01] (?:304|412) /.test(answer.startLine)
  );
}

/** The answer's fields as expected and as seen, without what is not promised. */
function answerFields(
  { outcome, expectation, request }: Wanted,
  { answer, proxy }: Observation,
): [FieldLists, FieldLists] {
  const skipped = new Set<string>();
  if (outcome.answeredBy !== "upstream") {
    // docs/decisions/0011: nginx names itself in its own answers.
    if (proxy === "nginx") skipped.add("server");
    // Bodies of refused requests are not promised, nor then their type.
    if (outcome.status === 400) skipped.add("content-type");
    // What HAProxy's parser refuses gets its built-in 400.
    if (proxy === "haproxy" && outcome.status === 400) skipped.add("cache-control");
  }
  const pick = (lists: FieldLists): FieldLists => filtered(lists, (name) => !skipped.has(name));
  // Envoy finds a `#` after it has chosen a rule, whose fields its 400 then has.
  if (proxy === "envoy" && outcome.status === 400 && request.target.includes("#")) return [{}, {}];
  const expected = pick(outcome.fields);
  const got = pick(listsOf(withoutAffinity(answer.fields)));
  return copiesHost(expectation, request, proxy) ? [withPlainHost(expected), withPlainHost(got)] : [expected, got];
}

/** Which endpoint it names is chance; `e2e/cases/affinity.test.ts` looks at it. The names are those of `hints.ts`. */
function withoutAffinity(fields: Message["fields"]): Message["fields"] {
  const isAffinity = /^(?:SRV|srv-2|K_3)="?Cg/;
  return fields.filter(([name, value]) => name.toLowerCase() !== "set-cookie" || !isAffinity.test(value));
}

/** L7-REDIRECT-HOST: under a wildcard Envoy copies Host's letter case and dot, and shows the default port if Host has a port. */
function copiesHost({ rule, virtualHost, host }: Expectation, request: ProbeRequest, proxy: ProxyKind): boolean {
  if (proxy !== "envoy" || rule?.action.kind !== "redirect" || rule.action.hostname !== null) return false;
  return virtualHost?.hostnames.some((hostname) => hostname.startsWith("*")) === true && request.host !== host;
}

const LOCATION = /^(?<scheme>https?):\/\/(?<host>[^/:[]+|\[[^\]]*\])(?<port>:\d+)?/;

function withPlainHost(lists: FieldLists): FieldLists {
  const location = lists.location?.join(",");
  const { scheme, host = "", port = "" } = LOCATION.exec(location ?? "")?.groups ?? {};
  if (location === undefined || scheme === undefined) return lists;
  const shown = port === (scheme === "https" ? ":443" : ":80") ? "" : port;
  const plain = `${scheme}://${host.toLowerCase().replace(/\.$/, "")}${shown}`;
  return { ...lists, location: [location.replace(LOCATION, () => plain)] };
}
