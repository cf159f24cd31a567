/**
 * Builds the program into `dist/`: `main.js` is what people run, `program.js` and what it imports are everything else, in a few large
 * files, for the search for 200 small ones takes longer than most commands. What package.json has under `dependencies` is imported
 * from there; of all other packages what is used is part of the files, and their licences are in `licenses.txt`. The program reads
 * `templates/` beside `dist/`.
 */
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type OutputChunk, rolldown } from "rolldown";
import { transformSync } from "rolldown/utils";

const root = fileURLToPath(new URL("../..", import.meta.url));
const out = join(root, "dist");

/** Code of worker threads: `new URL("./xWorker.js", import.meta.url)` finds it, for all files of `dist/` lie beside each other. */
const WORKER = /\/(\w+Worker)\.ts$/;
/** The words of `main.js`: Node 12 reads them, and is told that it is too old. */
const OLDEST_WORDS = "es2015";

const read = (path: string): string => readFileSync(join(root, path), "utf8");

rmSync(out, { recursive: true, force: true });
mkdirSync(out);
writeFileSync(join(out, "main.js"), entryText());
chmodSync(join(out, "main.js"), 0o755);
const chunks = await bundle();
writeFileSync(join(out, "licenses.txt"), licences(chunks));

function entryText(): string {
  const { code, errors } = transformSync("main.ts", read("src/main.ts"), {
    target: OLDEST_WORDS,
    typescript: { rewriteImportExtensions: "rewrite" },
  });
  if (errors.length > 0) throw new Error(errors.map(({ message }) => message).join("\n"));
  return code;
}

async function bundle(): Promise<readonly OutputChunk[]> {
  const { dependencies } = JSON.parse(read("package.json")) as { dependencies: Record<string, string> };
  const installed = Object.keys(dependencies);
  const build = await rolldown({
    cwd: root,
    input: { program: "src/program.ts", ...workers() },
    platform: "node",
    external: (id) => id.startsWith("node:") || installed.some((name) => id === name || id.startsWith(`${name}/`)),
  });
  const { output } = await build.write({
    dir: out,
    format: "esm",
    entryFileNames: "[name].js",
    chunkFileNames: "[name]-[hash].js",
  });
  await build.close();
  return output.filter((file) => file.type === "chunk");
}

function workers(): Record<string, string> {
  const files = readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" }).map((path) => `src/${path}`);
  return Object.fromEntries(files.flatMap((path) => (WORKER.exec(path) ?? []).slice(1).map((name) => [name, path])));
}

/** The licence of every package that a chunk has code of. */
function licences(chunks: readonly OutputChunk[]): string {
  const folders = new Set<string>();
  for (const id of chunks.flatMap(({ moduleIds }) => moduleIds)) {
    const folder = /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/.exec(id)?.[0];
    if (folder !== undefined) folders.add(folder);
  }
  return [...folders].sort().map(licence).join("\n");
}

function licence(folder: string): string {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Record<
    string,
    string
  >;
  const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
  const text = file === undefined ? "" : `\n${readFileSync(join(folder, file), "utf8").trim()}\n`;
  return `${name} ${version} (${license})\n${text}`;
}
