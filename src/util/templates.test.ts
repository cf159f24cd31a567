import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { landingPlace, lintTemplate, loadTemplates } from "./templates.ts";

const word = landingPlace("word");
const text = landingPlace("text");
const places = ["word", "text"];
let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "templates-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

function renderOf(source: string, view: object): string {
  writeFileSync(join(folder, "one.hbs"), source);
  return loadTemplates({ folder, places }).render("one", view);
}

describe("loadTemplates", () => {
  it("writes quoted text as it is", () => {
    const view = { list: [{ name: word("a") }, { name: word("<&>") }], on: true };
    expect(renderOf("{{#each list}}\n- {{word name}};\n{{/each}}\n{{#if on}}on{{else}}off{{/if}}", view)).toBe(
      "- a;\n- <&>;\non",
    );
  });
  it("reads list items and the outer view", () => {
    expect(
      renderOf("{{#each list}}{{word this}}{{text ../tail}}{{/each}}", { list: [word("a")], tail: text("!") }),
    ).toBe("a!");
  });
  it.each([
    ["a plain string", "{{word name}}", { name: "a" }],
    ["an unknown field", "{{word nmae}}", { name: word("a") }],
    ["text of another place", "{{word name}}", { name: text("a") }],
    ["a forged object", "{{word name}}", { name: { text: "a" } }],
    ["a missing list", "{{#each names}}x{{/each}}", {}],
    ["a missing condition", "{{#if names}}x{{/if}}", {}],
    ["a missing negative condition", "{{#unless names}}x{{/unless}}", {}],
  ])("refuses %s", (_, source, view) => {
    expect(() => renderOf(source, view)).toThrow();
  });
  it("refuses a template that bypasses the helpers", () => {
    expect(() => renderOf("{{name}}", { name: word("a") })).toThrow(/not a helper/);
  });
});

describe("lintTemplate", () => {
  it.each([
    "{{name}}",
    "{{{word name}}}",
    "{{&word name}}",
    "{{word}}",
    '{{word "x"}}',
    "{{word a b}}",
    "{{word a=b}}",
  ])("finds fault with %s", (source) => expect(lintTemplate(`ok\n${source}`, places)).toHaveLength(1));
  it.each(["{{> other}}", "{{word (word name)}}", "{{#with a}}x{{/with}}", "{{#each a}}{{this}}{{/each}}"])(
    "finds fault with %s",
    (source) => expect(lintTemplate(source, places)).toHaveLength(1),
  );
  it("accepts helpers and blocks", () => {
    const source = "{{! why }}{{#each a}}{{#if b}}{{word c}}{{else}}{{text ../d}}{{/if}}{{/each}}";
    expect(lintTemplate(source, places)).toEqual([]);
  });
});
