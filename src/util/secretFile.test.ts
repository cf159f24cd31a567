import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readSecretFile } from "./secretFile.ts";
import { readTokenFile } from "./tokenFile.ts";

const SECRET = "canary-0123456789-0123456789-0123456789";
const isRoot = process.geteuid?.() === 0;
let scratch: string;
beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), "trimtab-secret-"));
});
afterEach(() => rmSync(scratch, { recursive: true, force: true }));

function file(mode: number, text = `${SECRET}\n`, name = "secret"): string {
  const path = join(scratch, name);
  writeFileSync(path, text);
  chmodSync(path, mode);
  return path;
}

const refusal = (path: string): Promise<string> =>
  readTokenFile(path).then(
    () => "taken",
    ({ message }: Error) => {
      expect(message).not.toContain(SECRET);
      expect(message).not.toContain("\n");
      return message.replaceAll(scratch, "DIR");
    },
  );

test.each([0o600, 0o400, 0o700])("mode %o is its owner's alone", async (mode) => {
  expect(await readTokenFile(file(mode))).toBe(SECRET);
});

test.each([
  [0o644, "others may read it (mode 0644)"],
  [0o444, "others may read it (mode 0444)"],
  [0o604, "others may read it (mode 0604)"],
  [0o666, "others may read it (mode 0666)"],
  [0o602, "others may change or run it (mode 0602)"],
  [0o660, "its group may change or run it (mode 0660)"],
])("mode %o is refused", async (mode, why) => {
  // Another user's group may read what that user owns no more than others may; root may let a group read.
  const path = file(mode);
  const text = await refusal(path);
  expect(text).toMatch(/^DIR\/secret holds a secret, and .*: chmod 600, or mode 0400 where it is mounted$/);
  if (isRoot || mode !== 0o660) expect(text).toContain(why);
});

test("root may let a group read, as mounted secrets are; others may not", async () => {
  const path = file(0o440);
  expect(await refusal(path)).toBe(
    isRoot
      ? "taken"
      : "DIR/secret holds a secret, and its group may read it (mode 0440): chmod 600, or mode 0400 where it is mounted",
  );
});

test.runIf(isRoot)("what belongs to somebody else is refused", async () => {
  const path = file(0o600);
  chownSync(path, 12_345, 12_345);
  expect(await refusal(path)).toMatch(/^DIR\/secret belongs to another user \(12345\)/);
});

test("links are followed to what they name", async () => {
  const link = join(scratch, "link");
  symlinkSync(file(0o600), link);
  expect(await readTokenFile(link)).toBe(SECRET);
  chmodSync(join(scratch, "secret"), 0o644);
  expect(await refusal(link)).toContain("DIR/link holds a secret, and others may read it (mode 0644)");
});

test("a folder in which everybody may replace the file is refused, also that of a link's target; a sticky one is not", async () => {
  mkdirSync(join(scratch, "open"));
  const path = file(0o600, SECRET, "open/secret");
  symlinkSync(path, join(scratch, "link"));
  chmodSync(join(scratch, "open"), 0o777);
  const why = "its folder DIR/open can be written by everybody (mode 0777): chmod o-w";
  expect(await refusal(path)).toContain(why);
  expect(await refusal(join(scratch, "link"))).toContain(why);
  chmodSync(join(scratch, "open"), 0o1777);
  expect(await readTokenFile(path)).toBe(SECRET);
});

test("what is no file, and what is not there", async () => {
  expect(await refusal(scratch)).toBe("DIR is a folder");
  expect(await refusal("/dev/null")).toBe("/dev/null is no file");
  expect(await refusal(join(scratch, "none"))).toBe("cannot read DIR/none: there is no such file");
  expect(await refusal("")).toBe('cannot read "": there is no such file');
  await expect(readSecretFile(file(0o600, "x".repeat(300_000)))).rejects.toThrow("larger than 262144 bytes");
});

test.each([
  ["", "DIR/secret holds no token: it is empty"],
  [" \r\n\t", "DIR/secret holds no token: it is empty"],
  [`${SECRET}\nsecond`, "several lines"],
  [`a ${SECRET}`, "white space"],
  [`${SECRET}é`, "character 40 is none that a header can have"],
  [`\u{feff}${SECRET}`, "character 1 is none that a header can have"],
  [`${SECRET}\0`, "character 40 is none"],
  ["x".repeat(5000), "more than 4096 characters"],
])("a file that holds %j is refused", async (text, why) => {
  expect(await refusal(file(0o600, text))).toContain(why);
});

test("blanks and line ends around a token do not count", async () => {
  expect(await readTokenFile(file(0o600, `\r\n ${SECRET}\t\r\n\n`))).toBe(SECRET);
});
