/**
 * The house rules that no linter knows: which folder may see which, sizes, a doc comment on every export, nothing dead,
 * nothing of one machine. Each rule is a function that lists what breaks it; the list must be empty.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { importCircles } from "./tidy/importCircles.ts";
import { forbiddenImport, isTestCode, roomOf } from "./tidy/importTable.ts";
import { ALLOWED_MEMORIES } from "./tidy/memories.ts";
import { mayNameProxies } from "./tidy/proxyNames.ts";
import { listFiles, parseSource, readSource, root, type Source } from "./tidy/sources.ts";

/** Norms of style: half of the files fit two screens, and each is read in one sitting. */
const MEDIAN_LINES = 120;
const MAX_LINES = 300;
/** A test file is a list: long is less bad. */
const MAX_TEST_LINES = 1000;
/** The formatter wraps code at 120; what it cannot wrap (strings, comments) may be a little longer. */
const MAX_COLUMNS = 140;
/** A line that is one text for people (a message, a table cell) is not broken into pieces. */
const ONE_TEXT = /^\s*(?:return )?(?:"?[\w.[\]-]+"?: |\w+ = |\w+\()?(["'`]).*\1(?: as const)?[),;]*$/;

/** Has the clock by which the edges run the steps of the pure rooms. */
const SLICES = "src/util/slices.ts";

/** Programs of their own: nobody imports them. */
const ENTRY_POINTS = [
  /^src\/[^/]+\.ts$/,
  /^src\/tooling\/[^/]+\.(ts|mjs)$/,
  /^bench\/[^/]+\.ts$/,
  /\.test\.ts$/,
  /vitest\.config\.ts$/,
  /^e2e\/harness\/(globalSetup|onFailure)\.ts$/,
  /^e2e\/clients\/[^/]+\.ts$/,
];

const files = listFiles();
const sources = files
  .filter((path) => /^(src|e2e|bench)\/.*\.(ts|mjs)$/.test(path) && !path.endsWith(".d.ts"))
  .map(readSource);
const byPath = new Map(sources.map((source) => [source.path, source]));
const inSrc = sources.filter((source) => source.path.startsWith("src/"));
const product = sources.filter((source) => !isTestCode(source.path));

describe("imports", () => {
  test("follow the table of docs/architecture.md", () => {
    expect(sources.flatMap(importProblems)).toEqual([]);
  });

  test.each([
    ["src/ir/index.ts", "src/targets/target.ts"],
    ["src/targets/nginx/lower.ts", "src/model/types.ts"],
    ["src/targets/nginx/lower.ts", "src/targets/haproxy/lower.ts"],
    ["src/targets/nginx/lower.ts", "src/targets/registry.ts"],
    ["src/compiler/compile.ts", "node:fs"],
    ["src/compiler/compile.ts", "src/store/types.ts"],
    ["src/xds/server.ts", "src/ir/index.ts"],
    ["src/api/server.ts", "src/compiler/index.ts"],
    ["src/model/validate.ts", "fastify"],
    ["src/util/hash.ts", "src/errors/codes.ts"],
    ["src/compiler/compile.ts", "src/util/slices.ts"],
    ["src/targets/gate.ts", "src/util/slices.ts"],
    ["src/store/index.ts", "src/main.ts"],
    ["src/agent/nginx.ts", "src/agent/testSupport.ts"],
    ["src/main.ts", "src/tooling/gen.ts"],
    ["e2e/cases/a.test.ts", "src/ir/index.ts"],
  ])("the table refuses %s -> %s", (from, to) => {
    expect(forbiddenImport(from, to)).toBeTypeOf("string");
  });

  test.each([
    ["src/targets/nginx/lower.ts", "src/targets/target.ts"],
    ["src/targets/registry.ts", "src/targets/nginx/index.ts"],
    ["src/targets/envoy/lower.ts", "src/gen/proto/envoy/config/route/v3/route_pb.js"],
    ["src/compiler/compile.ts", "src/model/types.ts"],
    ["src/main.ts", "src/xds/index.ts"],
    ["src/xds/server.ts", "@grpc/grpc-js"],
    ["src/compiler/compiler.test.ts", "src/model/index.ts"],
    ["src/store/group.ts", "src/util/slices.ts"],
  ])("the table allows %s -> %s", (from, to) => {
    expect(forbiddenImport(from, to)).toBeUndefined();
  });

  test("no files import each other in a circle, not even types", () => {
    expect(importCircles(sources).map((circle) => circle.join(" -> "))).toEqual([]);
  });

  test("the search finds circles: of two files, of types, of a file and itself; not two ways to one file", () => {
    const parse = (path: string, text: string): Source => parseSource(`src/model/${path}.ts`, text);
    const apart = [
      parse("a", 'import "./b.ts"; import { type C } from "./c.ts";'),
      parse("b", 'import "./d.ts";'),
      parse("c", 'export * from "./d.ts";'),
      parse("d", 'import "node:fs"; import "./missing.ts";'),
    ];
    expect(importCircles(apart)).toEqual([]);
    const back = (text: string): string[][] => importCircles([...apart.slice(0, 3), parse("d", text)]);
    const [a, b, d] = ["src/model/a.ts", "src/model/b.ts", "src/model/d.ts"];
    expect(back('import { a } from "./a.ts";')).toEqual([[a, b, d]]);
    expect(back('import type { A } from "./a.ts";')).toEqual([[a, b, d]]);
    expect(back('export type { B } from "./b.ts";')).toEqual([[b, d]]);
    expect(back('const load = () => import("./b.ts");')).toEqual([[b, d]]);
    expect(back('import "./d.ts";')).toEqual([[d]]);
  });

  test("nothing in src is dead: the program, a tool or a test reaches every file", () => {
    const reached = reachable(sources.filter((source) => isEntryPoint(source.path)).map((source) => source.path));
    expect(sources.map((source) => source.path).filter((path) => !reached.has(path))).toEqual([]);
  });

  test("no file of the program is there for tests only, unless its name says so", () => {
    const entries = product.filter((source) => /^src\/[^/]+\.ts$|^src\/tooling\//.test(source.path));
    const reached = reachable(entries.map((source) => source.path));
    const own = inSrc.filter((source) => !isTestCode(source.path) && !reached.has(source.path));
    expect(own.map((source) => source.path)).toEqual([]);
  });
});

describe("sizes", () => {
  test(`no file is over ${MAX_LINES} lines, no test over ${MAX_TEST_LINES}`, () => {
    const limit = (source: Source): number => (isTestCode(source.path) ? MAX_TEST_LINES : MAX_LINES);
    const over = sources.filter((source) => source.size > limit(source));
    expect(over.map((source) => `${source.path}: ${source.size} lines`)).toEqual([]);
  });

  test(`half of the files have at most ${MEDIAN_LINES} lines`, () => {
    const sizes = product.map((source) => source.size).sort((a, b) => a - b);
    expect(sizes[sizes.length >> 1]).toBeLessThanOrEqual(MEDIAN_LINES);
  });

  test(`no line is over ${MAX_COLUMNS} columns`, () => {
    const over = sources.flatMap(({ path, text }) =>
      text
        .split("\n")
        .flatMap((line, index) => (line.length > MAX_COLUMNS && !ONE_TEXT.test(line) ? [`${path}:${index + 1}`] : [])),
    );
    expect(over).toEqual([]);
  });
});

describe("documentation", () => {
  test("every export of src has a doc comment", () => {
    const program = inSrc.filter((source) => !isTestCode(source.path));
    expect(program.flatMap((source) => places(source, source.undocumented))).toEqual([]);
  });

  test("every room's index.ts opens with its contract: input, output, guarantee, what it must not do", () => {
    const indexes = new Set(inSrc.filter((source) => isRoomFile(source.path)).map(indexOfRoom));
    const problems = [...indexes].sort().flatMap((path) => {
      const source = byPath.get(path);
      if (source === undefined) return [`${path} is not there`];
      return contractGaps(source.text).map((gap) => `${path}: its first comment does not state ${gap}`);
    });
    expect(problems).toEqual([]);
  });

  test("the rules find an undocumented export, an any and an import", () => {
    const text = 'import "../regex/b.ts";\n/** Doc. */\nexport const a = 1;\n\nexport function f(x: any) {}\n';
    const source = parseSource("src/util/a.ts", text);
    expect(source.imports).toEqual([{ line: 1, text: "src/regex/b.ts" }]);
    expect(source.undocumented.map((place) => place.line)).toEqual([5]);
    expect(source.anys.map((place) => place.line)).toEqual([5]);
  });
});

describe("code", () => {
  test("no any, no silenced compiler", () => {
    const silenced = /^\s*(?:\/\/|\/\*)\s*@ts-(?:ignore|nocheck)/m;
    const problems = product.flatMap((source) => [
      ...(source.path.startsWith("src/") ? places(source, source.anys) : []),
      ...(silenced.test(source.text) ? [`${source.path}: @ts-ignore or @ts-nocheck`] : []),
    ]);
    expect(problems).toEqual([]);
  });

  test("proxies are known by name to targets and the agent's adapters only", () => {
    const others = inSrc.filter(({ path }) => !isTestCode(path) && !mayNameProxies(path));
    expect(others.flatMap((source) => places(source, source.proxyNames))).toEqual([]);
  });

  test.each([
    ['if (ir.proxy === "envoy") f();', ['"envoy"']],
    ["switch (proxy) { case `nginx`: f(); }", ["`nginx`"]],
    ["const table = { haproxy: 1, 'nginx': 2, other: 3 };", ["haproxy: 1", "'nginx'"]],
    ["targets.envoy.render(ir); const { nginx } = targets;", ["targets.envoy", "nginx"]],
    ["type Kind = 'envoy' | 'other';", ["'envoy'"]],
    ['// envoy\nimport { x } from "../targets/envoy/index.ts"; f("reload nginx", envoyAgent, nginx);', []],
  ])("the search for names sees %s", (text, found) => {
    expect(parseSource("src/publish/a.ts", text).proxyNames.map((place) => place.text)).toEqual(found);
  });

  test("no module remembers anything from one call to the next, but for a short list without a model in it", () => {
    const program = inSrc.filter(({ path }) => !isTestCode(path) && !path.startsWith("src/tooling/"));
    const found = program.flatMap(({ path, memories }) => memories.map(({ text }) => `${path} ${text}`));
    expect(found.sort()).toEqual(Object.keys(ALLOWED_MEMORIES).sort());
  });

  test.each([
    ["const cache = new WeakMap<object, string>();", ["cache"]],
    ["const all = new Map(); export function f(k) { all.set(k, 1); }", ["all"]],
    ["export const list = []; const f = (x) => list.push(x);", ["list"]],
    ["const seen = {}; function f(k) { seen[k] = true; }", ["seen"]],
    ["export let last = null;", ["last"]],
    ["const count = { of: 0 }; function f() { count.of++; }", ["count"]],
    [
      "const NAMES = new Set(['a']); const AT = /x/y; AT.lastIndex = 1; const EMPTY = new Map(); const f = (x) => NAMES.has(x) || EMPTY.get(x);",
      [],
    ],
    ["function f() { const own = new WeakMap(); let n = 0; own.set(f, n++); return own; }", []],
  ])("the search for memories sees %s", (text, found) => {
    expect(parseSource("src/publish/a.ts", text).memories.map((place) => place.text)).toEqual(found);
  });

  test("the pure rooms know no clock and no chance", () => {
    const impure = /\bDate\.now\(|\bnew Date\(\)|\bMath\.random\(|\bperformance\.now\(|\brandomUUID\(/;
    const isPure = ({ path }: Source): boolean =>
      /^src\/(regex|model|ir|compiler|util)\//.test(path) && path !== SLICES;
    const pure = product.filter(isPure);
    expect(pure.filter((source) => impure.test(source.text)).map((source) => source.path)).toEqual([]);
  });
});

describe("the repository", () => {
  test("names no path of one machine and no package registry", () => {
    // Written in pieces, so that this file does not name them.
    const machine = new RegExp(
      ["/wo" + "rk/", "/ro" + "ot/", "/ho" + "me/[a-z]"].map((path) => `(?<![\\w.])${path}`).join("|"),
    );
    const registry = new RegExp(["registry" + "\\.npmjs", "pypi" + "\\.org", "files\\.python" + "hosted"].join("|"));
    const text = files.filter((path) => !/\.(png|svg|ico|tgz)$/.test(path));
    const hits = text.flatMap((path) => {
      const content = readFileSync(join(root, path), "utf8");
      return [machine, registry].flatMap((pattern) => {
        const found = pattern.exec(content);
        return found === null ? [] : [`${path}: ${found[0]}`];
      });
    });
    expect(hits).toEqual([]);
  });

  test("the lock file names no host to download from", () => {
    const lock = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")) as {
      packages: Record<string, { resolved?: string }>;
    };
    const named = Object.entries(lock.packages).filter(([, entry]) => entry.resolved !== undefined);
    expect(named.map(([path]) => path)).toEqual([]);
  });
});

function isEntryPoint(path: string): boolean {
  return ENTRY_POINTS.some((pattern) => pattern.test(path));
}

function importProblems(source: Source): string[] {
  return source.imports.flatMap(({ line, text }) => {
    const reason = forbiddenImport(source.path, text);
    return reason === undefined ? [] : [`${source.path}:${line} imports ${text}: ${reason}`];
  });
}

/** Every file that these import, directly or not, and they themselves. */
function reachable(entries: readonly string[]): Set<string> {
  const seen = new Set<string>();
  const queue = [...entries];
  for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
    if (seen.has(path)) continue;
    seen.add(path);
    for (const imported of byPath.get(path)?.imports ?? []) queue.push(imported.text);
  }
  return seen;
}

function places(source: Source, found: Source["anys"]): string[] {
  return found.map(({ line, text }) => `${source.path}:${line} ${text}`);
}

/** util, errors, tooling, suite and testdata are collections, not rooms with a contract. */
function isRoomFile(path: string): boolean {
  const file = path.slice("src/".length);
  return file.includes("/") && !/^(util|errors|tooling|suite|gen|testdata)\//.test(file) && roomOf(file) !== "targets";
}

function indexOfRoom(source: Source): string {
  return `src/${roomOf(source.path.slice("src/".length))}/index.ts`;
}

function contractGaps(text: string): string[] {
  const comment = text.startsWith("/**") ? text.slice(0, text.indexOf("*/")) : "";
  const wanted: Record<string, RegExp> = {
    "its input": /\binput\b/i,
    "its output": /\boutput\b/i,
    "what it guarantees": /guarantee|promise/i,
    "what it must not do": /must not|\bmust never\b|\bnever\b|\bno\b/i,
  };
  return Object.keys(wanted).filter((name) => !wanted[name]?.test(comment));
}
