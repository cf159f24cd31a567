/** What services read: annotations of GitHub, logs in SARIF. */
import { readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { Ajv } from "ajv";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { type Bench, MODEL, openBench } from "../cliHarness.ts";
import type { PlacedProblem } from "../document.ts";
import { githubText } from "./github.ts";
import { sarifFailure, sarifLog } from "./sarif.ts";

/** The schema of OASIS (2.1.0-rtm.5) without its descriptions, as npm's @microsoft/jest-sarif has it. */
const schema = JSON.parse(readFileSync(join(import.meta.dirname, "testing/sarif-2.1.0.json"), "utf8"));
const isSarif = new Ajv({ strict: false, validateFormats: false, unicodeRegExp: false, allErrors: true }).compile(
  schema,
);

const problem: PlacedProblem = {
  code: "MODEL-REFERENCE",
  severity: "error",
  message: "one\r\ntwo: 100 %, three",
  file: "a,b:c%/ä.yaml",
  line: 3,
  column: 7,
  pointer: "/routes/0",
};

let bench: Bench;
beforeAll(() => {
  bench = openBench();
});
afterAll(() => bench.close());
// These tests too may run on a runner.
beforeEach(() => void vi.stubEnv("GITHUB_WORKSPACE", undefined));
afterEach(() => void vi.unstubAllEnvs());

test("workflow commands: values escape what ends them, each problem is one line", () => {
  expect(githubText([problem, { ...problem, severity: "warning", pointer: "", file: "-", message: "m" }])).toBe(
    "::error file=a%2Cb%3Ac%25/ä.yaml,line=3,col=7,title=MODEL-REFERENCE::/routes/0: one%0D%0Atwo: 100 %25, three\n" +
      "::warning line=3,col=7,title=MODEL-REFERENCE::/: m\n",
  );
  expect(githubText([])).toBe("");
});

test("files are named from the root of the checkout, wherever the program runs and however they were given", () => {
  const named = (file: string): readonly (string | undefined)[] => [
    /file=([^,]*)/.exec(githubText([{ ...problem, file }]))?.[1],
    /"uri":"([^"]*)"/.exec(JSON.stringify(sarifLog([{ ...problem, file }], "1")))?.[1],
  ];
  expect(named("./lb//a b.yaml")).toEqual(["lb/a b.yaml", "lb/a%20b.yaml"]);
  expect(named("../a.yaml")).toEqual(["../a.yaml", "../a.yaml"]);
  const here = process.cwd();
  vi.stubEnv("GITHUB_WORKSPACE", dirname(here));
  expect(named("a.yaml")).toEqual(Array(2).fill(`${basename(here)}/a.yaml`));
  expect(named(join(here, "..", "..b.yaml"))).toEqual(["..b.yaml", "..b.yaml"]);
  expect(named("../../a.yaml")).toEqual(["../../a.yaml", "../../a.yaml"]);
  vi.stubEnv("GITHUB_WORKSPACE", join(here, "elsewhere"));
  expect(named("/tmp/x.yaml")).toEqual(["/tmp/x.yaml", "file:///tmp/x.yaml"]);
});

test("a log in SARIF is one by its schema; what is no log is none", () => {
  const other = { ...problem, related: { file: "/tmp/x y.yaml", line: 1, column: 1, pointer: "" } };
  const logs = [
    sarifLog([], "1.2.3"),
    sarifFailure("one\ntwo", "1.2.3"),
    sarifLog([problem, other, { ...problem, code: "UNKNOWN-CODE", file: "-" }], "1.2.3"),
  ];
  for (const log of logs) expect([isSarif(log), isSarif.errors]).toEqual([true, null]);
  expect(JSON.stringify(logs[2])).toContain('"uri":"a%2Cb%3Ac%25/%C3%A4.yaml"');
  expect(JSON.stringify(logs[2])).toContain('"uri":"file:///tmp/x%20y.yaml"');
  expect(isSarif({ version: "2.1.0", runs: [{ results: [] }] })).toBe(false);
  expect(
    isSarif({
      version: "2.1.0",
      runs: [{ tool: { driver: { name: "t" } }, results: [{ level: "bad", message: {} }] }],
    }),
  ).toBe(false);
});

const WARNED = MODEL.replace("split: [{cluster: green}]", "split: [{cluster: green}]\n        timeouts: {request: 2s}");

test.each([
  ["text", WARNED, [0, 3]],
  ["json", WARNED, [0, 3]],
  ["github", WARNED, [0, 3]],
  ["sarif", WARNED, [0, 3]],
  ["sarif", MODEL, [0, 0]],
  ["github", MODEL.replace("cluster: blue,", "cluster: bleu,"), [1, 1]],
])("validate --format %s, without and with --strict: its exit codes", async (format, text, codes) => {
  const file = bench.file("m.yaml", text);
  const results = [
    await bench.run("validate", file, "--format", format),
    await bench.run("validate", file, "--strict", "--format", format),
  ];
  expect(results.map(({ code }) => code)).toEqual(codes);
  for (const { out, err, json } of results) {
    if (format !== "text") expect(err).toBe("");
    if (format === "sarif")
      expect([isSarif(json), isSarif.errors, json.runs[0].tool.driver.version]).toEqual([true, null, "1.2.3"]);
    if (format === "github")
      expect(out).toMatch(/^(::(error|warning) file=\S+m\.yaml,line=\d+,col=\d+,title=[A-Z0-9-]+::.*\n)+$/);
    if (format === "json") expect(Object.keys(json)).toEqual(["ok", "problems"]);
  }
  if (format === "json") expect(results.map(({ json }) => json.ok)).toEqual([true, false]);
});

test("render --strict writes nothing when there are warnings; --json and --format do not go together", async () => {
  const file = bench.file("m.yaml", WARNED);
  expect(await bench.run("render", file, "-o", join(bench.dir, "out"), "--strict")).toMatchObject({ code: 3, out: "" });
  expect((await bench.run("render", file, "-o", join(bench.dir, "out"), "--format", "github")).out).toMatch(
    /^::warning /,
  );
  expect((await bench.run("validate", file, "--json", "--format", "sarif")).code).toBe(2);
  expect((await bench.run("validate", "nowhere.yaml", "--format", "json")).json).toEqual({
    ok: false,
    error: "cannot read nowhere.yaml: there is no such file",
  });
});

test("what cannot be done at all is told in the format that was asked for", async () => {
  expect(await bench.run("validate", "no:where.yaml", "--format", "github")).toMatchObject({
    code: 1,
    out: "::error title=trimtab::cannot read no:where.yaml: there is no such file\n",
    err: "",
  });
  expect((await bench.run("validate", "nowhere.yaml", "--format=json")).json).toMatchObject({ ok: false });
  const { err, json } = await bench.run("validate", "nowhere.yaml", "--format", "sarif");
  expect(err).toContain("there is no such file");
  expect([isSarif(json), json.runs[0].invocations[0].executionSuccessful]).toEqual([true, false]);
});

test.each(["quickstart.yaml", "compose/model.yaml"])("the shipped example %s has no warnings", async (name) => {
  const file = join(import.meta.dirname, "../../../examples", name);
  expect(await bench.run("validate", file, "--strict")).toMatchObject({ code: 0, err: "" });
});
