/** docs/reading-a-rendering.md shows the quickstart as it is rendered: lines, sizes, constants, and what `explain` says. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { openBench } from "../cli/cliHarness.ts";
import { compileDocument, renderFleet } from "./modelFiles.ts";

const root = join(import.meta.dirname, "../..");
const QUICKSTART = join(root, "examples/quickstart.yaml");
const page = readFileSync(join(root, "docs/reading-a-rendering.md"), "utf8");
const files = renderedFiles();
const blocks = [...page.matchAll(/^( *)```(\w+)\n(.*?)^ *```/gms)].map(([, , language, text = ""]) => ({
  language,
  lines: text.split("\n").map((line) => line.trim()),
}));

/** Of nginx and HAProxy, by path. */
function renderedFiles(): ReadonlyMap<string, readonly string[]> {
  const { compiled, diagnostics } = compileDocument(parse(readFileSync(QUICKSTART, "utf8")));
  expect(diagnostics).toEqual([]);
  const found = new Map<string, readonly string[]>();
  for (const ir of compiled?.fleets.values() ?? []) {
    const rendered = renderFleet(ir);
    if (rendered.kind !== "files") continue;
    for (const { path, text } of rendered.files) found.set(path, text.split("\n"));
  }
  return found;
}

/** Whether lines stand one below the other in some file, however far to the right. */
function stands(wanted: readonly string[]): boolean {
  return [...files.values()].some((lines) =>
    lines.some((_, at) => wanted.every((line, offset) => lines[at + offset]?.trim() === line)),
  );
}

/** A block's lines, cut where it leaves something out. */
function pieces(lines: readonly string[]): string[][] {
  const found: string[][] = [[]];
  for (const line of lines) line === "…" ? found.push([]) : line !== "" && found.at(-1)?.push(line);
  return found.filter((piece) => piece.length > 0);
}

test.each(blocks.filter(({ language, lines }) => language === "nginx" || language === "haproxy" || isMap(lines)))(
  "what is shown stands in a file: $lines.0",
  ({ lines }) => expect(pieces(lines).filter((piece) => !stands(piece))).toEqual([]),
);

/** Lines of a map, which have no language of their own. */
function isMap(lines: readonly string[]): boolean {
  return lines.every((line) => line === "" || line === "…" || /^[\w.:/?-]+ [\w.:/?-]+$/.test(line));
}

test("what a change takes away stands in a file", () => {
  const gone = blocks
    .filter(({ language }) => language === "diff")
    .flatMap(({ lines }) => lines.filter((line) => line.startsWith("-")).map((line) => line.slice(1).trim()));
  expect(gone.length).toBeGreaterThan(0);
  expect(gone.filter((line) => !stands([line]))).toEqual([]);
});

test("the tables say how many lines the files have", () => {
  const rows = [...page.matchAll(/^\| (`[^|]+`) \| ([\d, ]+) \|/gm)];
  expect(rows.length).toBeGreaterThan(0);
  for (const [, names = "", sizes] of rows) {
    const counts = names.split(", ").map((name) => {
      const pattern = new RegExp(`^${name.replaceAll("`", "").replaceAll(/<\w+>|\*/g, "[^/]+")}$`);
      const matching = [...files].filter(([path]) => pattern.test(path));
      // A file that ends with a line feed has an empty text behind its last line.
      return matching.reduce((sum, [, lines]) => sum + lines.length - (lines.at(-1) === "" ? 1 : 0), 0);
    });
    expect([names, counts.join(", ")]).toEqual([names, sizes]);
  }
});

describe("numbers above which a part has a second form", () => {
  const rows = [...page.matchAll(/^\| ([\d ]+) .*\| `([A-Z_]+)`, (?:`(\S+)`|there) \|$/gm)];
  let file = "";
  test.each(rows.map(([, number = "", name = "", path = ""]) => ({ number, name, path })))("$name", (row) => {
    if (row.path !== "") file = row.path;
    const value = new RegExp(`const ${row.name} = ([\\d_]+);`).exec(readFileSync(join(root, file), "utf8"))?.[1];
    const above = Number(value?.replaceAll("_", "")) - (row.name.endsWith("_FROM") ? 1 : 0);
    expect(above).toBe(Number(row.number.replaceAll(" ", "")));
  });
});

test("explain says what the page says", async () => {
  const [, options = "", shown = ""] = /^\$ trimtab explain examples\/\S+ (.*)\n((?:.*\n)*?)```/m.exec(page) ?? [];
  const argv = options.split(" ").map((each) => each.replaceAll("'", ""));
  const bench = openBench();
  const { out } = await bench.run("explain", QUICKSTART, ...argv);
  bench.close();
  for (const line of shown.split("\n").filter((each) => each.trim() !== "" && each.trim() !== "…"))
    expect(out.split("\n")).toContain(line);
});
