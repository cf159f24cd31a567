import { expect, test } from "vitest";
import { requestProblem } from "./requestPolicy.ts";

test.each([
  ["/", null],
  ["/a?x=//&y=%2e", null],
  ["x", "does not begin with a slash"],
  ["?q", "does not begin with a slash"],
  ["/?q#f", "fragment"],
  ["/a#f", "fragment"],
  ["/a b", "percent-encoded"],
  ["/é", "percent-encoded"],
  ["/a//b", "dot segment"],
  ["/a/../b", "dot segment"],
  ["/%2e", "dot segment"],
  ["/%zz", "dot segment"],
])("of the path %s the true reason is told", (path, reason) => {
  const problem = requestProblem({ method: "GET", host: "a.test", path });
  if (reason === null) expect(problem).toBeNull();
  else expect(problem).toEqual({ status: 400, reason: expect.stringContaining(reason) });
});
