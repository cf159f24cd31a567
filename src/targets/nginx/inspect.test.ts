import { describe, expect, it } from "vitest";
import { leafPaths } from "../../gen/leafPaths.ts";
import type { FleetIr } from "../../ir/index.ts";
import { inspectFleet } from "../target.ts";
import { capabilities } from "./capabilities.ts";
import { nginxTarget } from "./index.ts";
import { cluster, fleet, forward, header, httpPort, rule, tcpPort, virtualHost } from "./testIr.ts";

const clusters = [cluster("one", [1]), cluster("two", [2], { balance: { policy: "leastRequest" } })];
const build = (more = {}): FleetIr => ({
  ...fleet(
    [httpPort("127.0.0.1", 80, [virtualHost("a.test", [rule("a.0", "/", { action: forward("one"), ...more })])])],
    clusters,
  ),
});

it("has an answer for every leaf", () =>
  expect(Object.keys(nginxTarget.capabilities).sort()).toEqual([...leafPaths].sort()));

it("says of shares what it warns of", () => {
  const support = nginxTarget.capabilities["route.rules[].split[].weight"];
  const [found] = inspectFleet(nginxTarget, build({ action: forward({ one: 1, two: 30_000 }) }));
  expect(support).toMatchObject({ code: found?.code, approximated: expect.any(String) });
  expect(found?.message).toContain((support as { approximated: string }).approximated);
});

it.each([
  ["1.21", true],
  ["1.21.9", true],
  ["1.22", false],
  ["1.22.0", false],
  ["1.27.3", false],
  ["2.0", false],
])("version %s is too old: %s", (version, isTooOld) => {
  const support = capabilities["fleet.version"];
  expect([support.code, support.when(version)]).toEqual(["NGINX-VERSION", isTooOld]);
});

describe("findings", () => {
  it("none for an ordinary fleet, and none for 1.22 however it is written", () => {
    for (const version of [null, "1.22", "1.22.0", "1.27.3", "2.0"])
      expect(inspectFleet(nginxTarget, { ...build(), version })).toEqual([]);
  });
  it.each<readonly [string, FleetIr]>([
    ["L7-SCALE", { ...build(), clusters: Array.from({ length: 2001 }, (_, index) => cluster(`c${index}`, [])) }],
    ["L7-SPLIT-RESOLUTION", build({ action: forward({ one: 1, two: 30_000 }) })],
    ["L7-REGEX-BACKTRACKING", build({ conditions: [header("x-a", "regex", ".*a.{12}[b-d]+.*")] })],
    [
      "L4-CONNECT-TIMEOUT-NGINX",
      fleet(
        [tcpPort("127.0.0.1", 9, { split: forward({ one: 1, two: 1 }).split })],
        [cluster("one", [1]), cluster("two", [2], { connectTimeoutMs: 7 })],
      ),
    ],
  ])("%s", (code, ir) => {
    expect(inspectFleet(nginxTarget, ir).map((found) => found.code)).toEqual([code]);
  });
});
