import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import type { Diagnostic } from "../errors/diagnostic.ts";
import type { FleetIr } from "../ir/index.ts";
import { resourceJson } from "../targets/envoy/json.ts";
import type { Rendered } from "../targets/target.ts";
import type { Place } from "../tooling/leaves.ts";
import { PLACES, spotsOf } from "./arbitrary/edits.ts";
import type { Document } from "./arbitrary/names.ts";
import { shuffled } from "./arbitraryModel.ts";
import { checkRendered, compileDocument, renderedText, renderFleet } from "./modelFiles.ts";

/**
 * The golden chain: `src/testdata/<case>/input.yaml` in, diagnostics and every fleet's output beside it; a case for each feature,
 * of its name. `UPDATE_GOLDEN=1` rewrites; files that no case produces are deleted then, and are an error otherwise. A new case
 * needs no code, and a new field of the schemas needs a case.
 */
const folder = join(import.meta.dirname, "../testdata");
const update = process.env.UPDATE_GOLDEN === "1";
const cases = readdirSync(folder).sort();

function outputOf(fleet: string, rendered: Rendered): Map<string, string> {
  const files = new Map<string, string>();
  if (rendered.kind === "files") for (const { path, text } of rendered.files) files.set(`${fleet}/${path}`, text);
  else {
    for (const resources of rendered.resources.values()) {
      for (const resource of resources.values())
        files.set(
          `${fleet}/${resource.typeUrl.split(".").at(-1)}/${resource.name}.json`,
          `${JSON.stringify(resourceJson(resource), null, 2)}\n`,
        );
    }
  }
  return files;
}

function diagnosticsText(diagnostics: readonly Diagnostic[]): string {
  return diagnostics
    .map(
      ({ severity, code, resource, pointer, message }) =>
        `${severity} ${code} ${resource ? `${resource.kind}/${resource.name}` : ""}${pointer}: ${message}\n`,
    )
    .join("");
}

function filesBelow(root: string): string[] {
  if (!existsSync(root)) return [];
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    .filter((name) => name !== "input.yaml");
}

/** What a file that went away may leave. */
function removeEmptyFolders(root: string): void {
  for (const entry of readdirSync(root, { withFileTypes: true })) {
    if (!entry.isDirectory()) continue;
    const folderBelow = join(root, entry.name);
    removeEmptyFolders(folderBelow);
    if (readdirSync(folderBelow).length === 0) rmdirSync(folderBelow);
  }
}

function documentOf(name: string): Document {
  return parse(readFileSync(join(folder, name, "input.yaml"), "utf8")) as Document;
}

/** Bytes of all outputs, by fleet. */
function textsOf(fleets: readonly FleetIr[], boundary = false): Record<string, string> {
  return Object.fromEntries(fleets.map((ir) => [ir.name, renderedText(renderFleet(ir, boundary))]));
}

/** Numbers that are the same in each run: of places in lists that are shuffled. */
function* numbers(): Generator<number, number> {
  for (let number = 1; ; number = (number * 48_271) % 2_147_483_647) yield number / 2_147_483_647;
}

describe.each(cases)("%s", (name) => {
  const root = join(folder, name);
  const { compiled, diagnostics } = compileDocument(documentOf(name));
  const fleets = [...(compiled?.fleets.values() ?? [])];
  const expected = new Map<string, string>([["diagnostics.txt", diagnosticsText(diagnostics)]]);
  for (const ir of fleets) for (const [path, text] of outputOf(ir.name, renderFleet(ir))) expected.set(path, text);

  test("gives the committed output", () => {
    if (update) {
      for (const path of filesBelow(root)) rmSync(join(root, path));
      for (const [path, text] of expected) {
        mkdirSync(dirname(join(root, path)), { recursive: true });
        writeFileSync(join(root, path), text);
      }
      removeEmptyFolders(root);
    }
    expect(filesBelow(root).sort()).toEqual([...expected.keys()].sort());
    for (const [path, text] of expected)
      expect(`${path}\n${readFileSync(join(root, path), "utf8")}`).toBe(`${path}\n${text}`);
  });

  test("gives the same bytes when the IR went through JSON", () => {
    expect(textsOf(fleets, true)).toEqual(textsOf(fleets));
  });

  test("gives the same when the input's lists are in another order", () => {
    const random = numbers();
    const other = compileDocument(shuffled(documentOf(name), () => random.next().value));
    expect(textsOf([...(other.compiled?.fleets.values() ?? [])])).toEqual(textsOf(fleets));
    // Where a document has no shape, problems are told by their place in it.
    const isPlaced = diagnostics.some(({ resource }) => resource === undefined);
    if (!isPlaced) expect(diagnosticsText(other.diagnostics)).toBe(diagnosticsText(diagnostics));
  });

  test("is accepted by the proxies' own checkers", async () => {
    for (const ir of fleets) expect(await checkRendered(ir, renderFleet(ir))).toEqual({ ok: true, message: "" });
  });
});

test("every field stands in a case", () => {
  const documents = cases.map(documentOf);
  const isSet = (place: Place): boolean =>
    documents.some((document) => spotsOf(document, place).some(({ container, key }) => container[key] !== undefined));
  const missing = PLACES.filter((place) => !isSet(place)).map(({ path }) => path);
  expect(missing).toEqual([]);
});
