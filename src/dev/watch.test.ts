import { mkdir, rename, rm, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { scratchDir, until } from "../agent/testSupport.ts";
import { watchFile } from "./watch.ts";

let scratch: Awaited<ReturnType<typeof scratchDir>>;
let file: string;
let seen: string[];
let troubles: string[];
let watcher: ReturnType<typeof watchFile>;

beforeEach(async () => {
  scratch = await scratchDir();
  file = join(scratch.path, "config.yaml");
  seen = [];
  troubles = [];
  await writeFile(file, "one");
  watcher = watchFile({
    file,
    known: "one",
    debounceMs: 40,
    patienceMs: 300,
    onChange: (text) => seen.push(text),
    onTrouble: (reason) => troubles.push(reason),
  });
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
  expect(troubles).toEqual([]);
});

test("tells once that the file is gone, empty or no text, and sees it again when it is back", async () => {
  await unlink(file);
  await until(() => troubles.length > 0);
  await sleep(500);
  expect(troubles.splice(0)).toEqual([`cannot read ${file}: there is no such file`]);
  await writeFile(file, "two");
  await until(() => seen.length > 0);
  await writeFile(file, "");
  await until(() => troubles.length > 0);
  expect(troubles.splice(0)).toEqual([`${file} is empty`]);
  await writeFile(file, Buffer.from([0xff, 0xfe]));
  await until(() => troubles.length > 0);
  expect(troubles).toEqual([`${file}:1:1: this is not UTF-8 text`]);
  await writeFile(file, "three");
  await until(() => seen.length > 1);
  expect(seen).toEqual(["two", "three"]);
});

test("follows a folder that is removed, or moved away, and made again", async () => {
  const folder = join(scratch.path, "folder");
  await mkdir(folder);
  await writeFile(join(folder, "c.yaml"), "one");
  watcher.close();
  watcher = watchFile({
    file: join(folder, "c.yaml"),
    known: "one",
    debounceMs: 40,
    patienceMs: 200,
    onChange: (text) => seen.push(text),
    onTrouble: (reason) => troubles.push(reason),
  });
  for (const [index, goAway] of [() => rm(folder, { recursive: true }), () => rename(folder, `${folder}2`)].entries()) {
    await goAway();
    await until(() => troubles.length === index + 1);
    await mkdir(folder);
    await writeFile(join(folder, "c.yaml"), `back ${index}`);
    await until(() => seen.at(-1) === `back ${index}`);
    await writeFile(join(folder, "c.yaml"), `edited ${index}`);
    await until(() => seen.at(-1) === `edited ${index}`);
  }
});
