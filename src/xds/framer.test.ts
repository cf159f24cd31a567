import { describe, expect, it } from "vitest";
import { createFramer } from "./framer.ts";
import { COPIED_BYTES, JOINED_BYTES } from "./limits.ts";

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

  it("are copied when they are long as soon as they go out again, and not before", () => {
    const frame = createFramer();
    const long = Buffer.alloc(COPIED_BYTES, 7);
    const messages = [[long], short[0]!];
    const parts = frame(messages);
    expect(parts[1]).toBe(long);
    expect(frame(messages)).toEqual([Buffer.concat(parts)]);
    expect(frame([...messages])[0]).toBe(frame(messages)[0]);
  });

  it("are never copied beyond what the server keeps for that", () => {
    const frame = createFramer();
    const long = Buffer.alloc(JOINED_BYTES);
    for (let time = 0; time < 3; time++) expect(frame([[long]])[1]).toBe(long);
  });
});
