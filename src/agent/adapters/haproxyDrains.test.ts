import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { scratchDir } from "../testSupport.ts";
import { createDrainEnds, type DrainEnds } from "./haproxyDrains.ts";

const server = (backend: string, name = "a") => ({ backend, server: name });
let scratch: Awaited<ReturnType<typeof scratchDir>>;
let time: number;
let ends: DrainEnds;

beforeEach(async () => {
  scratch = await scratchDir();
  time = 0;
  ends = createDrainEnds(join(scratch.path, "drains.json"), () => time);
});
afterEach(() => scratch.remove());

const plan = (groups: object): Promise<void> =>
  writeFile(join(scratch.path, "drains.json"), JSON.stringify({ groups }));

test("it is ended when the time of its backend is over, again and again until it is gone", async () => {
  await plan({ shop: 5_000, "shop.tcp.60000ms": 5_000 });
  const held = [server("shop"), server("shop", "b"), server("other")];
  expect(await ends(held)).toEqual([]);
  time = 3_000;
  expect(await ends([...held, server("shop.tcp.60000ms")])).toEqual([]);
  time = 5_000;
  expect(await ends([...held, server("shop.tcp.60000ms")])).toEqual([
    "shutdown sessions server shop/a",
    "shutdown sessions server shop/b",
  ]);
  time = 8_000;
  expect(await ends([server("shop", "b"), server("shop.tcp.60000ms")])).toEqual([
    "shutdown sessions server shop/b",
    "shutdown sessions server shop.tcp.60000ms/a",
  ]);
});

test("one that took requests in between begins anew, and without a plan nothing is ended", async () => {
  await ends([server("shop")]);
  time = 60_000;
  expect(await ends([server("shop")])).toEqual([]);
  await plan({ shop: 5_000 });
  expect(await ends([])).toEqual([]);
  expect(await ends([server("shop")])).toEqual([]);
  time = 65_000;
  expect(await ends([server("shop")])).toEqual(["shutdown sessions server shop/a"]);
});
