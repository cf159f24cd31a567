/** `docs/xds.md`: what the xDS server owes its clients, and the tests that show it, found by the numbers in their titles. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { listFiles, root } from "../tidy/sources.ts";
import { pageHead, table } from "./markdown.ts";
import { OBLIGATIONS, REGRESSIONS } from "./xdsObligations.ts";

const INTRO = `What the xDS server owes its clients, and the tests that show it. S: state of the world, D: delta, B: both. A test names the
numbers that it shows in its title; a number without a test, or a test of an unknown number, fails \`npm run test:unit\`.`;

/** A title such as `obligations 24, 25, regression 3: what the test shows`. */
const TITLE = /"((?:(?:, )?(?:obligation|regression)s? \d+(?:, \d+)*)+): ((?:[^"\\]|\\.)*)"/g;
const TAG = /(obligation|regression)s? (\d+(?:, \d+)*)/g;
/** What `it.each` fills in at the end says nothing here; elsewhere it has a word for it. */
const FILLED_IN = / ?\((?:\w+: )?\$\w+\)|: \$\w+/g;
const WORDS: readonly (readonly [string, string])[] = [
  ["%s", "a type"],
  ["$path", "each method"],
];

/** A test that names numbers. */
export interface NamedTest {
  readonly path: string;
  readonly title: string;
}

/** `obligation 7` or `regression 7` -> the tests that name it. */
export function namedTests(): ReadonlyMap<string, readonly NamedTest[]> {
  const found = new Map<string, NamedTest[]>();
  for (const path of listFiles().filter((file) => /^src\/xds\/.*\.test\.ts$/.test(file))) {
    for (const [, tags = "", text = ""] of readFileSync(join(root, path), "utf8").matchAll(TITLE)) {
      const title = WORDS.reduce((line, [from, to]) => line.replace(from, to), text.replaceAll(FILLED_IN, ""));
      for (const key of keysIn(tags)) found.set(key, [...(found.get(key) ?? []), { path, title }]);
    }
  }
  return found;
}

function keysIn(tags: string): string[] {
  return [...tags.matchAll(TAG)].flatMap(([, kind = "", numbers = ""]) =>
    numbers.split(", ").map((number) => `${kind} ${number}`),
  );
}

/** The whole page. */
export function xdsReference(): string {
  const tests = namedTests();
  const shown = (key: string): string =>
    (tests.get(key) ?? []).map(({ path, title }) => `[${title}](../${path})`).join("; ");
  const sections = OBLIGATIONS.map(([title, list]) => {
    const rows = list.map(([number, variant, text]) => [`${number}`, variant, text, shown(`obligation ${number}`)]);
    return `\n## ${title}\n\n${table(["", "", "obligation", "tests"], rows)}`;
  });
  const bugs = REGRESSIONS.map(([number, text]) => [`${number}`, text, shown(`regression ${number}`)]);
  return [
    pageHead("The xDS server", INTRO),
    ...sections,
    `\n## Bugs that other servers had\n\n${table(["", "bug", "tests"], bugs)}`,
  ].join("");
}
