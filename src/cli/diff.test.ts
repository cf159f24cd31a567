import { afterAll, beforeAll, expect, test } from "vitest";
import { type Bench, MODEL, openBench } from "./cliHarness.ts";

let bench: Bench;
let before: string;
beforeAll(() => {
  bench = openBench();
  before = bench.file("before.yaml", MODEL);
});
afterAll(() => bench.close());

test("models that mean the same do not differ, whatever order they are written in", async () => {
  const [head, routes] = MODEL.split("routes:\n") as [string, string];
  const text = `routes:\n${routes}${head}`.replace("{name: edge, proxy: envoy}", "{proxy: envoy, name: edge}");
  expect(await bench.run("diff", before, bench.file("same.yaml", text))).toMatchObject({ code: 0, out: "", err: "" });
  expect((await bench.run("diff", before, before, "--json")).json).toEqual({ different: false, changes: [] });
});

test("created, updated with the values by pointer, deleted, from the old file to the new: exit 2", async () => {
  const text = MODEL.replace("weight: 3}", "weight: 5}")
    .replace("{name: hap, proxy: haproxy}", '{name: hap, proxy: haproxy, labels: {"team/a": x}}')
    .replace("matches: [{path: {prefix: /cart}}]", "matches: [{path: {exact: /cart}, method: GET}]")
    .replace("  - {name: web1, proxy: nginx}\n", "  - {name: web2, proxy: nginx}\n")
    .replace("web1, hap", "web2, hap");
  const file = bench.file("after.yaml", text);
  const { code, json } = await bench.run("diff", before, file, "--json");
  expect(code).toBe(2);
  expect(json).toEqual({
    different: true,
    changes: [
      {
        change: "updated",
        resource: "fleets/hap",
        values: [{ pointer: "/labels", after: { "team/a": "x" } }],
      },
      { change: "deleted", resource: "fleets/web1", values: [] },
      { change: "created", resource: "fleets/web2", values: [] },
      {
        change: "updated",
        resource: "listeners/web",
        values: [{ pointer: "/fleets/1", before: "web1", after: "web2" }],
      },
      {
        change: "updated",
        resource: "routes/shop",
        values: [
          { pointer: "/rules/0/matches/0/path/prefix", before: "/cart" },
          { pointer: "/rules/0/matches/0/path/exact", after: "/cart" },
          { pointer: "/rules/0/matches/0/method", after: "GET" },
          { pointer: "/rules/1/split/0/weight", before: 3, after: 5 },
        ],
      },
    ],
  });
  const result = await bench.run("diff", before, file);
  expect([result.code, result.err]).toEqual([2, ""]);
  expect(result.out).toContain('- fleets/web1\n+ fleets/web2\n~ listeners/web\n    /fleets/1: "web1" -> "web2"\n');
  expect(result.out).toContain('    /rules/0/matches/0/method: (nothing) -> "GET"\n');
});

test("pointers escape what stands in keys", async () => {
  const labelled = (value: string): string =>
    MODEL.replace("{name: edge, proxy: envoy}", `{name: edge, proxy: envoy, labels: {"team/a": ${value}}}`);
  const { json } = await bench.run(
    ...["diff", bench.file("l1.yaml", labelled("x")), bench.file("l2.yaml", labelled("y")), "--json"],
  );
  expect(json.changes).toEqual([
    {
      change: "updated",
      resource: "fleets/edge",
      values: [{ pointer: "/labels/team~1a", before: "x", after: "y" }],
    },
  ]);
});

test.each(["first", "second"])("a %s file with problems: they are told, exit 1", async (which) => {
  const bad = bench.file("bad.yaml", MODEL.replace("cluster: blue,", "cluster: bleu,"));
  const { code, out, err } = await bench.run("diff", ...(which === "first" ? [bad, before] : [before, bad]));
  expect([code, out]).toEqual([1, ""]);
  expect(err).toMatch(/bad\.yaml:17:18: error MODEL-REFERENCE/);
});

test("standard input is read once", async () => {
  expect(await bench.run("diff", "-", "-")).toMatchObject({ code: 1, err: expect.stringContaining("only one") });
});

test("both files' problems are told at once", async () => {
  const bad = (name: string, cluster: string): string =>
    bench.file(name, MODEL.replace("cluster: blue,", `cluster: ${cluster},`));
  const { code, err } = await bench.run("diff", bad("bad1.yaml", "bleu"), bad("bad2.yaml", "blau"));
  expect(code).toBe(1);
  expect(err).toMatch(/bad1\.yaml:17:18: .*bleu.*\n.*bad2\.yaml:17:18: .*blau/);
});

test("a file that is not there is trouble, not a difference", async () => {
  expect(await bench.run("diff", before, "nowhere.yaml")).toMatchObject({
    code: 1,
    err: expect.stringContaining("there is no such file"),
  });
});
