/** Requests that look for differences: made of a model's own hosts, patterns and header values, and bent. */
import fc from "fast-check";
import type { HttpPortIr, RuleIr } from "../../ir/index.ts";
import { meeting, near, type Parts, together } from "./fields.ts";
import {
  BAD_HOSTS,
  ENCODED,
  FIELD_VALUES,
  METHODS,
  OTHER_FIELDS,
  OTHER_HOSTS,
  PIECES,
  QUERIES,
  REGEX_PATHS,
} from "./samples.ts";
import { CLIENT_ADDRESSES, type Fields } from "./wire.ts";

/** One request. */
export interface ProbeRequest {
  readonly method: string;
  /** Null: no Host line. */
  readonly host: string | null;
  /** Raw path with optional query. */
  readonly target: string;
  /** As written on the request line: the target alone, or behind `http://host`. */
  readonly form: "origin" | "absolute";
  readonly version: "1.0" | "1.1";
  readonly fields: Fields;
  /** The client's address. */
  readonly source: string;
  readonly body: { readonly text: string; readonly chunked: boolean } | null;
}

/** A position in a text, as a share of it. */
const place = fc.double({ min: 0, max: 1, noNaN: true });
const insertAt = (text: string, at: number, piece: string): string => {
  const index = Math.round(at * text.length);
  return text.slice(0, index) + piece + text.slice(index);
};

function pathOf(rules: readonly RuleIr[]): fc.Arbitrary<string> {
  const own = rules.map(({ path }) => path).filter(({ kind }) => kind !== "regex");
  const patterns = rules.flatMap(({ path }) => (path.kind === "regex" ? [new RegExp(`^(?:${path.value})$`)] : []));
  const matching = REGEX_PATHS.filter((text) => patterns.some((pattern) => pattern.test(text)));
  const regexes = [
    ...matching,
    ...matching,
    ...matching,
    ...matching,
    ...matching,
    ...(matching.length === 0 ? ["/u/12"] : REGEX_PATHS),
  ];
  const base = fc.constantFrom(
    "/",
    "/nowhere",
    ...regexes,
    ...own.flatMap(({ value }) => Array<string>(12).fill(value)),
  );
  const tail = fc.constantFrom(...Array<string>(8).fill(""), "/", "/zz", "/zz/", "x", "/%20", "/zz//", "/..");
  const plain = fc.tuple(base, tail).map(([path, more]) => (path === "/" && more.startsWith("/") ? more : path + more));
  const bent = fc
    .tuple(plain, place, fc.constantFrom(...ENCODED, ...PIECES, "a", "/", "Z"))
    .map(([path, at, piece]) => insertAt(path, at, piece));
  const other = fc.oneof(
    plain.map((path) => path.toUpperCase()),
    plain.map((path) => path.slice(0, -1)),
    plain.map((path) => path.slice(1)),
    fc.tuple(plain, fc.integer({ min: 200, max: 3000 })).map(([path, size]) => `${path}/${"long".repeat(size)}`),
    fc.tuple(plain, plain).map(([a, b]) => a + b),
  );
  const path = fc.oneof(
    { weight: 10, arbitrary: plain },
    { weight: 3, arbitrary: bent },
    { weight: 1, arbitrary: other },
  );
  const query = fc.oneof(
    { weight: 3, arbitrary: fc.constant("") },
    { weight: 1, arbitrary: fc.constantFrom(...QUERIES) },
  );
  return fc.tuple(path, query).map(([text, more]) => (text === "" ? "/" : text) + more);
}

/** Hosts that a hostname serves, mostly. */
function hostsOf(hostname: string): fc.Arbitrary<string | null> {
  if (hostname === "*") return dressed(fc.constantFrom("other.test", ...OTHER_HOSTS));
  if (!hostname.startsWith("*")) return dressed(fc.constantFrom(hostname, hostname, hostname, `x.${hostname}`));
  return dressed(
    fc.constantFrom(...["x", "y.x", "b", "a.b"].map((labels) => labels + hostname.slice(1)), hostname.slice(2)),
  );
}

const otherHost = fc.oneof(dressed(fc.constantFrom(...OTHER_HOSTS)), fc.constantFrom(...BAD_HOSTS), fc.constant(null));

/** As clients may write it: in capitals, with a dot, with a port. */
function dressed(plain: fc.Arbitrary<string>): fc.Arbitrary<string> {
  const port = fc.constantFrom("", ":80", ":8080", ":", ":443", ":0080");
  const clothes = fc.tuple(plain, fc.boolean(), fc.constantFrom("", "", "."), port);
  const worn = clothes.map(
    ([host, upper, dot, text]) => `${upper ? host.toUpperCase() : host}${host.endsWith("]") ? "" : dot}${text}`,
  );
  return fc.oneof({ weight: 2, arbitrary: plain }, { weight: 1, arbitrary: worn });
}

/** Fields that rules may look at, or that look like them. */
const otherField = fc.tuple(
  fc.constantFrom("X-Env", "x-version", "X-USER", "Accept-Language", "x-a", "x_env", "X.Env"),
  fc.constantFrom(...FIELD_VALUES),
);

const source = fc.constantFrom(...CLIENT_ADDRESSES);

/** Random requests to a port. Most go to a host of the model, with a path and fields of that host's rules. */
export function arbitraryRequest(port: HttpPortIr): fc.Arbitrary<ProbeRequest> {
  const all = port.virtualHosts.flatMap((virtualHost) => virtualHost.rules);
  const own = port.virtualHosts.flatMap(({ hostnames, rules }) =>
    hostnames.map((hostname) => requestTo(hostsOf(hostname), rules)),
  );
  const other = requestTo(otherHost, all);
  return own.length === 0 ? other : fc.oneof(...own, ...own, ...own, other);
}

function requestTo(host: fc.Arbitrary<string | null>, rules: readonly RuleIr[]): fc.Arbitrary<ProbeRequest> {
  const stray = partsOf(rules);
  const aims = rules.map(aimedAt);
  const forwards = rules.filter(({ action }) => action.kind === "forward").map(aimedAt);
  const parts = aims.length === 0 ? stray : fc.oneof(stray, ...aims, ...forwards, ...forwards);
  const others = fc.array(fc.constantFrom(...OTHER_FIELDS), { maxLength: 3 });
  const body = fc.record({ text: fc.constantFrom("", "x", "body\r\n\r\n"), chunked: fc.boolean() });
  return fc
    .record({
      parts,
      host,
      form: fc.constantFrom(...Array<"origin">(15).fill("origin"), "absolute" as const),
      version: fc.constantFrom("1.1" as const, "1.1" as const, "1.1" as const, "1.1" as const, "1.0" as const),
      others,
      body: fc.option(body, { freq: 2 }),
    })
    .map(({ parts: { fields, ...parts }, others: more, ...rest }) => {
      return sendable({ ...rest, ...parts, fields: withoutRepeated([...fields, ...more]) });
    });
}

/** Anything that some of the rules may look at. */
function partsOf(rules: readonly RuleIr[]): fc.Arbitrary<Parts> {
  const start = fc.record({
    method: fc.constantFrom(...METHODS),
    target: pathOf(rules),
    fields: fc.array(otherField, { maxLength: 4 }),
    source,
  });
  const conditions = rules.flatMap((rule) => rule.conditions);
  if (conditions.length === 0) return start;
  const some = fc.subarray([...conditions], { maxLength: Math.min(3, conditions.length) });
  return fc.tuple(start, some).chain(([parts, list]) => together(parts, list, near));
}

/** What the rule asks for; sometimes nearly. */
function aimedAt(rule: RuleIr): fc.Arbitrary<Parts> {
  const start = fc.record({
    method: fc.constantFrom("GET", "GET", "GET", "GET", ...METHODS.slice(2)),
    target: pathOf([rule]),
    fields: fc.constant<Fields>([]),
    source,
  });
  const stray = fc.array(otherField, { maxLength: 2 });
  const exactly = start.chain((parts) => together(parts, rule.conditions, meeting));
  const nearly = fc.tuple(exactly, stray).chain(([parts, more]) => {
    const dressedUp = { ...parts, fields: [...more, ...parts.fields] };
    const some = fc.subarray([...rule.conditions], { maxLength: Math.min(1, rule.conditions.length) });
    return some.chain((list) => together(dressedUp, list, near));
  });
  return fc.oneof({ weight: 4, arbitrary: exactly }, { weight: 1, arbitrary: nearly });
}

/** Fields of which HTTP knows one. */
const SINGLE = [
  ...[
    "x-want-status",
    "authorization",
    "range",
    "if-match",
    "if-none-match",
    "if-modified-since",
    "user-agent",
    "upgrade",
  ],
  // nginx answers 400 to some of them when they are repeated.
  ...["content-location", "content-range", "content-type", "date", "etag", "expires", "from", "host", "if-range"],
  ...["last-modified", "location", "max-forwards", "origin", "proxy-authorization", "referer", "retry-after", "server"],
];

function withoutRepeated(fields: Fields): Fields {
  const seen = new Set<string>();
  return fields.filter(([name]) => {
    const key = name.toLowerCase();
    const isFirst = !seen.has(key);
    seen.add(key);
    return isFirst || !SINGLE.includes(key);
  });
}

const NO_BODY = new Set(["GET", "HEAD", "DELETE"]);

/** A host that cannot stand in a URI has no absolute form; of ports there see docs/decisions/0011. */
function sendable(request: ProbeRequest): ProbeRequest {
  const { host, version, body, target, method } = request;
  const isUri = host !== null && /^[A-Za-z0-9.[\]:_-]*[^:]$/.test(host) && !/:(?:0*80|99999)$/.test(host);
  return {
    ...request,
    form: isUri && target.startsWith("/") && version === "1.1" ? request.form : "origin",
    // HTTP/1.0 has no chunks; HAProxy answers 413 to a body there where none is usual (docs/decisions/0011).
    body: version === "1.0" ? (NO_BODY.has(method) ? null : body && { ...body, chunked: false }) : body,
  };
}

/** The request's bytes, as Latin-1, with further fields. */
export function bytesOf(request: ProbeRequest, more: Fields): string {
  const { method, host, target, form, version, body } = request;
  const line = `${method} ${form === "absolute" ? `http://${host}` : ""}${target} HTTP/${version}`;
  const fields: (readonly [string, string])[] = [
    ...(host === null ? [] : [["Host", host] as const]),
    ...request.fields,
    ...more,
  ];
  fields.push(["Connection", "close"]);
  if (body?.chunked === true) fields.push(["Transfer-Encoding", "chunked"]);
  else if (body !== null) fields.push(["Content-Length", String(body.text.length)]);
  const chunk = (text: string): string => (text === "" ? "" : `${text.length.toString(16)}\r\n${text}\r\n`);
  const payload = body === null ? "" : body.chunked ? `${chunk(body.text)}0\r\n\r\n` : body.text;
  return `${line}\r\n${fields.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n${payload}`;
}
