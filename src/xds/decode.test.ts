/** What requests made to cost much mean. Work that grew with the square of their size would take longer than a test may. */
import { expect, it } from "vitest";
import { finish } from "../util/steps.ts";
import { BadRequest, decodeDeltaSteps, decodeNamesSteps, decodeSotwSteps, decodeVersionsSteps } from "./decode.ts";
import { MAX_FIELDS, MAX_NAMES } from "./limits.ts";

const decodeDelta = (bytes: Buffer) => finish(decodeDeltaSteps(bytes, []));
const decodeSotw = (bytes: Buffer, known: Iterable<Buffer>) => finish(decodeSotwSteps(bytes, known));
const decodeVersions = (raw: Buffer) => finish(decodeVersionsSteps(raw));
const decodeNames = (raw: Buffer) => finish(decodeNamesSteps(raw));

/** A field of a name, and an unknown field (number 15) without content. */
const NAME = Buffer.from([0x1a, 1, 0x61]);
const UNKNOWN = Buffer.from([0x7a, 0]);

function repeat(part: Buffer, times: number): Buffer {
  return Buffer.alloc(part.length * times, part);
}

it("joins names that unknown fields keep apart once, not once for each", () => {
  const apart = repeat(Buffer.concat([NAME, UNKNOWN]), MAX_NAMES - 1);
  const { rawNames } = decodeSotw(apart, []);
  expect(rawNames.equals(repeat(NAME, MAX_NAMES - 1))).toBe(true);
  expect(decodeNames(rawNames)).toHaveLength(MAX_NAMES - 1);
});

it("counts names while it reads, whatever stands between them", () => {
  const tooMany = Buffer.concat([repeat(Buffer.concat([NAME, UNKNOWN]), 50), repeat(NAME, MAX_NAMES)]);
  expect(() => decodeSotw(tooMany, [])).toThrow(`more than ${MAX_NAMES} resources`);
  expect(() => decodeDelta(tooMany)).toThrow(`more than ${MAX_NAMES} resources`);
});

it("looks for known names at the first of them only", () => {
  const known = Array.from({ length: 100 }, (_, index) =>
    Buffer.concat([repeat(NAME, 3), Buffer.from([0x1a, 1, index])]),
  );
  const apart = repeat(Buffer.concat([repeat(NAME, 3), UNKNOWN]), MAX_NAMES / 4);
  expect(decodeNames(decodeSotw(apart, known).rawNames)).toHaveLength((MAX_NAMES / 4) * 3);
  const [one, other] = [known[1]!, known[2]!];
  const both = decodeSotw(Buffer.concat([one, UNKNOWN, other]), known);
  expect(both.rawNames.equals(Buffer.concat([one, other]))).toBe(true);
});

it("reads a bounded number of fields, in a node and in versions too", () => {
  const many = repeat(UNKNOWN, MAX_FIELDS + 1);
  const inside = (tag: number): Buffer => {
    const length: number[] = [];
    for (let rest = many.length; ; rest >>>= 7) {
      length.push(rest > 127 ? (rest & 127) | 128 : rest);
      if (rest <= 127) break;
    }
    return Buffer.concat([Buffer.from([tag, ...length]), many]);
  };
  for (const bytes of [many, inside(0x0a), inside(0x2a)]) {
    expect(() => decodeVersions(decodeDelta(bytes).rawVersions)).toThrow("fields");
  }
  expect(() => decodeSotw(inside(0x12), [])).toThrow("fields");
});

it("refuses groups, which could be nested as deep as the request is long", () => {
  const deep = Buffer.alloc(1024 * 1024, 0x7b);
  expect(() => decodeSotw(deep, [])).toThrow(BadRequest);
  const long = Buffer.concat([Buffer.from([0x7b]), repeat(UNKNOWN, 1000), Buffer.from([0x7c])]);
  expect(() => decodeDelta(long)).toThrow("group");
});
