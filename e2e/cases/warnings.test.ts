/** What a proxy can do only nearly comes back as a warning with the write: the field, the fleet, the proxy and how it differs. */
import { beforeAll, expect, it } from "vitest";
import { must, warningsOf } from "../harness/api.ts";
import { e2e } from "../harness/context.ts";
import { cluster, route } from "../harness/model.ts";
import { serve } from "../harness/serve.ts";

beforeAll(async () => {
  await serve({ clusters: [cluster("warn", 9)] });
});

const exact = route("warn", "warn.e2e.example", { split: [{ cluster: "warn" }] });

it("a write that every proxy does exactly has no warning", async () => {
  const answer = await must(e2e().program.api, "PUT /v1/routes/warn", { body: exact });
  expect(warningsOf(answer)).toEqual([]);
});

const approximated = [
  {
    name: "total timeout",
    body: route("warn", "warn.e2e.example", { split: [{ cluster: "warn" }], timeouts: { request: "2s" } }),
    code: "L7-TIMEOUT-TOTAL",
    pointer: "/rules/0/timeouts/request",
    fleets: ["haproxy", "nginx"],
  },
  {
    name: "redirect that keeps a wildcard's host",
    body: route("warn", "*.warn.e2e.example", { redirect: { scheme: "https" } }),
    code: "L7-REDIRECT-HOST",
    pointer: "/rules/0/redirect",
    fleets: ["envoy"],
  },
  {
    name: "header matcher and repeated fields",
    body: route("warn", "warn.e2e.example", {
      matches: [{ headers: [{ name: "X-A", exact: "a" }] }],
      split: [{ cluster: "warn" }],
    }),
    code: "L7-DUP-HEADER",
    pointer: "/rules/0/matches/0/headers/0",
    fleets: ["envoy", "nginx"],
  },
];

it.each(approximated)("$name", async ({ body, code, pointer, fleets }) => {
  for (const line of ["PUT /v1/routes/warn?dryRun=true", "PUT /v1/routes/warn"]) {
    const warnings = warningsOf(await must(e2e().program.api, line, { body })).filter(
      (warning) => warning.code === code,
    );
    expect(warnings.map(({ fleet }) => fleet).sort(), line).toEqual(fleets);
    for (const warning of warnings) {
      expect(warning.pointer.startsWith(pointer), warning.pointer).toBe(true);
      expect(warning.proxy).toBe(warning.fleet);
      expect(warning.message.length).toBeGreaterThan(20);
    }
  }
});
