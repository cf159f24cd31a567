/** YAML bodies, small and as large as they may be, in every shape that is dear to read. */
import { shootAll } from "./expect.ts";
import type { Attack } from "./types.ts";

const SIZES = { short: [7 * 1024, 64 * 1024], whole: [7 * 1024, 256 * 1024, 4 * 1024 * 1024 - 64] };

function fill(unit: string, bytes: number): string {
  return unit.repeat(Math.max(1, Math.floor(bytes / unit.length)));
}

/** Lines that differ by a number. */
function lines(bytes: number, line: (index: number) => string): string {
  return Array.from({ length: Math.ceil(bytes / (line(10_000).length + 1)) }, (_, index) => line(index)).join("\n");
}

/** Ten times ten times ten…: `a` to `i`, each a list of ten of the one before. */
function aliasBomb(): string {
  const names = [..."abcdefghi"];
  const lists = names.slice(1).map((name, index) => `${name}: &${name} [${fill(`*${names[index]},`, 30)}]`);
  return ["a: &a [x, x]", ...lists].join("\n");
}

const shapes: Readonly<Record<string, (bytes: number) => string>> = {
  brackets: (bytes) => "[".repeat(bytes),
  braces: (bytes) => fill("{a: ", bytes),
  "dashes in a row": (bytes) => fill("- ", bytes),
  "explicit keys": (bytes) => fill("? ", bytes),
  "empty maps": (bytes) => `[${fill("{},", bytes)}]`,
  pairs: (bytes) => `[${fill("a: ,", bytes)}]`,
  dashes: (bytes) => fill("-\n", bytes),
  "distinct keys": (bytes) => lines(bytes, (index) => `k${index}: 1`),
  "one key again and again": (bytes) => fill("a: 1\n", bytes),
  anchors: (bytes) => lines(bytes, (index) => `- &a${index} 1`),
  aliases: (bytes) => `- &a 1\n${fill("- *a\n", bytes)}`,
  "aliases of a long text": (bytes) => `a: &a ${"x".repeat(bytes / 2)}\nb: [${Array(900).fill("*a").join(", ")}]`,
  "an alias bomb": aliasBomb,
  "an alias of what holds it": () => "&a [*a]",
  "merge keys": (bytes) => `b: &b {a: 1}\n${lines(bytes, (index) => `c${index}: {<<: *b}`)}`,
  tags: (bytes) => lines(bytes, (index) => `!!str a${index}: !!str b`),
  "unknown tags": (bytes) => lines(bytes, (index) => `a${index}: !x b`),
  "many documents": (bytes) => fill("---\n", bytes),
  comments: (bytes) => fill("#\n", bytes),
  "folded text": (bytes) => `a: >\n${fill("  b\n\n", bytes)}`,
  escapes: (bytes) => `"${fill("\\u00e4", bytes)}"`,
  "four-byte characters": (bytes) => `a: "${fill("\u{1f600}", bytes / 2)}"`,
  "one number": (bytes) => `a: ${"1".repeat(bytes)}`,
  tabs: (bytes) => `a:\n${fill("\t\n", bytes)}`,
};

const headers = { "content-type": "application/yaml" };

/** Whole configurations that cannot be. */
export const yamlBodies: Attack = {
  name: "YAML of a configuration",
  promise: "no shape of a body that is allowed by its size holds the loop, takes the memory or ends the process",
  async run(server, size) {
    const wrong: string[] = [];
    for (const bytes of SIZES[size]) {
      const shots = Object.entries(shapes).map(([name, make]) => {
        return { name: `${name}, ${bytes}`, method: "PUT", path: "/v1/config", body: make(bytes), headers };
      });
      wrong.push(...(await shootAll(server, shots, [400, 413, 422])));
    }
    return wrong;
  },
};
