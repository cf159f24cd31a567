/** How Envoy looks at each field that conditions name. A new kind of field is an entry here. */
import type { BinaryWriter } from "@bufbuild/protobuf/wire";
import { type ConditionIr, type FieldIr, RESENT_LENGTHS, type TestIr } from "../../ir/index.ts";
import { hasAnchor } from "../../regex/index.ts";
import type { Capabilities, Deviation } from "../target.ts";
import { cidrRegex } from "./cidrRegex.ts";
import { cookieRegexes } from "./cookieRegex.ts";
import { CODING_HEADER, geoTag, REFERER_HEADER, SOURCE_HEADER, TAGS_HEADER } from "./noted.ts";
import { regexLiteral } from "./quote.ts";
import { tooLarge } from "./regexSize.ts";
import { openMessage, writeNumber, writeRegex, writeText } from "./writer.ts";

/** Numbers in RouteMatch and below it. */
const MATCH_HEADERS = 6;
const MATCH_QUERY = 7;
const QUERY_MATCHER = { name: 1, stringMatch: 5, presentMatch: 6 } as const;
const HEADER_MATCHER = { name: 1, invertMatch: 8, stringMatch: 13, treatMissingHeaderAsEmpty: 14 } as const;
const STRING_MATCHER = { exact: 1, safeRegex: 5 } as const;

/** One field. */
interface FieldMatching<Field extends FieldIr> {
  readonly capabilities: Partial<Capabilities>;
  /** Adds matchers to the open RouteMatch: all must hold. */
  write(writer: BinaryWriter, field: Field, condition: ConditionIr): void;
}

const repeatedHeader: Deviation = {
  approximated: [
    "sees repeated header lines differently: Envoy from 1.40 on matches when any one of the lines does, older ones compare",
    "the lines joined by commas. Elsewhere they are one value, joined by a comma and a blank (of Cookie by a semicolon).",
  ].join(" "),
  code: "L7-DUP-HEADER",
};

const method = {
  capabilities: { "route.rules[].matches[].method": "exact" },
  write: (writer, _field, condition) => writeHeaderTest(writer, ":method", condition),
} as const satisfies FieldMatching<{ kind: "method" }>;

const header = {
  capabilities: {
    "route.rules[].matches[].headers[].name": "exact",
    "route.rules[].matches[].headers[].exact": repeatedHeader,
    "route.rules[].matches[].headers[].regex": [repeatedHeader, tooLarge],
    "route.rules[].matches[].headers[].present": "exact",
    "route.rules[].matches[].headers[].absent": "exact",
  },
  write: (writer, { name }, condition) =>
    writeHeaderTest(writer, name === "referer" ? REFERER_HEADER : name, condition),
} satisfies FieldMatching<{ kind: "header"; name: string }>;

const query = {
  capabilities: {
    "route.rules[].matches[].query[].name": "exact",
    "route.rules[].matches[].query[].exact": "exact",
    "route.rules[].matches[].query[].regex": tooLarge,
    "route.rules[].matches[].query[].present": "exact",
    "route.rules[].matches[].query[].absent": "exact",
  },
  write(writer, { name }, { test, value }) {
    if (test === "absent") {
      // Older versions take `present_match: false` for true.
      writeHeader(writer, ":path", { kind: "safeRegex", value: withParameter(name), isInverted: true });
      return;
    }
    const matchers = test === "present" ? [null] : textMatchers(test, value);
    for (const matcher of matchers) {
      openMessage(writer, MATCH_QUERY);
      writeText(writer, QUERY_MATCHER.name, name);
      if (matcher === null) writeNumber(writer, QUERY_MATCHER.presentMatch, 1);
      else writeStringMatch(writer, QUERY_MATCHER.stringMatch, matcher);
      writer.join();
    }
  },
} satisfies FieldMatching<{ kind: "query"; name: string }>;

/** Path and query in which the parameter occurs. */
function withParameter(name: string): string {
  return `[^?]*\\?(?:.*&)?${regexLiteral(name)}(?:[=&].*)?`;
}

const anchoredCookie: Deviation = {
  refused:
    "cannot be matched with an anchor (`^`, `$`): Envoy looks for it in the whole Cookie header; it matches whole values anyway",
  code: "L7-COOKIE-ANCHOR",
  when: (value) => typeof value === "string" && hasAnchor(value),
};

/** Asked of the Cookie header as a whole, so that every version takes the first cookie of the name as it was sent. */
const cookie = {
  capabilities: {
    "route.rules[].matches[].cookies[].name": "exact",
    "route.rules[].matches[].cookies[].exact": repeatedHeader,
    "route.rules[].matches[].cookies[].regex": [repeatedHeader, anchoredCookie, tooLarge],
    "route.rules[].matches[].cookies[].present": repeatedHeader,
    "route.rules[].matches[].cookies[].absent": repeatedHeader,
  },
  write(writer, { name }, { test, value }) {
    const regexes = cookieRegexes(name, test, value);
    for (const regex of regexes)
      writeHeader(writer, "cookie", {
        kind: "safeRegex",
        value: regex,
        ...(test === "absent" ? { isInverted: true } : {}),
      });
  },
} satisfies FieldMatching<{ kind: "cookie"; name: string }>;

const source = {
  capabilities: { "route.rules[].matches[].source[]": "exact" },
  write(writer, _field, { value }) {
    const regexes = value.split(" ").map(cidrRegex);
    writeHeader(writer, SOURCE_HEADER, { kind: "safeRegex", value: regexes.join("|") });
  },
} satisfies FieldMatching<{ kind: "source" }>;

/** One of the tags of the client's address. */
const geo = {
  capabilities: {
    "route.rules[].matches[].geo.table": "exact",
    "route.rules[].matches[].geo.labels[]": "exact",
  },
  write(writer, { name }, { test, value }) {
    const label = test === "exact" ? regexLiteral(value) : `(?:${value})`;
    writeHeader(writer, TAGS_HEADER, { kind: "safeRegex", value: `(?:.*,)?${geoTag(name, label)}(?:,.*)?` });
  },
} satisfies FieldMatching<{ kind: "geo"; name: string }>;

const fields: { readonly [Kind in FieldIr["kind"]]: FieldMatching<Extract<FieldIr, { kind: Kind }>> } = {
  method,
  header,
  query,
  cookie,
  source,
  geo,
};

/** The table's lines for what conditions look at. */
export const fieldCapabilities = {
  ...method.capabilities,
  ...header.capabilities,
  ...query.capabilities,
  ...cookie.capabilities,
  ...source.capabilities,
  ...geo.capabilities,
} as const;

/** Adds a condition to the open RouteMatch. */
export function writeCondition(writer: BinaryWriter, condition: ConditionIr): void {
  const { field } = condition;
  const matching: FieldMatching<FieldIr> = fields[field.kind];
  matching.write(writer, field, condition);
}

/** Asks for a Host header that matches the regex. */
export function writeAuthority(writer: BinaryWriter, regex: string): void {
  writeHeader(writer, ":authority", { kind: "safeRegex", value: regex });
}

/** The only upgrade that is passed on. */
const WEB_SOCKET = { kind: "safeRegex", value: "(?i)websocket" } as const;

/** Asks for a WebSocket. */
export function writeUpgrade(writer: BinaryWriter): void {
  writeHeader(writer, "upgrade", WEB_SOCKET);
}

/** Asks for a request that can be sent again: of one of these methods, not for a WebSocket, and with no more body than is kept. */
export function writeSentAgain(writer: BinaryWriter, methods: readonly string[]): void {
  writeHeader(writer, ":method", { kind: "safeRegex", value: methods.join("|") });
  writeHeader(writer, "upgrade", { ...WEB_SOCKET, isInverted: true });
  writeHeader(writer, CODING_HEADER, ABSENT);
  writeHeader(writer, "content-length", { kind: "safeRegex", value: RESENT_LENGTHS, isEmptyWhenMissing: true });
}

function writeHeaderTest(writer: BinaryWriter, name: string, { test, value }: ConditionIr): void {
  for (const matcher of headerMatchers(test, value)) writeHeader(writer, name, matcher);
}

/** A StringMatcher. */
interface HeaderMatcher {
  readonly kind: keyof typeof STRING_MATCHER;
  readonly value: string;
  /** A missing header is an empty one then. */
  readonly isInverted?: true;
  readonly isEmptyWhenMissing?: true;
}

const PRESENT = { kind: "safeRegex", value: ".+" } as const;
/** Of several lines, any one that is not empty makes it false. */
const ABSENT = { ...PRESENT, isInverted: true } as const;

/** All must match. */
function headerMatchers(test: TestIr, value: string): readonly HeaderMatcher[] {
  switch (test) {
    case "exact":
    case "regex":
      return textMatchers(test, value);
    case "present":
      return [PRESENT];
    case "absent":
      return [ABSENT];
    case "within":
      throw new Error("an address range is asked of the client's address only");
  }
}

function textMatchers(test: TestIr, value: string): readonly HeaderMatcher[] {
  return test === "exact" ? [{ kind: "exact", value }] : [{ kind: "safeRegex", value }, PRESENT];
}

function writeHeader(writer: BinaryWriter, name: string, matcher: HeaderMatcher): void {
  const { kind, value, isInverted, isEmptyWhenMissing = isInverted } = matcher;
  openMessage(writer, MATCH_HEADERS);
  writeText(writer, HEADER_MATCHER.name, name);
  if (isInverted === true) writeNumber(writer, HEADER_MATCHER.invertMatch, 1);
  writeStringMatch(writer, HEADER_MATCHER.stringMatch, { kind, value });
  if (isEmptyWhenMissing === true) writeNumber(writer, HEADER_MATCHER.treatMissingHeaderAsEmpty, 1);
  writer.join();
}

function writeStringMatch(writer: BinaryWriter, field: number, { kind, value }: HeaderMatcher): void {
  openMessage(writer, field);
  if (kind === "exact") writeText(writer, STRING_MATCHER.exact, value);
  else writeRegex(writer, STRING_MATCHER.safeRegex, value);
  writer.join();
}
