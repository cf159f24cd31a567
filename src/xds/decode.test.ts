/** What requests made to cost much cost: each is about as long as the bytes that make it dear. */
import { performance } from "node:perf_hooks";
import { expect, it } from "vitest";
import { BadRequest, decodeDeltaRequest, decodeNames, decodeSotwRequest, decodeVersions } from "./decode.ts";
import { MAX_FIELDS, MAX_NAMES } from "./limits.ts";

/** Ten times what any of these takes on an idle machine. */
const SOON_MS = 500;

function soon(work: () => void): void {
  const start = performance.now();
  work();
  expect(performance.now() - start).toBeLessThan(SOON_MS);
}

/** A field of a name, and an unknown field (number 15) without content. */
const NAME = Buffer.from([0x1a, 1, 0x61]);
const UNKNOWN = Buffer.from([0x7a, 0]);

function repeat(part: Buffer, times: number): Buffer {
  return Buffer.alloc(part.length * times, part);
}

it("joins names that unknown fields keep apart once, not once for each", () => {
  const apart = repeat(Buffer.concat([NAME, UNKNOWN]), MAX_NAMES - 1);
  soon(() => {
    const { rawNames } = decodeSotwRequest(apart, []);
    expect(rawNames.equals(repeat(NAME, MAX_NAMES - 1))).toBe(true);
    expect(decodeNames(rawNames)).toHaveLength(MAX_NAMES - 1);
  });
});

it("counts names while it reads, whatever stands between them", () => {
  const tooMany = Buffer.concat([repeat(Buffer.concat([NAME, UNKNOWN]), 50), repeat(NAME, MAX_NAMES)]);
  expect(() => decodeSotwRequest(tooMany, [])).toThrow(`more than ${MAX_NAMES} resources`);
  expect(() => decodeDeltaRequest(tooMany)).toThrow(`more than ${MAX_NAMES} resources`);
});

it("looks for known names at the first of them only", () => {
  const known = Array.from({ length: 100 }, (_, index) =>
    Buffer.concat([repeat(NAME, 3), Buffer.from([0x1a, 1, index])]),
  );
  const apart = repeat(Buffer.concat([repeat(NAME, 3), UNKNOWN]), MAX_NAMES / 4);
  soon(() => expect(decodeNames(decodeSotwRequest(apart, known).rawNames)).toHaveLength((MAX_NAMES / 4) * 3));
  const [one, other] = [known[1]!, known[2]!];
  const both = decodeSotwRequest(Buffer.concat([one, UNKNOWN, other]), known);
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
    expect(() => decodeVersions(decodeDeltaRequest(bytes).rawVersions)).toThrow("fields");
  }
  expect(() => decodeSotwRequest(inside(0x12), [])).toThrow("fields");
});

it("refuses groups, which could be nested as deep as the request is long", () => {
  const deep = Buffer.alloc(1024 * 1024, 0x7b);
  soon(() => expect(() => decodeSotwRequest(deep, [])).toThrow(BadRequest));
  soon(() =>
    expect(() =>
      decodeDeltaRequest(Buffer.concat([Buffer.from([0x7b]), repeat(UNKNOWN, 1000), Buffer.from([0x7c])])),
    ).toThrow("group"),
  );
});
