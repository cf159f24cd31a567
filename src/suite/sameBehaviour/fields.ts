/** How random requests meet, or nearly meet, what rules ask of each kind of field. */
import fc from "fast-check";
import type { ConditionIr, FieldIr } from "../../ir/index.ts";
import { FIELD_VALUES } from "./samples.ts";
import type { Fields } from "./wire.ts";

/** What of a request rules look at. */
export interface Parts {
  readonly method: string;
  /** Raw path with optional query. */
  readonly target: string;
  readonly fields: Fields;
  /** The client's address, one of loopback. */
  readonly source: string;
}

/** A request field, of which a client can send several lines. */
interface Lines {
  /** In lower case. */
  readonly name: string;
  /** A client must not send several, and each proxy takes them in its own way. */
  readonly isOnce?: true;
}

/** How requests are made to have something in a field. */
interface Aim<F extends FieldIr> {
  /** What of a request's fields it reads; null: nothing. */
  readonly lines: (field: F) => Lines | null;
  /** Changes a request so that the field has the value; null: so that it has none. Of repeated ones the first counts. */
  readonly put: (parts: Parts, field: F, value: string | null) => Parts;
  /** Values that meet the condition. Default: as for text. */
  readonly meeting?: (condition: ConditionIr) => readonly string[];
  /** Values that meet it or are near it; null: none. Default: as for text. */
  readonly near?: (condition: ConditionIr) => readonly (string | null)[];
}

/** One entry for each kind: a new field is aimed at from here on. */
const aims: { readonly [K in FieldIr["kind"]]: Aim<Extract<FieldIr, { kind: K }>> } = {
  method: {
    lines: () => null,
    put: (parts, _field, value) => (value === null ? parts : { ...parts, method: value }),
  },
  header: {
    lines: ({ name }) => ({ name }),
    put(parts, { name }, value) {
      const others = parts.fields.filter(([other]) => other.toLowerCase() !== name);
      return { ...parts, fields: value === null ? others : [...others, [name, value.trim()]] };
    },
  },
  query: {
    lines: () => null,
    put(parts, { name }, value) {
      const [path = "", ...rest] = parts.target.split("?");
      const others = rest
        .join("?")
        .split("&")
        .filter((pair) => pair !== "" && (value !== null || pair.split("=", 1)[0] !== name));
      // What a request line cannot hold, or what would begin another parameter, is left out.
      const own = value === null ? [] : [`${name}=${value.replace(/[^\x21-\x7e]|[&#]/g, "")}`];
      const pairs = [...own, ...others];
      return { ...parts, target: pairs.length === 0 ? path : `${path}?${pairs.join("&")}` };
    },
  },
  cookie: {
    // RFC 6265, 5.4.
    lines: () => ({ name: "cookie", isOnce: true }),
    put(parts, { name }, value) {
      const isCookie = ([field]: readonly [string, string]): boolean => field.toLowerCase() === "cookie";
      const sent = parts.fields.find(isCookie)?.[1].split("; ") ?? [];
      const others = sent.filter((pair) => value !== null || pair.split("=", 1)[0] !== name);
      const own = value === null ? [] : [`${name}=${value.replace(/[^\x20-\x7e]|;/g, "").trim()}`];
      const pairs = [...own, ...others];
      const line: Fields = pairs.length === 0 ? [] : [["Cookie", pairs.join("; ")]];
      return { ...parts, fields: [...parts.fields.filter((field) => !isCookie(field)), ...line] };
    },
  },
  source: {
    lines: () => null,
    put: (parts, _field, value) => (value === null ? parts : { ...parts, source: value }),
    // Of ranges outside of loopback no client can come.
    meeting: ({ value }) => loopbackOf(value),
    near: ({ value }) => [...loopbackOf(value), "127.0.0.1", "127.0.0.9", "127.1.2.3"],
  },
  geo: {
    lines: () => null,
    put: (parts, _field, value) => (value === null ? parts : { ...parts, source: value }),
    // A condition does not know its table's ranges.
    meeting: () => CLIENTS,
    near: () => CLIENTS,
  },
};

/** In different ranges of the tables of random models (arbitrary/hints.ts). */
const CLIENTS = ["127.0.0.1", "127.0.0.2", "127.0.0.9", "127.0.4.1", "127.1.2.3"];

/** First addresses of the ranges that lie in 127.0.0.0/8; when there is none, one that lies in no range. */
function loopbackOf(ranges: string): readonly string[] {
  const own = ranges.split(" ").filter((range) => /^127\./.test(range));
  const firsts = own.map((range) => range.split("/")[0] as string);
  // The net's own first address is no client's.
  return firsts.length === 0 ? ["127.0.0.1"] : firsts.map((first) => (first === "127.0.0.0" ? "127.0.0.1" : first));
}

function aimOf(field: FieldIr): Aim<FieldIr> {
  return aims[field.kind] as unknown as Aim<FieldIr>;
}

/** The request field whose lines a field reads; null: none. */
export function linesOf(field: FieldIr): Lines | null {
  return aimOf(field).lines(field);
}

/** A request that meets the condition. */
export function meeting(parts: Parts, condition: ConditionIr): fc.Arbitrary<Parts> {
  const { field, test } = condition;
  const { put, meeting: own = textsMeeting } = aimOf(field);
  if (test === "absent") return fc.constant(put(parts, field, null));
  return fc.constantFrom(...own(condition)).map((text) => put(parts, field, text));
}

function textsMeeting({ test, value }: ConditionIr): readonly string[] {
  if (test !== "regex") return [value || "some"];
  const matching = FIELD_VALUES.filter((text) => new RegExp(`^(?:${value})$`).test(text));
  return matching.length === 0 ? ["x"] : matching;
}

/** A request that meets it, or has something near it; where a field can be repeated, sometimes twice. */
export function near(parts: Parts, condition: ConditionIr): fc.Arbitrary<Parts> {
  const { put, near: own = textsNear } = aimOf(condition.field);
  const texts = fc.constantFrom(...own(condition));
  return fc.tuple(texts, texts, fc.boolean()).map(([text, other, isRepeated]) => {
    const before = isRepeated ? put(parts, condition.field, other) : parts;
    return put(before, condition.field, text);
  });
}

function textsNear({ value }: ConditionIr): readonly (string | null)[] {
  const bent = [value.toUpperCase(), value.toLowerCase(), `${value}x`, `x${value}`, value.slice(0, value.length - 1)];
  return [value, value, ...bent, "", null];
}

/** Meets the conditions one after the other, or comes near them. */
export function together(
  start: Parts,
  conditions: readonly ConditionIr[],
  step: (parts: Parts, condition: ConditionIr) => fc.Arbitrary<Parts>,
): fc.Arbitrary<Parts> {
  return conditions.reduce(
    (sofar, condition) => sofar.chain((parts) => step(parts, condition)),
    fc.constant(start) as fc.Arbitrary<Parts>,
  );
}
