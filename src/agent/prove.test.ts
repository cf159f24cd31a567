import { expect, test } from "vitest";
import { type Proof, prove } from "./prove.ts";

const base: Proof = {
  generation: "new",
  timeoutMs: 500,
  settleMs: 0,
  ask: async () => "new",
  hopeless: () => null,
  resend: null,
};

test("an old worker's answer during the settling time starts the time anew", async () => {
  const answers = ["old", "new", "new", "old", "new"];
  let asked = 0;
  const ask = async () => answers[asked++] ?? "new";
  expect(await prove({ ...base, settleMs: 60, ask })).toBeNull();
  expect(asked).toBeGreaterThan(answers.length);
});

test("a lost signal is sent again", async () => {
  let sent = 0;
  const send = () => {
    sent += 1;
  };
  const resend = { afterMs: 50, send };
  expect(await prove({ ...base, ask: async () => (sent > 0 ? "new" : "old"), resend })).toBeNull();
  expect(sent).toBe(1);
});

test("ends in time, and says what answers instead", async () => {
  expect(await prove({ ...base, ask: async () => "old" })).toBe(
    "generation new did not answer within 0.5 s (old does)",
  );
});

test("gives up at once when there is no hope", async () => {
  expect(await prove({ ...base, ask: async () => null, hopeless: () => "it died" })).toBe("it died");
});
