/** What the hand-written pages let a reader type is there: commands with their options, scripts, files. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { root } from "./tidy/sources.ts";

const read = (path: string): string => readFileSync(join(root, path), "utf8");
const options = documentedOptions();
const scripts = Object.keys((JSON.parse(read("package.json")) as { scripts: Record<string, string> }).scripts);
const pages = [
  "README.md",
  "bench/README.md",
  "e2e/README.md",
  ...readdirSync(join(root, "docs"))
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name}`),
];

/** By command: the generated reference is fresh (`docs.test.ts`). */
function documentedOptions(): ReadonlyMap<string, ReadonlySet<string>> {
  const [, ...sections] = read("docs/reference/cli.md").split(/^## trimtab /m);
  return new Map(
    sections.map((section) => {
      const cells = [...section.matchAll(/^\| `([^`]+)` \|/gm)].map(([, cell = ""]) => cell);
      return [section.split("\n")[0] ?? "", new Set(cells.flatMap(flagsIn))];
    }),
  );
}

function flagsIn(text: string): string[] {
  return [...text.matchAll(/(?:^|\s)(--?[a-zA-Z][\w-]*)/g)].map(([, flag = ""]) => flag);
}

/** Lines of blocks, a continued one as one; and code in sentences. */
function typed(page: string): string[] {
  const text = read(page);
  const fence = /^ *```(\w*)\n(.*?)^ *```/gms;
  const blocks = [...text.matchAll(fence)].map(([, , block = ""]) => block.replaceAll(/\\\n\s*/g, " "));
  const sentences = text.replaceAll(fence, "").matchAll(/`([^`]+)`/g);
  const lines = [...blocks.flatMap((block) => block.split("\n")), ...[...sentences].map(([, code = ""]) => code)];
  // Comments, and what stands behind the command.
  return lines.map((line) => line.replaceAll("\n", " ").split(/ #| [|>&;]/)[0] ?? "");
}

/** What no command, option or script of that name is there for. */
function mistakes(line: string): string[] {
  const [, script] = /\bnpm run (?:-s )?([\w:-]+)/.exec(line) ?? [];
  if (script !== undefined && !scripts.includes(script)) return [line];
  const [, named, words = ""] =
    /(?:^|\s)(trimtab|node dist\/main\.js)(?: --)? ([a-z].*)/.exec(line) ??
    /^()([a-z]+ (?:.* )?--[a-z].*)/.exec(line) ??
    [];
  const command = [words.split(" ", 2).join(" "), words.split(" ")[0] ?? ""].find((name) => options.has(name));
  if (command === undefined) return named ? [line] : [];
  return flagsIn(words).every((flag) => options.get(command)?.has(flag)) ? [] : [line];
}

test.each(pages)("%s names commands, options and scripts that exist", (page) => {
  expect(typed(page).flatMap(mistakes)).toEqual([]);
});

test.each(pages)("%s names files that exist", (page) => {
  const paths = typed(page).flatMap(
    (code) => /^(?:src|docs|e2e|bench|templates|examples)\/[\w./-]+\.\w+$/.exec(code) ?? [],
  );
  expect(paths.filter((path) => !existsSync(join(root, path)))).toEqual([]);
});
