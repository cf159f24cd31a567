import { expect, it } from "vitest";
import { createHistory } from "./history.ts";
import { MAX_HISTORY, MAX_HISTORY_NAMES } from "./limits.ts";
import { CLUSTER, resource } from "./testing.ts";

const mapOf = (...contents: string[]) => new Map(contents.map((text) => [text[0]!, resource(CLUSTER, text[0]!, text)]));

it("knows what a version held, as a map or as the list that was sent", () => {
  const history = createHistory();
  history.note("v1", mapOf("a1", "b1"));
  history.note("v2", [...mapOf("a2", "b1").values()]);
  expect([...history.at("v1")!.keys()]).toEqual(["a", "b"]);
  expect(history.at("v2")!.get("a")!.version).toBe("a2");
  expect(history.at("v3")).toBeUndefined();
  for (const version of ["a1", "a2", "a1"]) expect(history.find("a", version)!.version).toBe(version);
  expect(history.find("a", "a3")).toBeUndefined();
  expect(history.find("c", "c1")).toBeUndefined();
});

it("forgets the oldest versions, and sooner when they are large", () => {
  const history = createHistory();
  for (let turn = 0; turn < 200; turn++) history.note(`v${turn}`, mapOf("a1"));
  expect(history.at(`v${200 - MAX_HISTORY - 1}`)).toBeUndefined();
  expect(history.at(`v${200 - MAX_HISTORY}`)).toBeDefined();
  const large = new Map(
    Array.from({ length: MAX_HISTORY_NAMES / 4 }, (_, at) => [`${at}`, resource(CLUSTER, `${at}`)]),
  );
  for (let turn = 0; turn < 6; turn++) history.note(`large${turn}`, large);
  expect([1, 2, 3, 4, 5].map((turn) => history.at(`large${turn}`) !== undefined)).toEqual([
    false,
    true,
    true,
    true,
    true,
  ]);
  // The newest is kept whatever its size.
  history.note(
    "huge",
    new Map(Array.from({ length: MAX_HISTORY_NAMES + 1 }, (_, at) => [`${at}`, resource(CLUSTER, "x")])),
  );
  expect(history.at("huge")).toBeDefined();
  expect(history.at("large5")).toBeUndefined();
});
