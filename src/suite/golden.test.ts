import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import type { Diagnostic } from "../errors/diagnostic.ts";
import type { Rendered } from "../targets/target.ts";
import { resourceJson } from "./envoyJson.ts";
import { checkRendered, compileDocument, renderedText, renderFleet } from "./modelFiles.ts";

/**
 * The golden chain: `src/testdata/<case>/input.yaml` in, diagnostics and every fleet's output beside it. `UPDATE_GOLDEN=1`
 * rewrites; files that no case produces are deleted then, and are an error otherwise. A new case needs no code.
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
        files.set(`${fleet}/${resource.typeUrl.split(".").at(-1)}/${resource.name}.json`, resourceJson(resource));
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

describe.each(cases)("%s", (name) => {
  const root = join(folder, name);
  const { compiled, diagnostics } = compileDocument(parse(readFileSync(join(root, "input.yaml"), "utf8")));
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
    }
    expect(filesBelow(root).sort()).toEqual([...expected.keys()].sort());
    for (const [path, text] of expected)
      expect(`${path}\n${readFileSync(join(root, path), "utf8")}`).toBe(`${path}\n${text}`);
  });

  test("gives the same bytes when the IR went through JSON", () => {
    for (const ir of fleets) expect(renderedText(renderFleet(ir, true))).toBe(renderedText(renderFleet(ir)));
  });

  test("is accepted by the proxies' own checkers", async () => {
    for (const ir of fleets) expect(await checkRendered(ir.proxy, renderFleet(ir))).toEqual({ ok: true, message: "" });
  });
});
