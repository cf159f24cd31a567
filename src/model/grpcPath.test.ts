import { expect, test } from "vitest";
import { regexProblem } from "../regex/index.ts";
import { type GrpcPath, grpcPath } from "./grpcPath.ts";

const cases: readonly (readonly [Parameters<typeof grpcPath>[0], GrpcPath])[] = [
  [{}, { prefix: "/" }],
  [{ service: "a.v1.B" }, { prefix: "/a.v1.B" }],
  [{ service: "a.v1.B", method: "Get" }, { exact: "/a.v1.B/Get" }],
  [{ method: "Get" }, { regex: "/[^/]+/Get" }],
  [{ service: "a.v1.B", methodRegex: "Get|List" }, { regex: "/a\\.v1\\.B/(?:Get|List)" }],
  [{ serviceRegex: "a\\..*", method: "Get" }, { regex: "/(?:a\\..*)/Get" }],
  [{ serviceRegex: "a|b" }, { regex: "/(?:a|b)/[^/]+" }],
];

test.each(cases)("the path of %j", (called, path) => {
  expect(grpcPath(called)).toEqual(path);
  if (path.regex !== undefined) expect(regexProblem(path.regex)).toBeNull();
});
