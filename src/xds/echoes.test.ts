import { describe, expect, it } from "vitest";
import { done, finish, type Steps } from "../util/steps.ts";
import { createEchoes } from "./echoes.ts";
import { ECHOES, LIGHT_REQUEST_BYTES } from "./limits.ts";

function reading() {
  const read: string[] = [];
  const echoes = createEchoes<{ readonly text: string }>();
  const ask = (text: string) => {
    const decode = (): Steps<{ readonly text: string }> => {
      read.push(text);
      return done({ text });
    };
    return finish(echoes.readSteps(Buffer.from(text), decode));
  };
  return { read, ask };
}

describe("a request with the bytes of one before", () => {
  it("is not read again", () => {
    const { read, ask } = reading();
    expect(ask("ack 1")).toBe(ask("ack 1"));
    expect(ask("ack 2")).toEqual({ text: "ack 2" });
    expect(ask("ack 1")).toEqual({ text: "ack 1" });
    expect(read).toEqual(["ack 1", "ack 2"]);
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
