/** Messages come out as they went in, however they are cut; what is refused or compressed is not kept. */
import { expect, it } from "vitest";
import { createBodies } from "./bodies.ts";
import { createMessageReader } from "./frames.ts";
import { PEEK_BYTES } from "./limits.ts";

function frame(message: Buffer, flag = 0): Buffer {
  const head = Buffer.alloc(5, 0);
  head[0] = flag;
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

function collect(may: (length: number) => boolean = () => true) {
  const messages: Buffer[] = [];
  const starts: { length: number; start: Buffer }[] = [];
  let compressed = 0;
  const reader = createMessageReader(
    {
      onStart(length, start) {
        starts.push({ length, start: Buffer.from(start) });
        return may(length);
      },
      onMessage: (message) => void messages.push(Buffer.from(message)),
      onCompressed() {
        compressed += 1;
      },
    },
    createBodies(),
  );
  return { reader, messages, starts, compressed: () => compressed };
}

it.each([1, 2, 7, 100, 4_099, 16_384, 1_000_000])("reads messages that come in pieces of %s bytes", (size) => {
  const sent = [0, 1, 5, 0, PEEK_BYTES - 1, PEEK_BYTES, PEEK_BYTES + 1, 60_000, 0].map((length, index) =>
    Buffer.alloc(length, index + 1),
  );
  const bytes = Buffer.concat(sent.map((message) => frame(message)));
  const { reader, messages, starts } = collect();
  for (let at = 0; at < bytes.length; at += size) reader.push(bytes.subarray(at, at + size));
  expect(messages.map((message) => message.length)).toEqual(sent.map((message) => message.length));
  expect(messages.every((message, index) => message.equals(sent[index]!))).toBe(true);
  expect(starts.map(({ length }) => length)).toEqual(sent.map((message) => message.length));
  for (const { length, start } of starts) expect(start.length).toBeGreaterThanOrEqual(Math.min(length, PEEK_BYTES));
  expect(reader.partial).toBe(false);
});

it("asks after the first kilobytes, and reads nothing after a refusal", () => {
  const { reader, messages, starts } = collect((length) => length < 100_000);
  const bytes = Buffer.concat([
    frame(Buffer.alloc(50_000, 1)),
    frame(Buffer.alloc(200_000, 2)),
    frame(Buffer.alloc(1)),
  ]);
  for (let at = 0; at < bytes.length; at += 1_000) reader.push(bytes.subarray(at, at + 1_000));
  expect(messages.map((message) => message.length)).toEqual([50_000]);
  expect(starts[1]).toMatchObject({ length: 200_000, start: { length: PEEK_BYTES } });
  expect(starts).toHaveLength(2);
});

it("does not read compressed messages", () => {
  const { reader, messages, compressed } = collect();
  reader.push(Buffer.concat([frame(Buffer.from("a")), frame(Buffer.from("b"), 1), frame(Buffer.from("c"))]));
  expect(messages.map(String)).toEqual(["a"]);
  expect(compressed()).toBe(1);
});
