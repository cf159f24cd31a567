/** Real HAProxy: regular expressions on the longest paths and fields. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { longRegexes, refusedRegexes } from "../../regex/testRegexes.ts";
import { finish } from "../../util/steps.ts";
import { haproxyTarget } from "./index.ts";
import {
  type Decide,
  fleet,
  httpPort,
  prefix,
  type RuleInput,
  regex,
  respond,
  rulesOf,
  virtualHost,
} from "./testSupport/ir.ts";
import { ask, filesOf, freePorts, type RunningProxy, startProxy } from "./testSupport/proxy.ts";

const regexes = longRegexes.map((entry) => entry.regex);
const header = (value: string) => ({ name: "x-long", test: "regex" as const, value });
const rest: RuleInput = { path: prefix("/"), action: respond("no") };
let port = 0;
let proxy: RunningProxy;

beforeAll(async () => {
  [port = 0] = await freePorts(1);
  const virtualHosts = regexes.flatMap((text, index) => [
    virtualHost(`p${index}.test`, rulesOf(`p${index}`, [{ path: regex(text), action: respond("yes") }, rest])),
    ...(["table", "chain"] as Decide[]).map((decide) => {
      const rule: RuleInput = { path: prefix("/"), action: respond("yes"), headers: [header(text)] };
      const id = `${decide}${index}`;
      return virtualHost(`${id}.test`, rulesOf(id, [rule, rest]), decide);
    }),
  ]);
  virtualHosts.push(virtualHost("*", rulesOf("any", [{ path: prefix("/"), action: respond("any") }])));
  const ports = [httpPort(port, virtualHosts)];
  proxy = await startProxy(
    filesOf(finish(haproxyTarget.createRenderer().render(fleet({ ports, clusters: [] })))),
    port,
  );
});
afterAll(() => proxy.stop());

const cases = longRegexes.flatMap(({ regex, text, other }) => [
  [regex, text, "yes"] as const,
  [regex, other, "no"] as const,
]);

test.each(cases)("%s on a long path", async (text, path, taken) => {
  const { status, body } = await ask(port, path, { host: `p${regexes.indexOf(text)}.test` });
  expect([status, body]).toEqual([200, taken]);
});

test.each(cases)("%s on a long field", async (text, value, taken) => {
  for (const decide of ["table", "chain"]) {
    const host = `${decide}${regexes.indexOf(text)}.test`;
    const { body } = await ask(port, "/", { host, headers: [`X-Long: ${value}`] });
    expect([decide, body]).toEqual([decide, taken]);
  }
});

test("a host of very many labels", async () => {
  expect((await ask(port, "/", { host: `${"a.".repeat(20_000)}test` })).body).toBe("any");
});

test.each(refusedRegexes)("%s is refused", (text) => {
  const rules = rulesOf("r", [
    { path: regex(text), action: respond("x") },
    { path: prefix("/"), action: respond("x"), headers: [header(text)] },
  ]);
  const found = rules.flatMap((rule) => haproxyTarget.inspectRule(rule, virtualHost("a.test", rules)));
  expect(found.map(({ code, severity }) => [code, severity])).toEqual(
    Array.from({ length: 2 }, () => ["L7-REGEX-BACKTRACKING", "error"]),
  );
});
