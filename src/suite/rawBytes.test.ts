/**
 * Raw requests at gates over everything that rules can look at, on real Envoy, nginx and HAProxy: no rule is evaded, and what they
 * take differently is a row of docs/decisions/0011. `npm run fuzz` is the long form.
 */
import { expect, test } from "vitest";
import { createRandom } from "../xds/testingRandom.ts";
import { evasionOf } from "./rawBytes/evasion.ts";
import { type Finding, judge, runRawBytes } from "./rawBytes/run.ts";

/** Three hundred are a second on two cores. */
const REQUESTS = Number(process.env.TRIMTAB_RAW_REQUESTS ?? 3000);
const SEED = Number(process.env.TRIMTAB_SEED ?? Date.now() % 2 ** 31);
const TIMEOUT_MS = 5 * 60 * 1000;
/** A fuzz that only sees refusals proves nothing. */
const MIN_FORWARDED_SHARE = 0.1;
const MAX_SHOWN = 5;

test(`raw requests evade no rule (seed ${SEED}; TRIMTAB_SEED repeats it)`, { timeout: TIMEOUT_MS }, async () => {
  const faults: Finding[] = [];
  const report = await runRawBytes(REQUESTS, createRandom(SEED), (found) => {
    if (found.fault !== null) faults.push(found);
  });
  expect({ faults: faults.slice(0, MAX_SHOWN), seed: SEED }).toEqual({ faults: [], seed: SEED });
  expect(report.alike[200]).toBeGreaterThan(REQUESTS * MIN_FORWARDED_SHARE);
});

const gate = { path: "/headers/x-role/exact", looksAt: "header", name: "x-role" } as const;
const told = (...lines: string[]) => ({ head: ["GET / HTTP/1.1", ...lines].join("\r\n"), body: "" });
const ruled = `x-rule: ${gate.path}`;

test.each([
  [told(ruled, "x-role: user"), null],
  [told(ruled), null],
  [told(ruled, "X-Role:\tadmin "), "x-role"],
  [told(ruled, "x-role: user", "x-role: admin"), "x-role"],
  [told("x-role: user"), "0 rules"],
  [told(ruled, "x-rule: /open"), "2 rules"],
  [told("x-rule: /cookies/role/exact", "cookie: a=b", "cookie: role=admin"), "cookie role"],
  [told("x-rule: /cookies/role/exact", "cookie: role=user; role=admin"), null],
  [told("x-rule: /source", "x-forwarded-for: 1, 127.0.0.24"), "the address"],
])("an evasion is found: %j", (request, found) => {
  const evasion = evasionOf(request, "as sent");
  if (found === null) expect(evasion).toBeNull();
  else expect(evasion).toContain(found);
});

test("a difference that no row tells of is found, and one that a row tells of is none", () => {
  const faultOf = (line: string, envoy: number, nginx: number) => {
    const bytes = `GET / HTTP/1.1\r\nHost: gate.test\r\n${line}\r\n\r\n`;
    const request = { gate, bytes, method: "GET", source: "", bends: [] };
    const answer = (status: number) => ({ status, body: "" });
    return judge(request, { envoy: answer(envoy), nginx: answer(nginx), haproxy: answer(400) })?.fault;
  };
  expect(faultOf("X-A: 1", 400, 400)).toBeUndefined();
  expect(faultOf("X-A: 1", 400, 403)).toContain("no row");
  expect(faultOf("X-A", 400, 403)).toBeNull();
  expect(faultOf("X-A", 403, 403)).toContain("no row");
});
