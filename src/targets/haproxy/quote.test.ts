/** Every landing place read back by the real HAProxy, and what each refuses. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  address,
  base64,
  comment,
  expression,
  file,
  format,
  header,
  mapComment,
  mapHexKey,
  mapKey,
  mapLine,
  mapRegexKey,
  mapSiteRegexKey,
  mapValue,
  name,
  number,
  plainBody,
  rule,
  statuses,
  text,
  time,
  word,
} from "./quote.ts";
import { ask, freePorts, startProxy } from "./testSupport/proxy.ts";

const SPECIAL = "' \" \\ % # $ { } ( ) [ ] , ; | & ` ~ ^ * ? < > = : @ ! + - . /".split(" ");
const character = fc.oneof(
  fc.constantFrom(...SPECIAL, " ", "%[src]", "${HOME}", "\\'", "''", "--", "-f", "\\ ", "%%", "%o"),
  fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCharCode(code)),
);
const printable = fc.array(character, { minLength: 1, maxLength: 12 }).map((parts) => parts.join(""));
const fieldValue = printable.map((text) => text.trim()).filter((text) => text !== "");
const batches = { numRuns: 12 };
const many = { minLength: 25, maxLength: 25 };

/** Starts HAProxy with the lines as rules of one frontend, and gives what each of the requests is answered. */
async function answers(
  rules: (port: number) => string,
  requests: readonly { target: string; value?: string; host?: string }[],
  files: readonly { path: string; text: string }[] = [],
): Promise<readonly string[]> {
  const [port = 0] = await freePorts(1);
  const head =
    "global\n  default-path config\ndefaults\n  mode http\n  timeout client 5s\n  timeout server 5s\n  timeout connect 5s\n";
  const text = `${head}frontend f\n  bind 127.0.0.1:${port}\n${rules(port)}`;
  const proxy = await startProxy([{ path: "haproxy.cfg", text }, ...files], port);
  try {
    const sent = requests.map(({ target, value, host = "a.test" }) =>
      ask(port, target, value === undefined ? {} : { host, headers: [`X-V: ${value}`] }),
    );
    return (await Promise.all(sent)).map(({ status, body }) => (status === 200 ? body : `status ${status}`));
  } finally {
    await proxy.stop();
  }
}

const returnLine = (kind: string, text: string, index: number): string =>
  `  http-request return status 200 content-type text/plain ${kind} ${text} if { path /${index} }\n`;
const targets = (values: readonly unknown[]) => values.map((_, index) => ({ target: `/${index}` }));

describe("read back by HAProxy", () => {
  it("word", async () => {
    const property = fc.asyncProperty(fc.array(printable, many), async (values) => {
      const rules = values.map((value, index) => returnLine("string", word(value).text, index)).join("");
      expect(await answers(() => rules, targets(values))).toEqual(values);
    });
    await fc.assert(property, batches);
  });
  it("word as data of an ACL", async () => {
    const property = fc.asyncProperty(fc.array(fieldValue, many), async (values) => {
      const line = (value: string, index: number): string =>
        `  acl is.${index} req.fhdr(x-v,1) -m str -- ${word(value).text}\n` +
        `  http-request return status 200 content-type text/plain string ${index} if { path /${index} } is.${index}\n`;
      const requests = values.map((value, index) => ({ target: `/${index}`, value }));
      const expected = values.map((_, index) => String(index));
      expect(await answers(() => values.map(line).join(""), requests)).toEqual(expected);
    });
    await fc.assert(property, batches);
  });
  it("format", async () => {
    const property = fc.asyncProperty(fc.array(printable, many), async (values) => {
      const rules = values.map((value, index) => returnLine("lf-string", format(value).text, index)).join("");
      expect(await answers(() => rules, targets(values))).toEqual(values);
    });
    await fc.assert(property, batches);
  });
  it("text between expressions, behind a comment", async () => {
    const property = fc.asyncProperty(fc.array(printable, many), async (values) => {
      const line = (value: string, index: number): string =>
        `  # ${comment(value).text}\n${returnLine("lf-string", `'${text(value).text}%[path]'`, index)}`;
      const expected = values.map((value, index) => `${value}/${index}`);
      expect(await answers(() => values.map(line).join(""), targets(values))).toEqual(expected);
    });
    await fc.assert(property, batches);
  });
  it("plain bodies", async () => {
    const bodies = ["pong\n", "Not here.", "a (b), c/d: e; f? g! 1_2-3", "x".repeat(200)];
    const lines = bodies.map((body, index) => returnLine("string", `"${plainBody(body)?.text}"`, index));
    expect(await answers(() => lines.join(""), targets(bodies))).toEqual(bodies);
    for (const body of ["a\n\nb", "\n\n", 'a"b', "50%", "a'b", "$HOME", "a\\b", "ä", "", "x".repeat(201)]) {
      expect(plainBody(body)).toBeNull();
    }
  });
  it("map values and literal keys", async () => {
    const key = printable.map((text) => `k${text.replaceAll(" ", "_")}`);
    const property = fc.asyncProperty(fc.uniqueArray(key, many), fc.array(fieldValue, many), async (keys, values) => {
      const text = keys.map((each, index) => mapLine(mapKey(each), mapValue(values[index] as string))).join("");
      const rule =
        "  http-request return status 200 content-type text/plain lf-string %[req.fhdr(x-v,1),map_str(a.map)]\n";
      const requests = keys.map((value) => ({ target: "/", value }));
      expect(await answers(() => rule, requests, [{ path: "a.map", text }])).toEqual(values);
    });
    await fc.assert(property, batches);
  });
  it("hex keys", async () => {
    const property = fc.asyncProperty(fc.uniqueArray(fieldValue, many), async (values) => {
      const text = values.map((value, index) => mapLine(mapHexKey("@s", value), mapValue(String(index)))).join("");
      const rules =
        "  http-request set-var(txn.x) req.fhdr(x-v,1),hex\n  http-request set-var(txn.g) str(@s)\n" +
        "  http-request return status 200 content-type text/plain lf-string '%[var(txn.g),concat(|,txn.x),map_str(a.map)]'\n";
      const requests = values.map((value) => ({ target: "/", value }));
      const expected = values.map((_, index) => String(index));
      expect(await answers(() => rules, requests, [{ path: "a.map", text }])).toEqual(expected);
    });
    await fc.assert(property, batches);
  });
  it("regex keys of sites, behind comments", async () => {
    const property = fc.asyncProperty(fc.uniqueArray(fieldValue, many), async (values) => {
      const escaped = (value: string): string => value.replace(/[\\^$.*+?()[\]{}|/ #-]/g, "\\$&");
      const line = (value: string, index: number): string => {
        const key = mapSiteRegexKey("*.a.test", escaped(value));
        return mapComment(value) + mapLine(key, mapValue(String(index)));
      };
      const file = { path: "a.map", text: values.map(line).join("") };
      const looked = "  http-request set-var(txn.v) req.fhdr(x-v,1)\n  http-request set-var(txn.s) req.fhdr(host,1)\n";
      const found = "%[var(txn.s),concat(,txn.v),map_reg(a.map)]";
      const answer = `${looked}  http-request return status 200 content-type text/plain lf-string '${found}'\n`;
      const asked = async (host: string) =>
        await answers(
          () => answer,
          values.map((value) => ({ target: "/", value, host })),
          [file],
        );
      expect(await asked("*.a.test")).toEqual(values.map((_, index) => String(index)));
      expect(await asked("xxa.test")).toEqual(values.map(() => ""));
    });
    await fc.assert(property, batches);
  });
  it("regex keys", async () => {
    const property = fc.asyncProperty(fc.uniqueArray(fieldValue, many), async (values) => {
      const escaped = (value: string): string => value.replace(/[\\^$.*+?()[\]{}|/ #-]/g, "\\$&");
      const text = values.map((value, index) => mapLine(mapRegexKey(escaped(value)), mapValue(String(index)))).join("");
      const rule =
        "  http-request return status 200 content-type text/plain lf-string %[req.fhdr(x-v,1),map_reg(a.map)]\n";
      const requests = values.map((value) => ({ target: "/", value }));
      const expected = values.map((_, index) => String(index));
      expect(await answers(() => rule, requests, [{ path: "a.map", text }])).toEqual(expected);
    });
    await fc.assert(property, batches);
  });
});

describe("mapRegexKey", () => {
  it.each([
    ["a b", "^(?:a\\x20b)$"],
    ["a\\ b", "^(?:a\\x20b)$"],
    ["a\\\\ b", "^(?:a\\\\\\x20b)$"],
    ["[ ]|\\d ", "^(?:[\\x20]|\\d\\x20)$"],
  ])("writes %j as %j", (regex, expected) => expect(mapRegexKey(regex)).toBe(expected));
});

describe("refusals", () => {
  it.each<[string, () => unknown]>([
    ["a name with a blank", () => name("a b")],
    ["an empty name", () => name("")],
    ["a negative number", () => number(-1)],
    ["a fraction", () => number(0.5)],
    ["no time", () => time(0)],
    ["a time beyond 31 bits", () => time(2 ** 31)],
    ["a word with a newline", () => word("a\nb")],
    ["a word beyond ASCII", () => word("ä")],
    ["a format with NUL", () => format("\0")],
    ["an address with a blank", () => address("127.0.0.1 x", 80)],
    ["a header name with a colon", () => header("a:b")],
    ["an upper-case header name", () => header("A")],
    ["a rule with a blank", () => rule("a/b c")],
    ["a rule that begins like a flag", () => rule("-a/b")],
    ["a text with a newline", () => text("a\nb")],
    ["a comment with a newline", () => comment("a\nb")],
    ["a map's comment with a newline", () => mapComment("a\nb c")],
    ["an expression of a bad header", () => expression`req.fhdr(${header("a) -m found")})`],
    ["a file outside", () => file("../x")],
    ["an absolute file", () => file("/x")],
    ["a file with a comma", () => file("a,b")],
    ["a status of four digits", () => statuses([{ low: 200, high: 2999 }])],
    ["no status", () => statuses([])],
    ["base64 with a blank", () => base64("Cg== backup")],
    ["base64 of nothing", () => base64("")],
    ["a key with a blank", () => mapKey("a b")],
    ["a key like a comment", () => mapKey("#a")],
    ["an empty key", () => mapKey("")],
    ["a value with a newline", () => mapValue("a\nb c")],
    ["a value that begins with a blank", () => mapValue(" a")],
    ["a value that ends with a blank", () => mapValue("a ")],
    ["an empty value", () => mapValue("")],
    ["a line longer than HAProxy's buffer", () => mapLine(mapKey("a"), mapValue("x".repeat(16_000)))],
  ])("refuses %s", (_, make) => expect(make).toThrow(/^not an HAProxy /));
});

describe("formats", () => {
  it("cuts a comment that nobody would read", () => {
    expect(comment("x".repeat(401)).text).toBe(`${"x".repeat(400)} ...`);
  });
  it("writes addresses of both families", () => {
    expect([address("127.0.0.1", 80).text, address("::1", 80).text]).toEqual(["127.0.0.1:80", "[::1]:80"]);
  });
  it("writes status ranges", () => {
    expect(
      statuses([
        { low: 200, high: 299 },
        { low: 404, high: 404 },
      ]).text,
    ).toBe("200-299,404");
  });
});
