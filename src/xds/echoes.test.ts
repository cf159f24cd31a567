import { describe, expect, it } from "vitest";
import { done, finish, type Steps } from "../util/steps.ts";
import { createEchoes } from "./echoes.ts";
import { ECHOES, LIGHT_REQUEST_BYTES } from "./limits.ts";

function reading() {
  const read: string[] = [];
  const echoes = createEchoes<{ readonly bytes: Buffer }>(({ bytes }) => !bytes.toString().startsWith("own "));
  const ask = (text: string) => {
    const message = Buffer.from(text);
    const decode = (bytes: Buffer): Steps<{ readonly bytes: Buffer }> => {
      if (bytes === message) read.push(text);
      return done({ bytes });
    };
    const { bytes } = finish(echoes.readSteps(message, decode));
    const said = bytes.toString();
    // Its memory is used again.
    if (read.at(-1) === text) message.fill("?");
    return said;
  };
  return { read, ask };
}

describe("a request with the bytes of one before", () => {
  it("is not read again", () => {
    const { read, ask } = reading();
    expect([ask("ack 1"), ask("ack 1")]).toEqual(["ack 1", "ack 1"]);
    expect(ask("ack 2")).toBe("ack 2");
    expect(ask("ack 1")).toBe("ack 1");
    expect(read).toEqual(["ack 1", "ack 2"]);
  });

  it("is read when nobody else will say the same", () => {
    const { read, ask } = reading();
    expect([ask("own 1"), ask("own 1")]).toEqual(["own 1", "own 1"]);
    expect(read).toEqual(["own 1", "own 1"]);
  });

  it("is read when that was too long ago, or when it is long", () => {
    const { read, ask } = reading();
    for (let count = 0; count <= ECHOES; count++) ask(`ack ${count}`);
    ask("ack 0");
    const long = "x".repeat(LIGHT_REQUEST_BYTES + 1);
    ask(long);
    ask(long);
    expect(read.slice(ECHOES)).toEqual([`ack ${ECHOES}`, "ack 0", long, long]);
  });
});
