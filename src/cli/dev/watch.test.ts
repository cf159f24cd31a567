import { rename, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { scratchDir, until } from "../../agent/testSupport.ts";
import { watchFile } from "./watch.ts";

let scratch: Awaited<ReturnType<typeof scratchDir>>;
let file: string;
let seen: string[];
let watcher: ReturnType<typeof watchFile>;

beforeEach(async () => {
  scratch = await scratchDir();
  file = join(scratch.path, "config.yaml");
  seen = [];
  await writeFile(file, "one");
  watcher = watchFile({ file, known: "one", debounceMs: 40, onChange: (text) => seen.push(text) });
});
afterEach(async () => {
  watcher.close();
  await scratch.remove();
});

test("tells the last of several quick writes, once", async () => {
  for (const text of ["a", "ab", "two"]) {
    await writeFile(file, text);
  }
  await until(() => seen.length > 0);
  await sleep(100);
  expect(seen).toEqual(["two"]);
});

test("sees files renamed over it, again and again", async () => {
  for (const text of ["two", "three", "four"]) {
    await writeFile(`${file}.swp`, text);
    await rename(`${file}.swp`, file);
    await until(() => seen.at(-1) === text);
  }
  expect(seen).toEqual(["two", "three", "four"]);
});

test("waits out a moment without the file, and is silent about equal content and other files", async () => {
  await unlink(file);
  await sleep(80);
  await writeFile(file, "one");
  await writeFile(join(scratch.path, "other.yaml"), "x");
  await sleep(150);
  expect(seen).toEqual([]);
  await writeFile(file, "two");
  await until(() => seen.length > 0);
  watcher.close();
  await writeFile(file, "three");
  await sleep(120);
  expect(seen).toEqual(["two"]);
});
