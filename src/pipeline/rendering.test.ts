/** What several targets of one fleet give, with targets made for it; real ones run in `src/suite`. */
import { describe, expect, test } from "vitest";
import type { Effect, Rendered, RenderedFiles, Target } from "../targets/target.ts";
import { finish } from "../util/steps.ts";
import { combined, effectOf, type Rendering, type RenderingPart } from "./rendering.ts";

const socket = (port: number) => ({ address: "127.0.0.1", port, listeners: [`l${port}`], file: `l${port}.cfg` });

function files(paths: readonly string[], port: number): RenderedFiles {
  const list = paths.map((path) => ({ path, text: `text of ${path}`, mode: 0o644 }));
  return { kind: "files", files: list, generation: `g${port}`, sockets: [socket(port)] };
}

/** A target that always gives `rendered` and calls each change `effect`, and the first start a reload. */
function part(rendered: Rendered, effect: Effect = "none"): RenderingPart {
  const target = { proxy: "nginx", effect: (before: Rendered | null) => (before === null ? "reload" : effect) };
  return { target: target as unknown as Target, rendered };
}

const combine = (...parts: RenderingPart[]): Rendering<"files"> => finish(combined("files", parts));

describe("one whole", () => {
  test("of one target is what it gave", () => {
    const rendered = files(["a"], 1);
    expect(combine(part(rendered)).whole).toBe(rendered);
  });

  test("of two targets has the files of both, ascending, a generation of its own, and the sockets of both", () => {
    const [one, two] = [files(["b", "d"], 1), files(["a", "c"], 2)];
    const { whole } = combine(part(one), part(two));
    expect(whole.files.map(({ path }) => path)).toEqual(["a", "b", "c", "d"]);
    expect(whole.sockets).toEqual([socket(1), socket(2)]);
    expect([one.generation, two.generation]).not.toContain(whole.generation);
    expect(combine(part(two), part(one)).whole.generation).toBe(whole.generation);
    expect(combine(part(one), part(files(["a", "e"], 2))).whole.generation).not.toBe(whole.generation);
  });

  test("there is none of the same path twice, of nothing, of another kind, or of resources twice", () => {
    const resources: Rendered = { kind: "resources", resources: new Map() };
    expect(() => combine(part(files(["a", "b"], 1)), part(files(["b"], 2)))).toThrow("two targets gave the file b");
    expect(() => combine()).toThrow("no target of this fleet gives files");
    expect(() => combine(part(resources))).toThrow("gave no files");
    expect(() => finish(combined("resources", [part(resources), part(resources)]))).toThrow("come from one target");
  });
});

describe("the effect", () => {
  const rendered = files(["a"], 1);
  const of = (...parts: RenderingPart[]): Rendering<"files"> => ({ whole: rendered, parts });

  test("is the worst of all targets' effects", () => {
    const [none, runtime, drain] = [part(rendered), part(rendered, "runtime"), part(rendered, "listenerDrain")];
    expect(effectOf(of(none), of(none))).toBe("none");
    expect(effectOf(of(none, runtime), of(none, runtime))).toBe("runtime");
    expect(effectOf(of(drain, runtime), of(drain, runtime))).toBe("listenerDrain");
  });

  test("of a target that was not there before is that of its start; one that goes closes its listeners", () => {
    const [none, other] = [part(rendered), part(rendered)];
    expect(effectOf(null, of(none))).toBe("reload");
    expect(effectOf(of(none), of(none, other))).toBe("reload");
    expect(effectOf(of(none, other), of(none))).toBe("listenerDrain");
  });
});
