import { expect, test } from "vitest";
import { finish } from "../util/steps.ts";
import { generationOf } from "./generation.ts";

const of = (...files: readonly [path: string, text: string, mode: number][]): string =>
  finish(generationOf(files.map(([path, text, mode]) => ({ path, text, mode }))));

test("paths, texts and modes name a generation; where one ends and the next begins counts", () => {
  const one = of(["a", "xy", 0o644]);
  expect(one).toMatch(/^[0-9a-f]{16}$/);
  expect(of(["a", "xy", 0o644])).toBe(one);
  const others = [
    of(["b", "xy", 0o644]),
    of(["a", "xz", 0o644]),
    of(["a", "xy", 0o600]),
    of(["a", "x", 0o644], ["y", "", 0o644]),
    of(["ax", "y", 0o644]),
    of(),
  ];
  expect(new Set([one, ...others]).size).toBe(7);
});
