import { describe, expect, it } from "vitest";
import { createFramer } from "./framer.ts";
import { COPIED_BYTES } from "./limits.ts";

const short = [[Buffer.from("one")], [Buffer.from("two"), Buffer.from("!")]];
const framed = Buffer.from("\0\0\0\0\x03one\0\0\0\0\x04two!");

describe("messages behind their heads", () => {
  it("are put together once for all who are sent the same", () => {
    const frame = createFramer();
    const parts = frame(short);
    expect(parts).toEqual([framed]);
    expect(frame(short.map((message) => [...message]))).toBe(parts);
  });

  it("are put together anew when one of them is another", () => {
    const frame = createFramer();
    const parts = frame(short);
    const others = [
      [[Buffer.from("one")], short[1]!],
      [short[0]!],
      [...short, short[0]!],
      [short[0]!, [short[1]![0]!]],
    ];
    for (const messages of others) {
      expect(frame(messages)).not.toBe(parts);
      expect(Buffer.concat(frame(messages))).toEqual(Buffer.concat(createFramer()(messages)));
    }
    expect(frame(short)).toEqual([framed]);
  });

  it("are not copied when they are long", () => {
    const long = Buffer.alloc(COPIED_BYTES);
    expect(createFramer()([[long]])[1]).toBe(long);
  });
});
