import { describe, expect, it } from "vitest";
import { createBodies } from "./bodies.ts";
import { FREE_BODY_BYTES, MAX_SHARED_BODY_BYTES, PEEK_BYTES } from "./limits.ts";

const SIZES = [PEEK_BYTES, PEEK_BYTES + 1, 31_080, 42_068, 65_536, 100_000, MAX_SHARED_BODY_BYTES];

describe("memory of long requests", () => {
  it.each(SIZES)("is used again for %s bytes, and is at most a quarter larger", (size) => {
    const bodies = createBodies();
    const first = bodies.take(size);
    expect(first.length).toBe(size);
    expect(first.buffer.byteLength).toBeLessThanOrEqual(size * 1.25);
    bodies.give(first);
    const second = bodies.take(size);
    expect([second.length, second.buffer]).toEqual([size, first.buffer]);
    expect(bodies.take(size).buffer).not.toBe(first.buffer);
  });

  it.each([0, 1, PEEK_BYTES - 1, MAX_SHARED_BODY_BYTES + 1])("of %s bytes is not kept", (size) => {
    const bodies = createBodies();
    const first = bodies.take(size);
    expect([first.length, first.buffer.byteLength]).toEqual([size, size]);
    bodies.give(first);
    expect(bodies.take(size).buffer).not.toBe(first.buffer);
  });

  it("is not kept without bound", () => {
    const bodies = createBodies();
    const size = 64 * 1024;
    const taken = Array.from({ length: FREE_BODY_BYTES / size + 5 }, () => bodies.take(size));
    const given = new Set(taken.map(({ buffer }) => buffer));
    for (const body of taken) bodies.give(body);
    const again = taken.map(() => bodies.take(size)).filter(({ buffer }) => given.has(buffer));
    expect(again.length).toBe(FREE_BODY_BYTES / size);
  });

  it("is not taken from what came otherwise, nor twice", () => {
    const bodies = createBodies();
    const chunk = Buffer.allocUnsafeSlow(PEEK_BYTES * 4);
    bodies.give(chunk);
    const first = bodies.take(chunk.length);
    expect(first.buffer).not.toBe(chunk.buffer);
    bodies.give(first);
    bodies.give(first);
    bodies.take(chunk.length);
    expect(bodies.take(chunk.length).buffer).not.toBe(first.buffer);
  });
});
