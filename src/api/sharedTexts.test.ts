/** Large answers: made once for all who ask at once, one at a time, within a bound. */
import { EventEmitter } from "node:events";
import type { FastifyReply } from "fastify";
import { expect, test } from "vitest";
import { SHARED_TEXT_BYTES } from "./limits.ts";
import { createSharedTexts } from "./sharedTexts.ts";

const replyOf = (): FastifyReply => ({ raw: new EventEmitter() }) as unknown as FastifyReply;

test("is made once while somebody reads it, and again afterwards", async () => {
  const shared = createSharedTexts();
  let made = 0;
  const make = async (): Promise<string> => `text ${++made}`;
  const replies = [replyOf(), replyOf()];
  const texts = await Promise.all(replies.map((reply) => shared("a", reply, make)));
  expect(texts.map(String)).toEqual(["text 1", "text 1"]);
  expect(texts[0]).toBe(texts[1]);
  for (const { raw } of replies) raw.emit("close");
  expect(String(await shared("a", replyOf(), make))).toBe("text 2");
});

test("beyond the bound there is no other, until one has been read", async () => {
  const shared = createSharedTexts();
  const reader = replyOf();
  await shared("large", reader, () => "x".repeat(SHARED_TEXT_BYTES));
  await expect(shared("b", replyOf(), () => "b")).rejects.toMatchObject({ code: "API-BUSY" });
  reader.raw.emit("close");
  expect(String(await shared("c", replyOf(), () => "c"))).toBe("c");
});

test("one that cannot be made keeps no other from being made", async () => {
  const shared = createSharedTexts();
  const failed = shared("a", replyOf(), async () => {
    throw new Error("no");
  });
  const other = shared("b", replyOf(), () => "b");
  await expect(failed).rejects.toThrow("no");
  expect(String(await other)).toBe("b");
});
