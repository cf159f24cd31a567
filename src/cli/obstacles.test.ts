/** `render` replaces and removes only what it wrote before, and writes nowhere else. */
import { execFileSync, spawn } from "node:child_process";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { lockFolder } from "../util/folderLock.ts";
import { type Bench, MODEL, openBench, type Ran } from "./cliHarness.ts";
import { MANIFEST } from "./manifest.ts";
import { type Tree, writeTree } from "./writeTree.ts";

let bench: Bench;
let out: string;
let elsewhere: string;
beforeEach(() => {
  bench = openBench();
  out = join(bench.dir, "out");
  elsewhere = join(bench.dir, "elsewhere");
  mkdirSync(elsewhere);
  bench.file("m.yaml", MODEL);
  bench.file("other.yaml", MODEL.replace("port: 8080", "port: 8081"));
});
afterEach(() => bench.close());

const render = (model = "m.yaml", ...more: string[]): Promise<Ran> =>
  bench.run("render", join(bench.dir, model), "-o", out, ...more);

/** Everything below a folder: links as links, files with their text. */
function contents(folder: string): Record<string, string> {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return Object.fromEntries(
    entries
      .filter((entry) => entry.isFile() || entry.isSymbolicLink())
      .map((entry) => join(entry.parentPath, entry.name))
      .map((path) => [
        path,
        lstatSync(path).isSymbolicLink() ? `-> ${readlinkSync(path)}` : readFileSync(path, "latin1"),
      ]),
  );
}

/** What is put in the way, where it is told, why, and whether --force replaces it. */
const KINDS: readonly (readonly [string, () => void, string, string, boolean])[] = [
  [
    "a file that render never wrote",
    () => bench.file("out/web1/nginx.conf", "mine"),
    "web1/nginx.conf",
    "was not written by render",
    true,
  ],
  [
    "a link to a file elsewhere",
    () => symlinkSync(bench.file("elsewhere/nginx.conf", "mine"), ensure("out/web1/nginx.conf")),
    "web1/nginx.conf",
    "is a link that render did not make",
    true,
  ],
  [
    "a folder in the place of a file",
    () => bench.file("out/web1/nginx.conf/mine", "mine"),
    "web1/nginx.conf",
    "is a folder where a file must be",
    false,
  ],
  [
    "a pipe in the place of a file",
    () => void execFileSync("mkfifo", [ensure("out/web1/nginx.conf")]),
    "web1/nginx.conf",
    "is no plain file",
    false,
  ],
  [
    "a link in the place of a folder",
    () => symlinkSync(elsewhere, ensure("out/web1/listeners")),
    "web1/listeners",
    "is a link where a folder must be",
    false,
  ],
  [
    "a link to nothing in the place of a folder",
    () => symlinkSync("nowhere", ensure("out/web1/listeners")),
    "web1/listeners",
    "is a link where a folder must be",
    false,
  ],
  [
    "a file in the place of a folder",
    () => bench.file("out/web1/listeners", "mine"),
    "web1/listeners",
    "is no folder, and one must be there",
    false,
  ],
  [
    "a link in the place of a fleet's folder",
    () => symlinkSync(elsewhere, ensure("out/web1")),
    "web1",
    "is a link where a folder must be",
    false,
  ],
  [
    "a file in the place of a fleet's folder",
    () => bench.file("out/web1", "mine"),
    "web1",
    "is no folder, and one must be there",
    false,
  ],
  [
    "a folder in the place of an unfinished file",
    () => bench.file("out/web1/nginx.conf.trimtab-unfinished/mine", "mine"),
    "web1/nginx.conf.trimtab-unfinished",
    "is a folder",
    false,
  ],
];

/** The path, with the folders above it. */
function ensure(path: string): string {
  mkdirSync(join(bench.dir, path, ".."), { recursive: true });
  return join(bench.dir, path);
}

describe("in the way of a first rendering", () => {
  test.each(KINDS)("%s", async (...[, put, path, reason, canForce]) => {
    put();
    const before = contents(bench.dir);
    const { code, err } = await render();
    expect(code).toBe(1);
    expect(err).toMatch(/trimtab: nothing was written: 1 thing in the way; .*\n$/);
    expect(err).toContain(`${join(out, path)} ${reason}\n`);
    expect((await render("m.yaml", "--json")).json).toMatchObject({
      ok: false,
      inTheWay: [{ path: join(out, path), reason, canForce }],
    });
    // Nothing of the other fleet either.
    expect(contents(bench.dir)).toEqual(before);
    expect((await render("m.yaml", "--force")).code).toBe(canForce ? 0 : 1);
    if (canForce) expect(lstatSync(join(out, path)).isFile()).toBe(true);
    else expect(contents(bench.dir)).toEqual(before);
    expect(Object.values(contents(elsewhere)).every((text) => text === "mine")).toBe(true);
  });
});

describe("after a rendering", () => {
  const conf = (): string => join(out, "web1", "nginx.conf");

  test("the same again, and another model, are no question", async () => {
    for (const model of ["m.yaml", "m.yaml", "other.yaml", "m.yaml"]) expect((await render(model)).code).toBe(0);
  });

  test("a file that was changed by hand is told of, kept, and replaced with --force", async () => {
    await render();
    writeFileSync(conf(), "# mine\n");
    const { code, err } = await render("other.yaml");
    expect([code, err]).toEqual([
      1,
      `${conf()} was changed since render wrote it\ntrimtab: nothing was written: 1 thing in the way; move them away, or replace them with --force\n`,
    ]);
    expect(readFileSync(conf(), "utf8")).toBe("# mine\n");
    expect((await render("other.yaml", "--force")).code).toBe(0);
    expect((await render("m.yaml")).code).toBe(0);
  });

  test("a file that is gone is written again; one that has the content already is in nobody's way", async () => {
    await render();
    const text = readFileSync(conf(), "utf8");
    rmSync(conf());
    expect((await render()).code).toBe(0);
    rmSync(join(out, "web1", MANIFEST));
    expect((await render()).code).toBe(0);
    expect(readFileSync(conf(), "utf8")).toBe(text);
  });

  test("a changed file that is no longer rendered is not removed without --force", async () => {
    await render();
    bench.file(
      "less.yaml",
      MODEL.replace("listeners: [web]", "listeners: [web]").replace("fleets: [edge, web1, hap]", "fleets: [edge, hap]"),
    );
    const gone = join(out, "web1", "listeners", "web.conf");
    writeFileSync(gone, "mine");
    const { code, err } = await render("less.yaml");
    expect([code, err]).toEqual([1, expect.stringContaining(`${gone} was changed since, and would be removed\n`)]);
    expect((await render("less.yaml", "--force")).code).toBe(0);
    expect(existsSync(gone)).toBe(false);
  });

  test("a changed file of a fleet that is gone stays, and is said to", async () => {
    await render();
    bench.file("less.yaml", MODEL.replace("  - {name: web1, proxy: nginx}\n", "").replace("web1, ", ""));
    writeFileSync(conf(), "mine");
    const { code, out: told } = await render("less.yaml");
    expect([code, told]).toEqual([
      0,
      expect.stringMatching(/web1: not in the model, .*; what is not ours stays there\n/),
    ]);
    expect(readdirSync(join(out, "web1"))).toEqual(["nginx.conf"]);
    expect(readFileSync(conf(), "utf8")).toBe("mine");
  });

  test("a manifest that is a link is not read", async () => {
    await render();
    const manifest = join(out, "web1", MANIFEST);
    writeFileSync(join(elsewhere, "manifest"), readFileSync(manifest));
    rmSync(manifest);
    symlinkSync(join(elsewhere, "manifest"), manifest);
    const { code, err } = await render("other.yaml");
    expect([code, err]).toEqual([1, expect.stringContaining(`${manifest} cannot be read`)]);
  });

  test.skipIf(process.geteuid?.() === 0)(
    "a folder that may not be written is told before anything is written",
    async () => {
      await render();
      const before = contents(out);
      chmodSync(join(out, "web1", "listeners"), 0o555);
      const { code, err } = await render("other.yaml");
      chmodSync(join(out, "web1", "listeners"), 0o755);
      expect([code, err]).toEqual([1, expect.stringContaining("in which this user may not write")]);
      expect(contents(out)).toEqual(before);
      chmodSync(out, 0o555);
      bench.file("more.yaml", MODEL.replace("listeners:", "  - {name: web2, proxy: nginx}\nlisteners:"));
      const more = await render("more.yaml");
      chmodSync(out, 0o755);
      expect([more.code, more.err]).toEqual([1, expect.stringContaining(`${out} is a folder in which this user may`)]);
      expect(contents(out)).toEqual(before);
    },
  );
});

test("a run that was cut off after any file is gone on with, and what it left is known", async () => {
  const tree = (version: string, cut = Number.POSITIVE_INFINITY): Tree => ({
    fleet: "web1",
    proxy: "nginx",
    generation: version,
    files: ["a/1", "a/2", "b/3", "main"].map((path, index) => {
      let reads = 0;
      return {
        path,
        mode: 0o644,
        // The first look is for its hash, the second when it is written.
        get text() {
          if (reads++ > 0 && index === cut) throw new Error("cut off");
          return `${path} ${version}`;
        },
      };
    }),
  });
  const { obstaclesOf } = await import("./obstacles.ts");
  await writeTree(out, tree("v1"));
  for (const [cut, version] of ["v2", "v3", "v4", "v5"].entries()) {
    await expect(writeTree(out, tree(version, cut))).rejects.toThrow("cut off");
    expect(await obstaclesOf(out, tree("v9"))).toEqual([]);
  }
  writeFileSync(join(out, "a/1"), "mine");
  expect(await obstaclesOf(out, tree("v9"))).toMatchObject([{ path: join(out, "a/1"), canForce: true }]);
  writeFileSync(join(out, "a/1"), "a/1 v5");
  await writeTree(out, tree("v9"));
  expect(JSON.parse(readFileSync(join(out, MANIFEST), "utf8"))).not.toHaveProperty("unfinished");
  expect(Object.keys(contents(out)).some((path) => path.includes("unfinished"))).toBe(false);
});

test("two renderings at once: one of them, or one after the other; what is there is whole", {
  timeout: 120_000,
}, async () => {
  mkdirSync(out);
  const release = await lockFolder(out, "render", "");
  const { code, err } = await render();
  expect([code, err]).toEqual([
    1,
    `trimtab: another \`trimtab render\` is writing to ${out}: run it again when that one is done\n`,
  ]);
  expect(readdirSync(out)).toEqual([]);
  await release();
  expect((await render()).code).toBe(0);

  const main = join(import.meta.dirname, "..", "main.ts");
  const runs = ["m.yaml", "other.yaml"].map(
    (model) =>
      new Promise<number | null>((resolve) => {
        const child = spawn(process.execPath, [main, "render", join(bench.dir, model), "-o", out], { stdio: "ignore" });
        child.on("close", resolve);
      }),
  );
  expect((await Promise.all(runs)).some((ended) => ended === 0)).toBe(true);
  // Whichever was last: its manifest is true of every file.
  expect((await render("m.yaml")).code).toBe(0);
});
