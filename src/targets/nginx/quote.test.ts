import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { lintTemplate, readTemplates, templateFolder } from "../../util/templates.ts";
import * as quote from "./quote.ts";
import { exchange, freePorts, type RunningNginx, request, startNginx } from "./testNginx.ts";

const FUZZED = 400;
/** Every character that the model lets through somewhere: no control characters but TAB, LF, CR. */
const text = fc
  .string({
    unit: fc.oneof(
      { weight: 3, arbitrary: fc.constantFrom(..."\"\\$;{}#'`~ \t\n\r=*") },
      fc.string({ unit: "grapheme", minLength: 1, maxLength: 1 }),
    ),
    minLength: 1,
    maxLength: 60,
  })
  .filter((value) => !/[\p{Cc}\p{Cs}]/u.test(value.replace(/[\t\n\r]/g, "")));
const printable = fc.string({
  unit: fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCharCode(code)),
  minLength: 1,
  maxLength: 60,
});

const nasty = [
  "default",
  "volatile",
  "include",
  "hostnames",
  "~x",
  "\\x",
  "\\~",
  "$" + "{dollar}",
  "$1",
  "a;b",
  "}",
  "{",
  "\\",
  "\\\\",
  '"',
  '\\"',
  "#x",
  "\\\\\\\\",
  "a\\nb",
  "x\\",
];
const values = [...nasty, ...fc.sample(text, { numRuns: FUZZED, seed: 1 })];
const keys = [
  ...new Set([...nasty, ...fc.sample(printable, { numRuns: FUZZED, seed: 2 })].map((key) => key.trim())),
].filter((key) => key !== "");
const lowered = new Map(keys.map((key, index) => [key.toLowerCase(), index]));

let nginx: RunningNginx;
let port = 0;
beforeAll(async () => {
  [port = 0] = await freePorts(1);
  const map = (head: string, entries: readonly quote.MapEntry[], fallback: string) =>
    `map ${head} { ${quote.mapEntries(entries).text} default ${fallback}; }`;
  const valueEntries = values.map((value, index) => quote.mapEntry(quote.mapKey(String(index)), quote.param(value)));
  const keyEntries = [...lowered].map(([key, index]) => quote.mapEntry(quote.mapKey(key), quote.param(String(index))));
  const exactKey = (key: string) => quote.mapRegexKey(`^\\|${quote.literalPattern(key)}$`);
  const exactEntries = keys.map((key, index) => quote.mapEntry(exactKey(key), quote.param(String(index))));
  const typeLocations = values.map((value, index) => {
    const type = quote.literal(`t/${value.replace(/[\r\n\t]/g, "")}`).text;
    return `location = /type/${index} { default_type ${type}; return 200 x; }`;
  });
  const nameLocations = values.map((value, index) => {
    const name = quote.location("exact", `/name/${index}${value.replace(/[\s#?%/]/gu, "")}`).text;
    return `location ${name} { return 200 ${index}; }`;
  });
  const nginxText = `
    events { }
    http {
      access_log off; types { } default_type text/plain; geo $dollar { default "$"; }
      client_body_temp_path a; proxy_temp_path b; fastcgi_temp_path c; uwsgi_temp_path d; scgi_temp_path e;
      map_hash_max_size 65536; map_hash_bucket_size 512; large_client_header_buffers 8 64k;
      ${map("$arg_n $value", valueEntries, `""`)}
      ${map("$http_x_key $key", keyEntries, "none")}
      ${map('"|$http_x_key" $exact', exactEntries, "none")}
      server {
        listen 127.0.0.1:${port};
        location /value { return 200 ${quote.param("<", quote.variable("value"), ">").text}; }
        location /key { return 200 ${quote.param(quote.variable("key"), " ", quote.variable("exact")).text}; }
        ${typeLocations.join("\n")}
        ${nameLocations.join("\n")}
      }
    }`;
  nginx = await startNginx(nginxText, port);
});
afterAll(() => nginx.stop());

const ask = async (path: string, headers: readonly string[] = []) =>
  exchange(port, request(`GET ${path}`, "a", headers));

describe("text read back from nginx", () => {
  it("parameters that evaluate variables", async () => {
    for (const [index, value] of values.entries()) expect((await ask(`/value?n=${index}`)).body).toBe(`<${value}>`);
  });
  it("parameters that do not", async () => {
    for (const [index, value] of values.entries()) {
      const type = (await ask(`/type/${index}`)).header("content-type") ?? "";
      expect(Buffer.from(type, "latin1").toString()).toBe(
        `t/${value.replace(/[\r\n\t]/g, "")}`.replace(/^ +| +$/g, ""),
      );
    }
  });
  it("location names", async () => {
    for (const [index, value] of values.entries()) {
      const path = `/name/${index}${encodeURIComponent(value.replace(/[\s#?%/]/gu, ""))}`;
      expect((await ask(path)).body).toBe(String(index));
    }
  });
  it("map keys, as strings without case and as patterns with case", async () => {
    for (const [index, key] of keys.entries()) {
      expect((await ask("/key", [`X-Key: ${key}`])).body).toBe(`${lowered.get(key.toLowerCase())} ${index}`);
    }
  });
});

describe("chunks", () => {
  it("loses nothing and stays below nginx's limit", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom("$", "\\", '"', "a", "é", "😀"), maxLength: 4096, minLength: 500 }),
        (value) => {
          const pieces = quote.chunks(value);
          expect(pieces.join("")).toBe(value);
          for (const piece of pieces) quote.param(piece);
        },
      ),
      { numRuns: 50 },
    );
    expect(quote.chunks("")).toEqual([""]);
    expect(quote.chunks("$".repeat(4096)).length).toBeLessThan(12);
  });
  it("any header value fits one pattern", () => {
    for (const value of [
      "\\".repeat(1024),
      "\\$".repeat(512),
      "\\\\.".repeat(341),
      '"'.repeat(1024),
      "$".repeat(1024),
    ]) {
      quote.mapRegexKey(`^${"k".repeat(200)}\\|${quote.literalPattern(value)}$`);
    }
  });
});

describe("refusals", () => {
  it.each(["", "a b", "a;b", "a{", '"', "$x", "a\n", "#", "é"])("no bare word %j", (value) => {
    expect(() => quote.word(value)).toThrow();
  });
  it.each(["", "A", "a-b", "a b", "1", "$a"])("no variable %j", (value) => {
    expect(() => quote.variable(value)).toThrow();
  });
  it("no NUL and no parameter that nginx would refuse", () => {
    expect(() => quote.param("\0")).toThrow(/NUL/);
    expect(() => quote.literal("a".repeat(4095))).toThrow(/4096/);
    expect(() => quote.literal("a".repeat(4000))).not.toThrow();
  });
});

describe("templates", () => {
  const templates = ["nginx", "nginx/policies"].flatMap((folder) => readTemplates(templateFolder(folder)));
  it("are all here", () => expect(templates.length).toBeGreaterThan(10));
  it.each(templates)("%s lets nothing past the helpers", (_, source) => {
    expect(lintTemplate(source, quote.places)).toEqual([]);
  });
});
