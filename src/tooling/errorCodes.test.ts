/** The registry of error codes and the program agree: no code is reported that it lacks, none stands in it for nothing. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { loadTargets, PROXY_KINDS } from "../targets/registry.ts";
import { deviationsOf } from "../targets/target.ts";
import { errorCodes } from "./docs/errorCodes.ts";
import { isTestCode } from "./tidy/importTable.ts";
import { listFiles, root } from "./tidy/sources.ts";

const { get } = await loadTargets();

const CODE = '"([A-Z][A-Z0-9]*(?:-[A-Z0-9]+)+)"';
/** Where a code is reported, whatever its name. */
const REPORTED = new RegExp(`(?:\\bcode: |\\b(?:problem|Problem|invalid|StoreError)\\(\\s*)${CODE}`, "g");
const LITERAL = new RegExp(CODE, "g");

/** The first words of codes: a text that begins so is meant to be one. */
const families = new Set(Object.keys(errorCodes).map((code) => code.split("-")[0]));

const places = listFiles()
  .filter((path) => /^src\/.*\.ts$/.test(path) && !isTestCode(path) && !path.startsWith("src/tooling/"))
  .filter((path) => !path.startsWith("src/gen/") && !path.endsWith("/codes.ts"))
  .flatMap((path) => codesIn(readFileSync(join(root, path), "utf8")).map((code) => ({ path, code })));

/** Codes in a program text. */
function codesIn(text: string): string[] {
  const reported = [...text.matchAll(REPORTED)].map((match) => match[1] as string);
  const literals = [...text.matchAll(LITERAL)].map((match) => match[1] as string);
  return [...reported, ...literals.filter((code) => families.has(code.split("-")[0] as string))];
}

test("every code that the program reports is in the registry", () => {
  const unknown = places.filter(({ code }) => !Object.hasOwn(errorCodes, code));
  expect(unknown.map(({ path, code }) => `${path}: ${code}`)).toEqual([]);
});

test("every code of the registry is reported somewhere", () => {
  const used = new Set(places.map(({ code }) => code));
  expect(Object.keys(errorCodes).filter((code) => !used.has(code))).toEqual([]);
});

test("every code of the capability tables is in the registry", () => {
  const codes = PROXY_KINDS.map(get).flatMap(({ capabilities }) =>
    Object.values(capabilities).flatMap((support) => deviationsOf(support).map(({ code }) => code)),
  );
  expect(codes.filter((code) => !Object.hasOwn(errorCodes, code))).toEqual([]);
});

test("every entry says in a few words what it is and in a sentence what to do", () => {
  for (const [code, { status, title, explanation }] of Object.entries(errorCodes)) {
    expect([code, status], "an error's status").toEqual([code, expect.toSatisfy((n: number) => n >= 400 && n < 600)]);
    expect(title, code).toMatch(/^[A-Za-z][^.\n]{2,50}$/);
    expect(explanation, code).toMatch(/^[A-Z`].{10,}\.$/);
  }
});

test("the search sees codes however they are reported", () => {
  expect(codesIn('throw new Problem("NEW-ONE", ""); problem(\n "NEW-TWO"); ({ code: "NEW-THREE" })')).toEqual([
    "NEW-ONE",
    "NEW-TWO",
    "NEW-THREE",
  ]);
  expect(codesIn('const known = { a: "API-OF-A-TABLE" }; const header = "X-USER";')).toEqual(["API-OF-A-TABLE"]);
});
