/** How Envoy looks at each field that conditions name. A new kind of field is an entry here. */
import type { BinaryWriter } from "@bufbuild/protobuf/wire";
import type { ConditionIr, FieldIr, TestIr } from "../../ir/index.ts";
import type { Capabilities, Deviation } from "../target.ts";
import { tooLarge } from "./regexSize.ts";
import { openMessage, writeNumber, writeRegex, writeText } from "./writer.ts";

/** Numbers in RouteMatch and below it. */
const MATCH_HEADERS = 6;
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
    "the lines joined by commas. Elsewhere a repeated field equals no exact value.",
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
  write: (writer, { name }, condition) => writeHeaderTest(writer, name, condition),
} satisfies FieldMatching<{ kind: "header"; name: string }>;

const fields: { readonly [Kind in FieldIr["kind"]]: FieldMatching<Extract<FieldIr, { kind: Kind }>> } = {
  method,
  header,
};

/** The table's lines for what conditions look at. */
export const fieldCapabilities = { ...method.capabilities, ...header.capabilities } as const;

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

function writeHeaderTest(writer: BinaryWriter, name: string, { test, value }: ConditionIr): void {
  for (const matcher of headerMatchers(test, value)) writeHeader(writer, name, matcher);
}

/** A StringMatcher. */
interface HeaderMatcher {
  readonly kind: keyof typeof STRING_MATCHER;
  readonly value: string;
  /** A missing header is an empty one then. */
  readonly isInverted?: true;
}

const PRESENT = { kind: "safeRegex", value: ".+" } as const;
/** Of several lines, any one that is not empty makes it false. */
const ABSENT = { ...PRESENT, isInverted: true } as const;

/** All must match. */
function headerMatchers(test: TestIr, value: string): readonly HeaderMatcher[] {
  switch (test) {
    case "exact":
      return [{ kind: "exact", value }];
    case "regex":
      return [{ kind: "safeRegex", value }, PRESENT];
    case "present":
      return [PRESENT];
    case "absent":
      return [ABSENT];
  }
}

function writeHeader(writer: BinaryWriter, name: string, { kind, value, isInverted }: HeaderMatcher): void {
  openMessage(writer, MATCH_HEADERS);
  writeText(writer, HEADER_MATCHER.name, name);
  if (isInverted === true) writeNumber(writer, HEADER_MATCHER.invertMatch, 1);
  openMessage(writer, HEADER_MATCHER.stringMatch);
  if (kind === "exact") writeText(writer, STRING_MATCHER.exact, value);
  else writeRegex(writer, STRING_MATCHER.safeRegex, value);
  writer.join();
  if (isInverted === true) writeNumber(writer, HEADER_MATCHER.treatMissingHeaderAsEmpty, 1);
  writer.join();
}
