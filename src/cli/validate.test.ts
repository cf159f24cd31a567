import { mkdirSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Bench, MODEL, openBench } from "./cliHarness.ts";

let bench: Bench;
beforeAll(() => {
  bench = openBench();
});
afterAll(() => bench.close());

/** Problems of a document as `line:column code pointer`. */
async function problemsOf(text: string): Promise<string[]> {
  const { json } = await bench.run("validate", bench.file("p.yaml", text), "--json");
  return json.problems.map(
    ({ line, column, code, pointer }: Record<string, unknown>) => `${line}:${column} ${code} ${pointer}`,
  );
}

describe("validate", () => {
  test("a valid model: one line, exit 0", async () => {
    const file = bench.file("good.yaml", MODEL);
    expect(await bench.run("validate", file)).toEqual({
      code: 0,
      out: `${file} is valid: 1 route, 2 clusters, 3 fleets\n`,
      err: "",
      json: undefined,
    });
    expect((await bench.run("validate", file, "--json")).json).toEqual({ ok: true, problems: [] });
  });

  test("a problem of shape hides no dangling reference", async () => {
    const text = `listeners:
  - {name: web, fleets: [zz], port: 8080, protocol: HTTP, q: 1}
routes:
  - {name: a, listeners: [web], rules: [{split: [{cluster: nope}]}]}
`;
    expect(await problemsOf(text)).toEqual([
      "2:26 MODEL-REFERENCE /listeners/0/fleets/0",
      "2:59 SCHEMA-UNKNOWN-FIELD /listeners/0/q",
      "4:51 MODEL-REFERENCE /routes/0/rules/0/split/0/cluster",
    ]);
  });

  test("every problem of shape stands with its place, all at once", async () => {
    const text = `fleets:
  - {name: edge, proxy: apache}
listeners:
  - name: web
    fleets: [edge]
    port: "80"
    protocol: HTTP
    colour: red
routes:
  - listeners: [web]
    rules: [{split: [{cluster: blue}]}]
`;
    const file = bench.file("bad.yaml", text);
    const { code, out, err } = await bench.run("validate", file);
    expect([code, out]).toEqual([1, ""]);
    expect(err.split("\n")).toEqual([
      expect.stringMatching(`^${file}:2:18: error SCHEMA-NOT-ALLOWED /fleets/0/proxy: `),
      expect.stringMatching(`^${file}:6:5: error SCHEMA-TYPE /listeners/0/port: must be integer, but is string$`),
      expect.stringMatching(`^${file}:8:5: error SCHEMA-UNKNOWN-FIELD /listeners/0/colour: `),
      expect.stringMatching(`^${file}:10:5: error SCHEMA-MISSING-FIELD /routes/0/name: `),
      expect.stringMatching(`^${file}:11:23: error MODEL-REFERENCE /routes/0/rules/0/split/0/cluster: `),
      "",
    ]);
  });

  test("cross-resource rules and refusals by a proxy point into the document", async () => {
    expect(await problemsOf(MODEL.replace("{cluster: blue,", "{cluster: bleu,"))).toEqual([
      "17:18 MODEL-REFERENCE /routes/0/rules/1/split/0/cluster",
    ]);
    const refused = `${MODEL.replace("name: green,", "name: green, healthCheck: up,")}healthChecks: [{name: up, type: tcp}]\n`;
    const { code, json } = await bench.run("validate", bench.file("refused.yaml", refused), "--json");
    expect([code, json.ok]).toEqual([1, false]);
    expect(json.problems.filter(({ severity }: { severity: string }) => severity === "error")).toEqual([
      expect.objectContaining({ code: "HC-ACTIVE-NGINX", fleet: "web1", proxy: "nginx", line: 9, column: 19 }),
    ]);
  });

  test("warnings are told and do not fail", async () => {
    const text = MODEL.replace("hostnames: [shop.example]", "hostnames: [shop.example, other.example]").replace(
      "port: 8080, protocol: HTTP",
      'port: 8080, protocol: HTTP, hostname: "*.example"',
    );
    const approximated = text.replace(
      "- split: [{cluster: blue",
      "- timeouts: {request: 5s}\n        split: [{cluster: blue",
    );
    const { code, out, err } = await bench.run("validate", bench.file("warn.yaml", approximated));
    expect(code).toBe(0);
    expect(out).toContain("is valid");
    expect(err).toMatch(/warn\.yaml:17:20: warning L7-TIMEOUT-TOTAL \/routes\/0\/rules\/1\/timeouts\/request: fleet "/);
    expect(err).not.toContain("error");
  });

  test("a list of names in another order of kinds is placed right", async () => {
    const [head, tail] = MODEL.split("routes:\n") as [string, string];
    const text = `routes:\n${tail}${head}`.replace(
      "name: green, endpoints: [{",
      "name: green, endpoints: [{weight: 1, ",
    );
    expect(await problemsOf(text.replace("cluster: green}]", "cluster: gone}]"))).toEqual([
      "7:18 MODEL-REFERENCE /routes/0/rules/0/split/0/cluster",
    ]);
  });
});

describe("files that are no document", () => {
  test.each([
    ["a: [1,\nb: 2\n", "DOCUMENT-SYNTAX"],
    ["fleets: []\nfleets: []\n", "2:1 DOCUMENT-SYNTAX"],
    ["fleets:\n  - name: a\n    name: b\n", "3:5 DOCUMENT-SYNTAX"],
    ["fleets: []\n---\nfleets: []\n", "DOCUMENT-SYNTAX"],
    ["fleets: *nothing\n", "DOCUMENT-SYNTAX"],
    ["\tfleets: []\n", "1:1 DOCUMENT-SYNTAX"],
    ['{"fleets": [}', "1:13 DOCUMENT-SYNTAX"],
    ["", "1:1 DOCUMENT-EMPTY"],
    ["# only a comment\n", "1:1 DOCUMENT-EMPTY"],
    ["null", "1:1 DOCUMENT-EMPTY"],
    [`${"[".repeat(20_000)}`, "DOCUMENT-SYNTAX"],
  ])("%j", async (text, expected) => {
    const found = await problemsOf(text);
    expect(found[0]).toContain(expected);
    expect(found[0]).toMatch(/^\d+:\d+ DOCUMENT-/);
  });

  test.each([
    [
      "fleets: []\n---\nfleets: []\n",
      ":2:1: error DOCUMENT-SYNTAX /: a second document begins here; a model is one document",
    ],
    [
      'fleets: []\nclusters: [{name: a, "name": b}]\n',
      ':2:22: error DOCUMENT-SYNTAX /: the key "name" is here again; it stands in line 2 already',
    ],
    ["fleets: *nothing\n", ":1:9: error DOCUMENT-SYNTAX /: the alias *nothing names no anchor before it"],
    ["clusters: &a\n  - *a\n", ":2:5: error DOCUMENT-SYNTAX /: the alias *a stands inside of what it names"],
    [`clusters: ${"[".repeat(20_000)}`, "error DOCUMENT-SYNTAX /: lists or maps are nested too deeply"],
    [`${"- ".repeat(20_000)}x`, "error DOCUMENT-SYNTAX /: lists or maps are nested too deeply"],
    [`${"{a: ".repeat(20_000)}`, "error DOCUMENT-SYNTAX /: lists or maps are nested too deeply"],
  ])("says of %j what is wrong with it, once", async (text, expected) => {
    const { code, err } = await bench.run("validate", bench.file("p.yaml", text));
    expect(code).toBe(1);
    expect(err).toMatch(/^\S+p\.yaml:[^\n]+\n$/);
    expect(err).toContain(expected);
  });

  test("the other one of two that do not go together is found in a document with other faults too", async () => {
    const rules = "rules:\n      - split: [{cluster: blue}]\n      - split: [{cluster: blue}]\n";
    const text = `${MODEL.slice(0, MODEL.indexOf("rules:"))}${rules}healthChecks: [{name: a}]\n`;
    const { err } = await bench.run("validate", bench.file("p.yaml", text));
    expect(err).toMatch(
      /p\.yaml:16:9: error MODEL-DUPLICATE-MATCH .* is matched already by \/rules\/0 \(\S+p\.yaml:15:9\)\n/,
    );
    expect(err).toMatch(/p\.yaml:17:16: error SCHEMA-MISSING-FIELD/);
  });

  test("whatever a file or a key is called, a problem is one line", async () => {
    const file = bench.file("two\n::set-env::\u001b[2J.yaml", '"a\\nb": 1\n');
    const { code, err } = await bench.run("validate", file);
    expect([code, err.match(/\p{Cc}/gu)]).toEqual([1, ["\n"]]);
    expect(err).toContain("two\\u000a::set-env::\\u001b[2J.yaml:1:1: error SCHEMA-UNKNOWN-FIELD /a\\u000ab: ");
    expect((await bench.run("validate", bench.file("t\nwo.yaml", "{}"))).out.match(/\n/g)).toHaveLength(1);
    expect((await bench.run("validate", "no\n::error::where.yaml")).err.match(/\n/g)).toHaveLength(1);
  });

  test("byte order mark, CRLF and keys that are no text do not mislead", async () => {
    expect(await problemsOf("\uFEFFfleets:\r\n  - {name: a, prox: nginx}\r\n")).toEqual([
      expect.stringContaining("2:5 SCHEMA-MISSING-FIELD /fleets/0/proxy"),
      expect.stringContaining("2:15 SCHEMA-UNKNOWN-FIELD /fleets/0/prox"),
    ]);
    const { err } = await bench.run("validate", bench.file("key.yaml", "? [a, b]\n: 1\n"));
    expect(err).toMatch(/^\S+key\.yaml:1:1: error SCHEMA-UNKNOWN-FIELD .*\n$/);
  });

  test("text that is not UTF-8 is not guessed at", async () => {
    const file = bench.file("latin.yaml", "");
    writeFileSync(file, Buffer.from("clusters:\n  - {name: caf\xe9, endpoints: []}\n", "latin1"));
    expect(await bench.run("validate", file)).toMatchObject({
      code: 1,
      err: `trimtab: ${file}:2:15: this is not UTF-8 text\n`,
    });
    expect((await bench.run("validate", file, "--json")).json).toEqual({
      ok: false,
      error: `${file}:2:15: this is not UTF-8 text`,
    });
  });

  test("a small document that aliases blow up is refused", async () => {
    const lines = ["x0: &x0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"];
    for (let level = 1; level < 8; level++)
      lines.push(
        `x${level}: &x${level} [${Array(10)
          .fill(`*x${level - 1}`)
          .join(", ")}]`,
      );
    expect((await problemsOf(lines.join("\n")))[0]).toContain("DOCUMENT-SYNTAX");
  });

  test("{} is an empty configuration; a scalar is not one", async () => {
    expect(await problemsOf("{}")).toEqual([]);
    expect(await problemsOf("text")).toEqual(["1:1 SCHEMA-TYPE "]);
  });

  test("a file that cannot be read, a folder, an endless file: one line", async () => {
    const missing = await bench.run("validate", `${bench.dir}/missing.yaml`);
    expect(missing).toMatchObject({
      code: 1,
      out: "",
      err: `trimtab: cannot read ${bench.dir}/missing.yaml: there is no such file\n`,
    });
    mkdirSync(`${bench.dir}/hollow`);
    expect((await bench.run("validate", `${bench.dir}/hollow`)).err).toBe(
      `trimtab: ${bench.dir}/hollow has no .yaml, .yml or .json file\n`,
    );
    expect((await bench.run("validate", "/dev/zero")).err).toMatch(/^trimtab: \/dev\/zero is larger than \d+ bytes\n$/);
    expect((await bench.run("validate", "--json", `${bench.dir}/missing.yaml`)).json).toEqual({
      ok: false,
      error: `cannot read ${bench.dir}/missing.yaml: there is no such file`,
    });
  });
});
