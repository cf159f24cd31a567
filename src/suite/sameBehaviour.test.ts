/**
 * The promise "same observable behaviour": random models on real Envoy, nginx and HAProxy, random requests, and every answer
 * compared with the reference, `explain`. Splits are compared as membership.
 */
import { describe, expect, test } from "vitest";
import type { ForwardIr, RuleIr } from "../ir/index.ts";
import { differences, type Observation } from "./sameBehaviour/compare.ts";
import { type Expectation, type ExpectedOutcome, listsOf } from "./sameBehaviour/expect.ts";
import type { ProbeRequest } from "./sameBehaviour/requests.ts";
import { type Mismatch, runModel } from "./sameBehaviour/run.ts";
import { type Fields, UPSTREAM_BODY } from "./sameBehaviour/wire.ts";

/** A model of 60 requests costs about a third of a second on two cores. */
const MODELS = Number(process.env.TRIMTAB_MODELS ?? 10);
const REQUESTS = Number(process.env.TRIMTAB_REQUESTS ?? 60);
const SEED = Number(process.env.TRIMTAB_SEED ?? Date.now() % 2 ** 31);
const TIMEOUT_MS = 15 * 60 * 1000;
/** Of hostile requests few get through; without any the comparison would be of refusals only. */
const MIN_FORWARDED_SHARE = 0.02;
const MAX_SHOWN = 5;

function mismatchText({ proxy, rule, bytes, differences: found }: Mismatch): string {
  return `${proxy}, rule ${rule}: ${JSON.stringify(bytes)}\n${found.map((each) => JSON.stringify(each)).join("\n")}`;
}

test(
  `any valid model, any request (seed ${SEED}, ${MODELS} models; TRIMTAB_SEED repeats it)`,
  async () => {
    console.log(`sameBehaviour.test.ts: seed ${SEED}, ${MODELS} models, ${REQUESTS} requests each`);
    let forwarded = 0;
    for (let seed = SEED; seed < SEED + MODELS; seed++) {
      const report = await runModel(seed, REQUESTS);
      forwarded += report.forwarded;
      const found = [...report.faults, ...report.mismatches.map(mismatchText)];
      expect(`${found.length} of model ${seed}\n${found.slice(0, MAX_SHOWN).join("\n\n")}`).toBe(
        `0 of model ${seed}\n`,
      );
    }
    expect(forwarded).toBeGreaterThan(MODELS * REQUESTS * MIN_FORWARDED_SHARE);
  },
  TIMEOUT_MS,
);

describe("the comparison finds", () => {
  const request: ProbeRequest = {
    method: "GET",
    host: "A.example.com",
    target: "/a?q",
    form: "origin",
    version: "1.1",
    fields: [],
    source: "127.0.0.20",
    body: null,
  };
  const action: ForwardIr = {
    kind: "forward",
    split: [{ cluster: "one", weight: 1 }],
  };
  const rule: RuleIr = {
    id: "r.0.0",
    name: "r/0",
    route: "r",
    ruleName: null,
    pointer: "/rules/0",
    protocol: "http",
    path: { kind: "prefix", value: "/" },
    conditions: [],
    action,
    policies: { rewrite: null, requestHeaders: null, timeouts: null, retry: null, responseHeaders: null },
  };
  const outcome: ExpectedOutcome = {
    status: 200,
    asked: { upstream: "one", line: "GET /a?q", fields: listsOf([["x-a", "1, 2"]]), body: "" },
    answeredBy: "upstream",
    fields: listsOf([["x-b", "3"]]),
    body: UPSTREAM_BODY,
  };
  const base: Expectation = { rule, virtualHost: null, host: "a.example.com", outcomes: [outcome] };

  interface Fault {
    readonly status?: number;
    readonly upstream?: string;
    readonly line?: string;
    readonly asked?: Fields;
    readonly answered?: Fields;
    readonly times?: number;
  }
  const observed = (proxy: Observation["proxy"], fault: Fault): Observation => {
    const fields = fault.asked ?? [
      ["X-A", "1"],
      ["X-A", "2"],
    ];
    const seen = { upstream: fault.upstream ?? "one", startLine: fault.line ?? "GET /a?q HTTP/1.1", fields, body: "" };
    const startLine = `HTTP/1.1 ${fault.status ?? 200} OK`;
    return {
      proxy,
      answer: { startLine, fields: fault.answered ?? [["x-b", "3"]], body: UPSTREAM_BODY },
      seen: Array(fault.times ?? 1).fill(seen),
    };
  };
  const found = (expectation: Expectation, observation: Observation): string[] =>
    differences(request, expectation, observation).map(({ what }) => what);

  test("nothing where nothing differs", () => expect(found(base, observed("nginx", {}))).toEqual([]));
  test.each<[Fault, string]>([
    [{ status: 503 }, "status"],
    [{ upstream: "two" }, "upstreams asked"],
    [{ times: 2 }, "upstreams asked"],
    [{ times: 0 }, "upstreams asked"],
    [{ line: "GET /a HTTP/1.1" }, "request line"],
    [{ asked: [["x-a", "1"]] }, "request field x-a"],
    [{ asked: [["x-a", "2, 1"]] }, "request field x-a"],
    [{ answered: [] }, "response field x-b"],
    [
      {
        answered: [
          ["x-b", "3"],
          ["server", "nginx"],
        ],
      },
      "response field server",
    ],
  ])("%j", (fault, what) => expect(found(base, observed("nginx", fault))).toEqual([what]));

  test("another cluster than those of the split, but not one of them", () => {
    const second = { ...outcome, asked: outcome.asked && { ...outcome.asked, upstream: "two" } };
    const split = { ...base, outcomes: [outcome, second] };
    expect(found(split, observed("envoy", { upstream: "two" }))).toEqual([]);
    expect(found(split, observed("envoy", { upstream: "three" }))).toEqual(["upstreams asked"]);
  });

  test("an endpoint that is asked more often than the rule's retry says", () => {
    const resends = { methods: ["GET"], statuses: [503], perTryMs: null };
    const policies = { ...rule.policies, retry: { attempts: 3, resends, grpcStatuses: [], backoffMs: null } };
    const retried = { ...base, rule: { ...rule, policies }, outcomes: [{ ...outcome, status: 503 }] };
    expect(found(retried, observed("haproxy", { status: 503, times: 4 }))).toEqual([]);
    expect(found(retried, observed("haproxy", { status: 503, times: 5 }))).toEqual(["upstreams asked"]);
    const answered = { ...retried, outcomes: [outcome] };
    expect(found(answered, observed("haproxy", { times: 2 }))).toEqual(["upstreams asked"]);
  });

  test("a copied Host in Location on every proxy but Envoy, and there only for the rule it is told of", () => {
    const redirect: RuleIr["action"] = {
      kind: "redirect",
      scheme: null,
      hostname: null,
      port: null,
      path: null,
      status: 302,
    };
    const virtualHost = { hostnames: ["*.example.com"], rules: [], groups: null };
    const local = { ...outcome, status: 302, asked: null, answeredBy: "proxy", body: null } as const;
    const wanted = { ...local, fields: listsOf([["location", "http://a.example.com/a"]]) };
    const expectation = { ...base, rule: { ...rule, action: redirect }, virtualHost, outcomes: [wanted] };
    const see = (proxy: Observation["proxy"], location: string): string[] =>
      found(expectation, observed(proxy, { status: 302, times: 0, answered: [["location", location]] }));
    expect(see("envoy", "http://A.example.com/a")).toEqual([]);
    expect(see("envoy", "http://A.example.com/b")).toEqual(["response field location"]);
    expect(see("envoy", "http://b.example.com/a")).toEqual(["response field location"]);
    expect(see("nginx", "http://A.example.com/a")).toEqual(["response field location"]);
  });
});
