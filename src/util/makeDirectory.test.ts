import { mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { makeDirectory } from "./makeDirectory.ts";

let scratch: string;
beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), "trimtab-dir-"));
});
afterEach(() => rmSync(scratch, { recursive: true, force: true }));

test("makes what is missing, and leaves what is there", () => {
  makeDirectory(join(scratch, "a/b/c"), 0o700);
  for (const path of ["a", "a/b", "a/b/c"]) expect(statSync(join(scratch, path)).mode & 0o777).toBe(0o700);
  mkdirSync(join(scratch, "open"), 0o755);
  makeDirectory(join(scratch, "open"), 0o700);
  expect(statSync(join(scratch, "open")).mode & 0o777).toBe(0o755);
  symlinkSync(join(scratch, "open"), join(scratch, "link"));
  makeDirectory(join(scratch, "link/x"));
  expect(statSync(join(scratch, "open/x")).isDirectory()).toBe(true);
});

test.each([
  ["/proc/trimtab", "no folder can be made in /proc"],
  ["/proc/trimtab/deeper", "no folder can be made in /proc"],
  ["file", "EEXIST"],
  ["file/below", "EEXIST"],
  ["dangling", "EEXIST"],
])("%s is refused, at once", (path, message) => {
  writeFileSync(join(scratch, "file"), "");
  symlinkSync(join(scratch, "nowhere"), join(scratch, "dangling"));
  expect(() => makeDirectory(path.startsWith("/") ? path : join(scratch, path))).toThrow(message);
});
