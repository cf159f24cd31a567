import { describe, expect, it } from "vitest";
import { CLUSTER, resource } from "./testing.ts";
import type { XdsResource } from "./types.ts";
import { diffFrom, EMPTY_VIEW, nextView, versionWith } from "./view.ts";

function map(contents: Record<string, string>): Map<string, XdsResource> {
  return new Map(Object.entries(contents).map(([name, content]) => [name, resource(CLUSTER, name, content)]));
}

describe("type view", () => {
  it("has a version that follows the content, whatever the way and the order", () => {
    const direct = nextView(EMPTY_VIEW, map({ a: "1", b: "2", c: "3" }));
    const around = [map({ c: "3", a: "9" }), map({ b: "2" }), map({ c: "3", b: "2", a: "1" })].reduce(
      (view, resources) => nextView(view, resources),
      EMPTY_VIEW,
    );
    expect(around.version).toBe(direct.version);
    expect(direct.version).toMatch(/^[0-9a-f]{16}$/);
    const versions = [{}, { a: "1" }, { a: "2" }, { b: "1" }, { a: "1", b: "2" }, { a: "2", b: "1" }, { ab: "12" }];
    expect(new Set(versions.map((contents) => nextView(EMPTY_VIEW, map(contents)).version)).size).toBe(versions.length);
  });

  it("does not collide on ten thousand similar sets", () => {
    const seen = new Set<string>();
    let view = EMPTY_VIEW;
    const contents = map({ a: "0", b: "0" });
    for (let version = 1; version <= 10_000; version++) {
      const next = new Map(contents).set(
        version % 2 ? "a" : "b",
        resource(CLUSTER, version % 2 ? "a" : "b", `${version}`),
      );
      view = nextView(view, next);
      seen.add(view.version);
    }
    expect(seen.size).toBe(10_000);
  });

  it("is the same object for the same map, and finds differences by version, not by object", () => {
    const start = map({ a: "1", b: "1", c: "1" });
    const view = nextView(EMPTY_VIEW, start);
    expect(nextView(view, start)).toBe(view);
    const later = nextView(view, map({ a: "1", b: "2", d: "1" }));
    expect(diffFrom(later, start)).toEqual({ changed: ["b", "d"], removed: ["c"], aliased: false });
    expect(diffFrom(later, EMPTY_VIEW.resources)).toEqual({ changed: ["a", "b", "d"], removed: [], aliased: false });
  });

  it("gives a set that stands between two states the version of its content", () => {
    const old = map({ a: "1", b: "1" });
    const view = nextView(EMPTY_VIEW, map({ b: "2", c: "1" }));
    const between = versionWith(view, [
      ["a", old.get("a")],
      ["b", old.get("b")],
      ["c", undefined],
    ]);
    expect(between).toBe(nextView(EMPTY_VIEW, old).version);
  });
});
