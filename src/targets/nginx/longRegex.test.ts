/** Real nginx: regular expressions on the longest paths and fields, and what `linearRegex` writes against what it stands for. */
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { RespondIr } from "../../ir/index.ts";
import { fullMatch, linearRegex } from "../../regex/linear.ts";
import { longRegexes, randomRegex, refusedRegexes, regexText } from "../../regex/testRegexes.ts";
import { finish } from "../../util/steps.ts";
import { nginxTarget } from "./index.ts";
import * as quote from "./quote.ts";
import { fleet, header, httpPort, method, rule, virtualHost } from "./testIr.ts";
import { exchange, freePorts, type RunningNginx, request, startNginx } from "./testNginx.ts";

const RANDOM = 1500;
/** Texts that each random expression is asked about. */
const TEXTS = fc.sample(regexText, { numRuns: 40, seed: 3 });
const random = [...new Set(fc.sample(randomRegex, { numRuns: RANDOM, seed: 2 }))].filter(
  (regex) => linearRegex(regex).problem === null,
);

const answer = (body: string): RespondIr => ({ kind: "respond", status: 200, body, contentType: "text/plain" });
const regexes = longRegexes.map(({ regex }) => regex);
let port = 0;
let mapPort = 0;
let running: RunningNginx[] = [];

beforeAll(async () => {
  [port = 0, mapPort = 0] = await freePorts(2);
  const hosts = regexes.flatMap((regex, index) => [
    virtualHost(`p${index}.test`, [
      rule(`p${index}.0`, `~${regex}`, { action: answer("yes") }),
      rule(`p${index}.1`, "/", { action: answer("no") }),
    ]),
    // With a condition the expression is no location, but the key of a map.
    virtualHost(`m${index}.test`, [
      rule(`m${index}.0`, `~${regex}`, { action: answer("yes"), conditions: [method("GET")] }),
      rule(`m${index}.1`, "/", { action: answer("no") }),
    ]),
    virtualHost(`h${index}.test`, [
      rule(`h${index}.0`, "/", { action: answer("yes"), conditions: [header("x-long", "regex", regex)] }),
      rule(`h${index}.1`, "/", { action: answer("no") }),
    ]),
  ]);
  hosts.push(virtualHost("*", [rule("any.0", "/", { action: answer("any") })]));
  const rendered = finish(nginxTarget.createRenderer().render(fleet([httpPort("127.0.0.1", port, hosts)], [])));
  if (rendered.kind !== "files") throw new Error("not files");
  const maps = random.map(
    (regex, index) =>
      `map $http_x $m${index} { ${quote.mapEntry(quote.mapRegexKey(fullMatch(regex)), quote.param("1"))} default 0; }`,
  );
  const all = random.map((_, index) => `\${m${index}}`).join("");
  const mapText = `pcre_jit on; events { } http { access_log off; variables_hash_max_size 65536;
    client_body_temp_path a; proxy_temp_path b; fastcgi_temp_path c; uwsgi_temp_path d; scgi_temp_path e;
    ${maps.join("\n")}
    server { listen 127.0.0.1:${mapPort}; ${chunked(all)} location / { return 200 "$all"; } } }`;
  running = await Promise.all([startNginx(rendered.files, port), startNginx(mapText, mapPort)]);
});
afterAll(() => Promise.all(running.map((nginx) => nginx.stop())));

/** `$all`, set in pieces that fit into a parameter. */
function chunked(all: string): string {
  const pieces = all.match(/(?:\$\{\w+\}){1,300}/g) ?? [];
  return `set $all ""; ${pieces.map((piece) => `set $all "\${all}${piece}";`).join("\n")}`;
}

test("random expressions match what they are written for", async () => {
  expect(random.length).toBeGreaterThan(RANDOM / 4);
  for (const text of TEXTS) {
    const { body } = await exchange(mapPort, request("GET /", "x", [`X: ${text}`]));
    const expected = random.map((regex) => (new RegExp(`^(?:${regex})$`).test(text) ? "1" : "0"));
    const wrong = random.filter((_, index) => body[index] !== expected[index]);
    expect([text, wrong]).toEqual([text, []]);
  }
});

const cases = longRegexes.flatMap(({ regex, text, other }) => [
  [regex, text, "yes"] as const,
  [regex, other, "no"] as const,
]);

test.each(cases)("%s on a long path", async (regex, text, taken) => {
  for (const kind of ["p", "m"]) {
    const { body, status } = await exchange(port, request(`GET ${text}`, `${kind}${regexes.indexOf(regex)}.test`));
    expect([kind, status, body]).toEqual([kind, 200, taken]);
  }
});

test.each(cases)("%s on a long field", async (regex, text, taken) => {
  const { body } = await exchange(port, request("GET /", `h${regexes.indexOf(regex)}.test`, [`X-Long: ${text}`]));
  expect(body).toBe(taken);
});

test("a host of very many labels", async () => {
  expect((await exchange(port, request("GET /", `${"a.".repeat(20_000)}test`))).body).toBe("any");
});

test.each(refusedRegexes)("%s is refused", (regex) => {
  const host = virtualHost("a.test", []);
  const found = [
    ...nginxTarget.inspectRule(rule("r.0", `~${regex}`), host),
    ...nginxTarget.inspectRule(rule("r.0", "/", { conditions: [header("x-a", "regex", regex)] }), host),
  ];
  expect(found.map(({ code, severity }) => [code, severity])).toEqual(
    Array.from({ length: 2 }, () => ["L7-REGEX-BACKTRACKING", "error"]),
  );
});
