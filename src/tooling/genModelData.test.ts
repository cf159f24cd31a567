/** What the generators read out of schemas, on planted ones; and that they run where nothing is generated yet. */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { defaults } from "../gen/defaults.ts";
import { leafPaths } from "../gen/leafPaths.ts";
import { defaultsIn, generateModelData, referencesIn } from "./genModelData.ts";
import { allLeaves, allPlaces } from "./leaves.ts";
import { type NamedSchema, type Schema, schemaOf } from "./schemas.ts";
import { root } from "./tidy/sources.ts";

const NAME = { $ref: "trimtab:values#/$defs/name" };

/** Gates have a list of parts, from a file of their own, which name keys. */
function planted(part: Record<string, Schema> = {}, parts: Schema = { maxItems: 9 }): NamedSchema[] {
  const object = (properties: Record<string, Schema>, required: string[]): Schema => ({
    type: "object",
    required,
    properties,
  });
  const list = (kind: string): Schema => ({ type: "array", maxItems: 8, items: { $ref: `trimtab:${kind}` } });
  const files: Record<string, Schema> = {
    config: object({ gates: list("gate"), keys: list("key") }, []),
    gate: {
      ...object({ name: NAME, parts: { type: "array", ...parts, items: { $ref: "trimtab:gate/part" } } }, ["name"]),
      title: "Gate",
    },
    "gate/part": object(
      { key: { ...NAME, "x-ref": "keys" }, weight: { $ref: "trimtab:values#/$defs/weight" }, ...part },
      ["key"],
    ),
    key: { ...object({ name: NAME }, ["name"]), title: "Key" },
    values: {
      $defs: {
        name: { type: "string", maxLength: 63 },
        weight: { $ref: "#/$defs/count", default: 1 },
        count: { type: "integer", minimum: 0 },
      },
    },
  };
  return Object.entries(files).map(([id, schema]) => ({ id, schema: { $id: `trimtab:${id}`, ...schema } }));
}

describe("references", () => {
  test("one in a list of objects of another file is found, and who can name whom", () => {
    expect(referencesIn(planted())).toEqual({ gate: [["key", "parts", "*", "key"]], key: [] });
    const text = generateModelData(planted())["references.ts"];
    expect(text).toContain('  gate: [["key","parts","*","key"]],\n');
    expect(text).toContain('  key: ["gate"],\n');
    expect(text).toContain("MAX_LISTED = 9;");
  });

  test.each<[string, NamedSchema[], RegExp]>([
    [
      "in a map, where no path leads",
      planted({ keys: { type: "object", additionalProperties: { ...NAME, "x-ref": "keys" } } }),
      /an x-ref of gate stands where no field is/,
    ],
    [
      "to what is no collection",
      planted({ lock: { ...NAME, "x-ref": "locks" } }),
      /gate\.parts\[\]\.lock names one of locks/,
    ],
    ["in a list without a maximum", planted({}, {}), /gate\.parts holds names and has no maxItems/],
  ])("one %s is no silent gap", (_where, schemas, message) => {
    expect(() => generateModelData(schemas)).toThrow(message);
  });
});

describe("kinds", () => {
  test("come from the lists of a configuration, in its order", () => {
    const text = generateModelData(planted())["kinds.ts"];
    expect(text).toContain('import type { Gate, Key } from "./model.ts";');
    expect(text).toContain("  gate: Gate;\n  key: Key;\n");
    expect(text).toContain('  gate: "gates",\n  key: "keys",\n');
    expect(text).toContain("  gate: 8,\n  key: 8,\n");
  });
});

describe("defaults", () => {
  test("those behind references, of objects and of lists are found at each place", () => {
    const more = { mode: { enum: ["a", "b"], default: "b" }, at: { type: "array", items: {}, default: [1] } };
    expect(defaultsIn(planted(more))).toEqual({
      "gate.parts[].weight": 1,
      "gate.parts[].mode": "b",
      "gate.parts[].at": [1],
    });
  });

  test("of the model are constants with their own types", () => {
    const idle: "60s" = defaults["route.rules[].timeouts.idle"];
    const weights: readonly [1, 1] = [defaults["cluster.endpoints[].weight"], defaults["route.rules[].split[].weight"]];
    expect([idle, ...weights, defaults["healthCheck.http.expectedStatus"]]).toEqual(["60s", 1, 1, ["200-299"]]);
  });
});

describe("places", () => {
  test("have a path, the way there, and their schema without references", () => {
    const weight = allLeaves(planted()).find(({ path }) => path === "gate.parts[].weight");
    expect(weight).toEqual({
      kind: "gate",
      path: "gate.parts[].weight",
      steps: ["parts", "*", "weight"],
      required: false,
      schema: { type: "integer", minimum: 0, default: 1, "x-value": "weight" },
    });
    expect(allPlaces(planted()).map(({ path, required }) => `${path}${required ? "!" : ""}`)).toEqual([
      "gate.name!",
      "gate.parts",
      "gate.parts[]",
      "gate.parts[].key!",
      "gate.parts[].weight",
      "key.name!",
    ]);
  });

  test("of the model: every leaf that targets answer for, each with a type or a list of values", () => {
    const leaves = allLeaves();
    expect(leaves.map(({ path }) => path)).toEqual(leafPaths);
    const vague = leaves.filter(({ schema }) => schema.type === undefined && schema.enum === undefined);
    expect(vague.map(({ path }) => path)).toEqual([]);
    expect(JSON.stringify(leaves)).not.toContain("$ref");
  });

  test.each<[string, Schema, RegExp]>([
    ["a reference to nothing", { $ref: "trimtab:values#/$defs/gone" }, /does not resolve/],
    ["a limit beside a reference, of which one would be lost", { ...NAME, maxLength: 5 }, /maxLength stands beside/],
  ])("%s is refused", (_what, schema, message) => {
    expect(() => schemaOf("gate", planted({ odd: schema }))).toThrow(message);
  });
});

test("the generator needs nothing that it makes: it runs in a fresh clone", () => {
  const seen = new Set<string>();
  const visit = (path: string): void => {
    if (seen.has(path)) return;
    seen.add(path);
    if (!existsSync(join(root, path))) return;
    const imports = readFileSync(join(root, path), "utf8").matchAll(
      /^(?:import|export) (?!type\b)[^;]*?from "(\.[^"]+)";/gm,
    );
    for (const [, target = ""] of imports) visit(join(dirname(path), target));
  };
  visit("src/tooling/gen.ts");
  expect([...seen]).toContain("src/model/values.ts");
  expect([...seen].filter((path) => path.startsWith("src/gen/"))).toEqual([]);
});
