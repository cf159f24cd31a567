/** Geo tables from files: what `validate`, `render` and `explain` make of `entriesFrom`. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Bench, openBench } from "./cliHarness.ts";

let bench: Bench;
beforeAll(() => {
  bench = openBench();
});
afterAll(() => bench.close());

const MODEL = `fleets:
  - {name: edge, proxy: nginx}
listeners:
  - {name: web, fleets: [edge], port: 8080, protocol: HTTP}
geoTables:
  - name: regions
    entriesFrom: data/regions.csv
routes:
  - name: r
    listeners: [web]
    rules:
      - {name: north, matches: [{geo: {table: regions, labels: [north]}}], respond: {status: 200}}
      - {name: rest, respond: {status: 404}}
`;

/** Problems as `file:line:column code pointer`. */
async function problemsOf(model: string): Promise<string[]> {
  const { json } = await bench.run("validate", bench.file("m.yaml", model), "--json");
  return json.problems.map(
    ({ file, line, column, code, pointer }: Record<string, unknown>) =>
      `${String(file).slice(bench.dir.length + 1)}:${line}:${column} ${code} ${pointer}`,
  );
}

test("lines become entries: a header, comments, blanks and line ends of other systems do not count", async () => {
  bench.file("data/regions.csv", "cidr,label\r\n# ours\r\n\r\n10.0.0.0/8, north\r\n 2001:db8::/32 ,south\r\n");
  const file = bench.file("m.yaml", MODEL);
  expect((await bench.run("validate", file)).code).toBe(0);
  const asked = ["explain", file, "--fleet", "edge", "--url", "http://a.example/", "--json", "--source"];
  const winners = await Promise.all(
    ["10.1.2.3", "11.0.0.0"].map(async (source) => {
      const { json } = await bench.run(...asked, source);
      return json.rules.find(({ verdict }: { verdict: string }) => verdict === "wins").rule;
    }),
  );
  expect(winners).toEqual(["north", "rest"]);
});

test("every problem stands at its line", async () => {
  bench.file("data/regions.csv", "10.0.0.0/8,north\n10.0.0.0/33,north\n10.0.0.9/8,so uth\n");
  expect(await problemsOf(MODEL)).toEqual([
    "data/regions.csv:2:1 SCHEMA-FORMAT /geoTables/0/entries/1/cidr",
    "data/regions.csv:3:1 SCHEMA-FORMAT /geoTables/0/entries/2/label",
  ]);
  bench.file("data/regions.csv", "10.0.0.0/8,north\n\n10.0.0.9/8,south\n");
  expect(await problemsOf(MODEL)).toEqual(["data/regions.csv:3:1 MODEL-GEO /geoTables/0/entries/1/cidr"]);
  bench.file("data/regions.csv", "10.0.0.0/8 north\n10.0.0.0/8,north,x\n,\n");
  expect(await problemsOf(MODEL)).toEqual([1, 2, 3].map((line) => `data/regions.csv:${line}:1 DOCUMENT-GEO-FILE `));
});

test("a file without a line, one that is not there, and both ways at once", async () => {
  bench.file("data/regions.csv", "# nothing yet\n");
  expect(await problemsOf(MODEL)).toEqual(["m.yaml:7:5 SCHEMA-LIMIT /geoTables/0/entriesFrom"]);
  expect(await problemsOf(MODEL.replace("regions.csv", "none.csv"))).toEqual([
    "m.yaml:7:5 DOCUMENT-GEO-FILE /geoTables/0/entriesFrom",
  ]);
  const both = MODEL.replace("entriesFrom:", "entries: [{cidr: 10.0.0.0/8, label: north}]\n    entriesFrom:");
  expect(await problemsOf(both)).toEqual(["m.yaml:8:5 SCHEMA-UNKNOWN-FIELD /geoTables/0/entriesFrom"]);
});
