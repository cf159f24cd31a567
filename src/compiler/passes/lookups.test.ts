/** The count is never below what the path groups really have. */
import fc from "fast-check";
import { expect, test } from "vitest";
import type { HttpPortIr } from "../../ir/index.ts";
import { applyChanges, changeTo, emptySnapshot, validateConfig } from "../../model/index.ts";
import { finish } from "../../util/steps.ts";
import { compile, withPathGroups } from "../testCompiler.ts";
import { lookupsOf } from "./lookups.ts";

const path = fc.oneof(
  fc.constantFrom("/", "/a", "/a/b", "/a/b/c", "/b").map((prefix) => ({ prefix })),
  fc.constantFrom("/", "/a", "/a/", "/a/b", "/a/b/c", "/b/x").map((exact) => ({ exact })),
  fc.constantFrom("/a.*", "/.*", "/b|/a", ".*c", "/zz.*").map((regex) => ({ regex })),
);

test("of any host", () => {
  const rule = fc.record({ path, method: fc.option(fc.constantFrom("GET", "POST"), { nil: undefined }) });
  fc.assert(
    fc.property(
      fc.uniqueArray(rule, { minLength: 1, maxLength: 40, selector: (one) => JSON.stringify(one) }),
      (matches) => {
        // Often enough that it is counted and not known to be few.
        const more = Array.from({ length: 80 }, (_, index) => ({ path: { exact: `/many/${index}` }, method: "GET" }));
        const { resources } = validateConfig({
          fleets: [{ name: "f", proxy: "nginx" }],
          listeners: [{ name: "l", fleets: ["f"], port: 80, protocol: "HTTP" }],
          routes: [...matches, ...more].map((match, index) => ({
            name: `r${index}`,
            listeners: ["l"],
            rules: [{ matches: [match], respond: { status: 200 } }],
          })),
        });
        const { fleets } = compile(applyChanges(emptySnapshot, resources.map(changeTo)), null);
        const [port] = withPathGroups([...fleets.values()][0] as never).ports as HttpPortIr[];
        for (const { rules, groups } of port?.virtualHosts ?? []) {
          let real = 0;
          for (const { candidates, bare } of groups ?? [])
            real += candidates.length - 1 + (bare === null || bare === candidates ? 0 : bare.length);
          expect(finish(lookupsOf(rules, Number.POSITIVE_INFINITY))).toBeGreaterThanOrEqual(real);
        }
      },
    ),
    { numRuns: 200 },
  );
});
