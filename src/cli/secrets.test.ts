/** Secrets of files: read, sealed in memory, written for their owner alone, and never printed. */
import { statSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { leakIn, leaksBelow } from "../secrets/testing.ts";
import { createAuthority } from "../xds/testingCertificates.ts";
import { type Bench, openBench, type Ran } from "./cliHarness.ts";

const authority = createAuthority("tests");
const { cert, key } = authority.issue({ dns: ["shop.example.com"], to: 90 });

let bench: Bench;
/** All that was printed. */
const printed: Ran[] = [];

const run = async (...argv: string[]): Promise<Ran> => {
  const ran = await bench.run(...argv);
  printed.push(ran);
  return ran;
};

beforeAll(() => {
  bench = openBench();
  bench.file("tls/shop.pem", cert);
  bench.file("tls/shop.key", key, 0o600);
});
afterAll(() => {
  const leaks = printed.filter(({ out, err }) => leakIn(out + err, key) !== null);
  bench.close();
  expect(leaks).toEqual([]);
});

const MODEL = `certificates:
- name: shop
  chain: file:tls/shop.pem
  privateKey: file:tls/shop.key
`;
const block = (text: string): string => `|\n${text.replaceAll(/^(?=.)/gm, "      ")}`;
const INLINE = `certificates:
- name: shop
  chain: ${block(cert)}
  privateKey: ${block(key)}
`;

test("files that a document names are read from its folder; the same text in the document is the same", async () => {
  const [named, inline] = [bench.file("m.yaml", MODEL), bench.file("inline.yaml", INLINE)];
  expect(await run("validate", named)).toMatchObject({ code: 0, err: "" });
  expect(await run("diff", named, inline)).toMatchObject({ code: 0, out: "" });
});

test("another key is two references", async () => {
  const other = authority.issue({ dns: ["shop.example.com"], to: 90 });
  bench.file("tls/other.pem", other.cert);
  bench.file("tls/other.key", other.key);
  const next = bench.file("next.yaml", MODEL.replaceAll("shop.", "other."));
  const { code, json } = await run("diff", bench.file("m.yaml", MODEL), next, "--format", "json");
  const reference = expect.stringMatching(/^sealed:privateKey:[\w-]{22}:[\w-]{43}$/);
  expect([code, json.changes[0].values.find(({ pointer }: { pointer: string }) => pointer === "/privateKey")]).toEqual([
    2,
    { pointer: "/privateKey", before: reference, after: reference },
  ]);
});

test.each([
  [
    "a file that is not there",
    MODEL.replace("shop.key", "none.key"),
    "DOCUMENT-TEXT-FILE",
    /cannot read \S+none.key: there is no such file/,
  ],
  ["the other file", MODEL.replace("shop.key", "shop.pem"), "SECRET-INVALID", /holds a certificate/],
  ["a folder", MODEL.replace("tls/shop.key", "tls"), "DOCUMENT-TEXT-FILE", /it is a folder/],
  ["a broken key", INLINE.replace("-----END PRIVATE KEY", "-----END"), "SECRET-INVALID", /not complete/],
])("%s is told at its place", async (...[, text, code, message]) => {
  for (const format of ["json", "text", "github", "sarif"])
    await run("validate", bench.file("m.yaml", text), "--format", format);
  const { json } = await run("validate", bench.file("m.yaml", text), "--json");
  const place = { code, message: expect.stringMatching(message), column: 3 };
  expect(json.problems).toEqual([expect.objectContaining(place)]);
  expect(json.problems[0].line).toBe(text.split("\n").findIndex((line) => line.startsWith("  privateKey:")) + 1);
});

describe("what is no YAML, or no model, with a key in it", () => {
  const line = key.split("\n")[1] as string;
  test.each([
    ["unindented", INLINE.replace(/^ {6}/gm, "")],
    ["a flow", `certificates: [{privateKey: ${key}`],
    ["an alias", `privateKey: *${line}`],
    ["a tag", `privateKey: !${line} x`],
    ["a quote", `privateKey: "${key}`],
    ["a key", `${line}: 1\n${line}: 2\n`],
    ["a field", `certificates:\n- {name: ${JSON.stringify(key)}, ${JSON.stringify(key)}: 1}\n`],
    ["a reference", `routes:\n- {name: r, listeners: [${JSON.stringify(key)}], rules: [{respond: {status: 200}}]}\n`],
    ["two keys", `certificates:\n- {name: ${JSON.stringify(key)}}\n- {name: ${JSON.stringify(key)}}\n`],
  ])("%s", async (_, text) => {
    const file = bench.file("broken.yaml", text);
    for (const format of ["json", "text", "github", "sarif"])
      expect((await run("validate", file, "--format", format)).code).toBe(1);
  });
});

test("no file but those that were given holds the key", () => {
  const own = ["tls/shop.key", "inline.yaml", "m.yaml", "broken.yaml", "next.yaml"].map((name) =>
    join(bench.dir, name),
  );
  expect(leaksBelow(bench.dir, key).filter((path) => !own.includes(path))).toEqual([]);
  expect(statSync(join(bench.dir, "tls/shop.key")).mode & 0o777).toBe(0o600);
});
