import { expect, it } from "vitest";
import { isPlainPath } from "./paths.ts";

it.each([
  ["exact", "/robots.txt", true],
  ["prefix", "/.well-known/a~b", true],
  ["exact", "/a%20b", false],
  ["prefix", "/a@b", false],
  ["regex", "/items/[0-9]+", true],
  ["regex", "/a\\.b(?:/[a-z]{2,3}|\\d*)", true],
  ["regex", "/a.b", false],
  ["regex", "/[^/]+", true],
  ["regex", "/[^/]+@", false],
  ["regex", "/[A-z]", false],
  ["regex", "/\\w", true],
] as const)("%s %s: %s", (kind, value, expected) => expect(isPlainPath({ kind, value })).toBe(expected));
