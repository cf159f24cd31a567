import { expect, test } from "vitest";
import type { Diagnostic } from "../errors/diagnostic.ts";
import { finish } from "../util/steps.ts";
import { toldOnce } from "./toldOnce.ts";

const once = (found: readonly Diagnostic[]): readonly Diagnostic[] => finish(toldOnce(found));

const base: Diagnostic = {
  code: "A-B",
  severity: "warning",
  message: "m",
  resource: { kind: "route", name: "r" },
  pointer: "/rules/0",
};

const ofFleet = (fleet: string, proxy = "nginx", more: Partial<Diagnostic> = {}): Diagnostic => ({
  ...base,
  ...more,
  fleet,
  proxy,
  message: `fleet ${JSON.stringify(fleet)}: ${more.message ?? "m"}`,
});

const texts = (...found: readonly Diagnostic[]): string[] => once(found).map(({ message }) => message);

test("fleets of one proxy that say the same are named together; those of another proxy stand apart", () => {
  expect(texts(ofFleet("a"), ofFleet("b"), ofFleet("c", "haproxy"))).toEqual(['fleets "a", "b": m', 'fleet "c": m']);
  const many = Array.from({ length: 8 }, (_, index) => ofFleet(`f${index}`));
  expect(texts(...many)).toEqual(['fleets "f0", "f1", "f2", "f3", "f4" and 3 more: m']);
});

test("a warning that several places of a resource have stands at the first, with their number", () => {
  const places = [0, 1, 2].map((index) => ({ ...base, pointer: `/rules/${index}` }));
  expect(once(places)).toEqual([{ ...base, message: "m (and so at 2 other places of this route)" }]);
  expect(once([ofFleet("a"), ofFleet("b"), ofFleet("a", "nginx", { pointer: "/rules/1" })])).toHaveLength(2);
  const both = ["/rules/0", "/rules/1"].flatMap((pointer) =>
    ["a", "b"].map((name) => ofFleet(name, "nginx", { pointer })),
  );
  expect(texts(...both)).toEqual(['fleets "a", "b": m (and so at another place of this route)']);
});

test("errors keep all their places; other codes, messages and resources stay apart; equal ones stand once", () => {
  const errors = [0, 1].map((index) => ({ ...base, severity: "error" as const, pointer: `/rules/${index}` }));
  expect(once(errors)).toEqual(errors);
  const others = [
    base,
    { ...base, code: "A-C" },
    { ...base, message: "n" },
    { ...base, resource: { kind: "route", name: "s" } },
  ];
  expect(once(others)).toEqual(others);
  expect(once([base, base, base])).toEqual([base]);
});
