/** The generated pages are what `npm run docs` would write now, and the hand-written ones have no dead links. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { generateDocs } from "./docs.ts";
import { root } from "./tidy/sources.ts";

const pages = generateDocs();

describe("generated pages", () => {
  test.each(Object.entries(pages))("%s is fresh (else: npm run docs)", (path, text) => {
    expect(readFileSync(join(root, path), "utf8")).toBe(text);
  });
});

describe("links", () => {
  const markdown = [
    "README.md",
    "bench/README.md",
    "e2e/README.md",
    "CHANGELOG.md",
    ...readdirSync(join(root, "docs"), { recursive: true, encoding: "utf8" })
      .filter((path) => path.endsWith(".md"))
      .map((path) => join("docs", path)),
  ];

  test.each(markdown)("%s links to files and headings that exist", (path) => {
    // A pattern in code may look like a link.
    const text = readFileSync(join(root, path), "utf8").replaceAll(/(`+)[^`].*?\1/g, "");
    const dead = [...text.matchAll(/\]\(([^)\s]+)\)/g)]
      .map((match) => match[1] as string)
      .filter((link) => !/^[a-z]+:/.test(link) && !linkExists(path, link));
    expect(dead).toEqual([]);
  });
});

function linkExists(from: string, link: string): boolean {
  const [file = "", heading] = link.split("#");
  const target = file === "" ? from : join(dirname(from), file);
  if (!existsSync(join(root, target))) return false;
  if (heading === undefined || !target.endsWith(".md")) return true;
  const headings = readFileSync(join(root, target), "utf8").matchAll(/^#+ (.*)$/gm);
  return [...headings].some((match) => slug(match[1] as string) === heading);
}

/** How the forge names a heading's anchor. */
function slug(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\w\- ]/g, "")
    .replaceAll(" ", "-");
}
