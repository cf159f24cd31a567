/** Several files and folders as one model. */
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Bench, MODEL, openBench } from "./cliHarness.ts";
import type { PlacedProblem } from "./document.ts";

let bench: Bench;
let at: (path: string) => string;
beforeEach(() => {
  bench = openBench();
  at = (path) => join(bench.dir, path);
});
afterEach(() => bench.close());

const [HEAD = "", ROUTES = ""] = MODEL.split("routes:\n");
const [FLEETS = ""] = HEAD.split("clusters:\n");

/** The model in three files; one of them is JSON. */
function split(): void {
  bench.file("m/1-fleets.yaml", FLEETS);
  const endpoints = [{ address: "10.0.0.1", port: 80 }];
  const clusters = ["blue", "green"].map((name) => ({ name, endpoints }));
  bench.file("m/teams/a/clusters.json", JSON.stringify({ clusters }));
  bench.file("m/teams/b/shop.yml", `routes:\n${ROUTES}`);
}

describe("one model", () => {
  test("of files and folders, in every command", async () => {
    split();
    const paths = [at("m/teams/b/shop.yml"), at("m")];
    expect(await bench.run("validate", ...paths)).toMatchObject({
      code: 0,
      out: "3 files are valid: 1 route, 2 clusters, 3 fleets\n",
      err: "",
    });
    expect((await bench.run("render", at("m"), "-o", at("out"))).code).toBe(0);
    expect((await bench.run("render", ...paths, "-o", at("out2"))).code).toBe(0);
    expect(execFileSync("diff", ["-r", at("out"), at("out2")]).toString()).toBe("");
    const url = ["--fleet", "hap", "--url", "http://shop.example/cart"];
    expect((await bench.run("explain", ...paths, ...url)).out).toContain("green (100.0 %)");
    expect((await bench.run("diff", at("m"), bench.file("whole.yaml", MODEL), "--json")).json.changes).toEqual([
      expect.objectContaining({
        resource: "clusters/green",
        values: [expect.objectContaining({ before: "10.0.0.1" })],
      }),
    ]);
  });

  test("problems stand in their file, with line, column and the pointer there, in the order of the files", async () => {
    split();
    const bad = `routes:\n${ROUTES}`.replace("cluster: blue,", "cluster: bleu,");
    const last = bench.file("z.yaml", "clusters:\n  - {name: red, endpoints: [], lables: {}}\n");
    bench.file("m/teams/b/shop.yml", bad);
    const { code, err } = await bench.run("validate", at("m"), last);
    expect(code).toBe(1);
    expect(err.split("\n")).toEqual([
      `${at("m/teams/b/shop.yml")}:8:18: error MODEL-REFERENCE /routes/0/rules/1/split/0/cluster: there is no cluster named "bleu"; did you mean "blue"?`,
      expect.stringMatching(
        /z\.yaml:2:32: error SCHEMA-UNKNOWN-FIELD \/clusters\/0\/lables: unknown field "lables"; did you mean "labels"\?; known here: /,
      ),
      "",
    ]);
  });

  test("of what stands in two files both places are told", async () => {
    split();
    const twice = bench.file("twice.yaml", "clusters:\n  - name: green\n    endpoints: []\n");
    expect((await bench.run("validate", at("m"), twice)).err).toBe(
      `${twice}:2:5: error MODEL-DUPLICATE-NAME /clusters/0/name: there is another cluster named "green" (${at("m/teams/a/clusters.json")}:1:78)\n`,
    );
    const clash = bench.file(
      "clash.yaml",
      "listeners:\n  - {name: xweb, fleets: [hap], port: 8080, protocol: TCP}\nroutes:\n  - {name: z, listeners: [web], hostnames: [shop.example], rules: [{split: [{cluster: blue}]}]}\n",
    );
    const { json } = await bench.run("validate", at("m"), clash, "--json");
    const related = json.problems.map((one: PlacedProblem) => [one.code, one.file, one.related?.file]);
    expect(related).toEqual([
      ["MODEL-PORT-CLASH", clash, at("m/1-fleets.yaml")],
      ["MODEL-DUPLICATE-MATCH", clash, at("m/teams/b/shop.yml")],
    ]);
  });

  test("files that are no documents are told all at once", async () => {
    split();
    bench.file("m/0.yaml", "[1, 2]");
    bench.file("m/1.yaml", "routs: []\nclusters:\n");
    bench.file("m/2.yaml", "");
    bench.file("m/3.yaml", "a: [");
    const { json } = await bench.run("validate", at("m"), "--json");
    expect(json.problems.map(({ code, file, line }: Record<string, unknown>) => [code, file, line])).toEqual([
      ["SCHEMA-TYPE", at("m/0.yaml"), 1],
      ["SCHEMA-UNKNOWN-FIELD", at("m/1.yaml"), 1],
      ["SCHEMA-TYPE", at("m/1.yaml"), 2],
      ["DOCUMENT-EMPTY", at("m/2.yaml"), 1],
      ["DOCUMENT-SYNTAX", at("m/3.yaml"), expect.any(Number)],
    ]);
  });
});

describe("folders", () => {
  test("hidden files, hidden folders and other endings are not read; named ones are", async () => {
    split();
    bench.file("m/.hidden.yaml", "a: [");
    bench.file("m/.git/x.yaml", "a: [");
    bench.file("m/README.md", "a: [");
    bench.file("m/old.yaml~", "a: [");
    expect((await bench.run("validate", at("m"))).out).toMatch(/^3 files are valid/);
    expect((await bench.run("validate", at("m"), at("m/.hidden.yaml"))).err).toContain(".hidden.yaml:");
    expect((await bench.run("validate", bench.file("model.conf", MODEL))).code).toBe(0);
  });

  test("links to files are followed, as those of a mounted volume; a file that is met twice counts once", async () => {
    mkdirSync(at("v/..data"), { recursive: true });
    bench.file("v/..data/model.yaml", MODEL);
    symlinkSync("..data/model.yaml", at("v/model.yaml"));
    symlinkSync("model.yaml", at("v/same.yaml"));
    expect((await bench.run("validate", at("v"), at("v/model.yaml"))).out).toBe(
      `${at("v/model.yaml")} is valid: 1 route, 2 clusters, 3 fleets\n`,
    );
  });

  test.each([
    [
      "a link to a folder",
      "teams",
      /m\/link\.d is a link to a folder, which is not followed: name that folder itself\n$/,
    ],
    ["a link to itself", "link.d", null],
  ])("%s inside of one", async (_, to, text) => {
    split();
    symlinkSync(to, at("m/link.d"));
    const { err, out } = await bench.run("validate", at("m"));
    if (text === null) expect(out).toMatch(/^3 files are valid/);
    else expect(err).toMatch(text);
  });

  test("nothing in it, a broken link, a pipe: one line each", async () => {
    mkdirSync(at("empty/deep"), { recursive: true });
    expect((await bench.run("validate", at("empty"))).err).toBe(
      `trimtab: ${at("empty")} has no .yaml, .yml or .json file\n`,
    );
    mkdirSync(at("broken"));
    symlinkSync("nowhere", at("broken/a.yaml"));
    expect((await bench.run("validate", at("broken"))).err).toBe(
      `trimtab: cannot read ${at("broken/a.yaml")}: there is no such file\n`,
    );
    mkdirSync(at("pipes"));
    execFileSync("mkfifo", [at("pipes/a.yaml")]);
    expect((await bench.run("validate", at("pipes"))).err).toBe(`trimtab: ${at("pipes/a.yaml")} is no regular file\n`);
    expect((await bench.run("validate", at("none"), at("empty"))).err).toBe(
      `trimtab: cannot read ${at("none")}: there is no such file\n`,
    );
    expect((await bench.run("validate", "-", "-")).err).toBe("trimtab: standard input (-) can be read only once\n");
  });
});

test("three models are not compared with each other", async () => {
  const file = bench.file("a.yaml", MODEL);
  expect(await bench.run("diff", file, file, file)).toMatchObject({
    code: 1,
    err: expect.stringContaining("--apply compares all"),
  });
});

test("markdown of a diff is a comment that fits, whatever stands in it", async () => {
  const file = bench.file("a.yaml", MODEL);
  expect((await bench.run("diff", file, file, "--format", "markdown")).out).toBe("**Trimtab**: nothing changes.\n");
  const next = bench.file(
    "b.yaml",
    MODEL.replace("weight: 3}", "weight: 5}").replace(
      "- {name: edge, proxy: envoy}",
      '- {name: edge, proxy: envoy, description: "```` x"}',
    ),
  );
  expect(await bench.run("diff", file, next, "--format", "markdown")).toMatchObject({
    code: 2,
    out: '**Trimtab**: 2 resources will change.\n\n`````diff\n! fleets/edge\n    /description: (nothing) -> "```` x"\n! routes/shop\n    /rules/1/split/0/weight: 3 -> 5\n`````\n',
  });
  const many = Array.from(
    { length: 3000 },
    (_, index) => `  - {name: c${index}-with-a-rather-long-name, endpoints: []}\n`,
  ).join("");
  const { out } = await bench.run(
    "diff",
    file,
    bench.file("c.yaml", MODEL.replace("clusters:\n", `clusters:\n${many}`)),
    "--format",
    "markdown",
  );
  expect(out.length).toBeLessThan(65_536);
  expect(out).toMatch(/and \d+ more resources: too long for a comment\n$/);
  expect(readFileSync(file, "utf8")).toBe(MODEL);
});
