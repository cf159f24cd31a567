import { expect, test } from "vitest";
import { didYouMean, nearest } from "./didYouMean.ts";

test.each([
  ["clusterz", ["route", "cluster", "listeners"], "cluster"],
  ["HTTPS", ["http", "tcp"], "http"],
  ["bleu", ["green", "blue"], "blue"],
  ["dryrun", ["dryRun", "owner"], "dryRun"],
  ["wieght", ["weight"], "weight"],
  ["host", ["scheme", "port", "hostname", "path"], "hostname"],
  ["host", ["scheme", "port", "path"], undefined],
  ["host", ["hostname", "hosts"], "hosts"],
  ["LEAST_REQ", ["roundRobin", "leastRequest"], "leastRequest"],
  ["round-robin", ["roundRobin", "leastRequest"], "roundRobin"],
  ["mthd", ["path", "method"], "method"],
  ["egde", ["edge"], "edge"],
  ["red", ["reduced-traffic"], undefined],
  ["code", ["scheme", "port", "path", "status"], undefined],
  ["--", ["__", "-a"], undefined],
  ["a", ["b"], undefined],
  ["ab", ["cd"], undefined],
  ["storefront", ["backoffice"], undefined],
  ["same", ["same"], undefined],
  ["x".repeat(100), ["x".repeat(99)], undefined],
  ["x", [], undefined],
])("%s of %j is %s", (word, candidates, expected) => {
  expect(nearest(word, candidates)).toBe(expected);
});

test("the end of a message", () => {
  expect(didYouMean("bleu", ["blue"])).toBe('; did you mean "blue"?');
  expect(didYouMean("red", ["blue"])).toBe("");
});

test("of very many names only the first ones are compared", () => {
  function* endless(): Iterable<string> {
    for (let index = 0; ; index++) yield `name-${index}-x`;
  }
  expect(nearest("nothing-like-it", endless())).toBeUndefined();
});
