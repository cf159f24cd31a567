import { mkdir, readdir, readFile, readlink, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { currentGeneration, KEPT_GENERATIONS, pointCurrent, pruneGenerations, writeGeneration } from "./generations.ts";
import { scratchDir } from "./testSupport.ts";

let scratch: Awaited<ReturnType<typeof scratchDir>>;
const NOTHING = { files: [], links: [] };

beforeEach(async () => {
  scratch = await scratchDir();
});
afterEach(() => scratch.remove());

const write = (generation: string, text = generation) =>
  writeGeneration(scratch.path, { generation, files: [{ path: "a/b.conf", text, mode: 0o600 }] }, NOTHING);

test("a generation holds its files with their modes, the agent's own files and links", async () => {
  await writeGeneration(
    scratch.path,
    { generation: "g1", files: [{ path: "a/b.conf", text: "text", mode: 0o600 }] },
    { files: [{ path: "local/x.conf", text: "x", mode: 0o644 }], links: [{ path: "modules", target: "/nowhere" }] },
  );
  const folder = join(scratch.path, "generations", "g1");
  expect(await readdir(folder)).toEqual(["a", "local", "modules"]);
  expect(await readFile(join(folder, "a/b.conf"), "utf8")).toBe("text");
  expect((await stat(join(folder, "a/b.conf"))).mode & 0o777).toBe(0o600);
  expect(await readlink(join(folder, "modules"))).toBe("/nowhere");
  expect(await readdir(join(scratch.path, "generations"))).toEqual(["g1"]);
});

test("a generation of the same name is replaced as a whole", async () => {
  await write("g1", "old");
  await write("g1", "new");
  expect(await readFile(join(scratch.path, "generations/g1/a/b.conf"), "utf8")).toBe("new");
  expect(await readdir(join(scratch.path, "generations"))).toEqual(["g1"]);
});

test("the link always names one of the two generations while it is switched", async () => {
  await write("g1");
  await write("g2");
  await pointCurrent(scratch.path, "g1");
  let switching = true;
  const seen = new Set<string>();
  const reader = (async () => {
    while (switching) {
      seen.add(await readFile(join(scratch.path, "current/a/b.conf"), "utf8"));
    }
  })();
  for (let round = 0; round < 300; round += 1) {
    await pointCurrent(scratch.path, round % 2 === 0 ? "g2" : "g1");
  }
  switching = false;
  await reader;
  expect([...seen].sort()).toEqual(["g1", "g2"]);
  expect(await currentGeneration(scratch.path)).toBe("g1");
  await pointCurrent(scratch.path, null);
  expect(await currentGeneration(scratch.path)).toBeNull();
});

test("old generations go, the current one stays however old it is", async () => {
  for (let n = 0; n < KEPT_GENERATIONS + 3; n += 1) {
    await write(`g${n}`);
  }
  // Somebody keeps a copy of a file, and a folder, beside them.
  await mkdir(join(scratch.path, "generations", "kept"));
  await writeFile(join(scratch.path, "generations", "kept.conf"), "mine");
  await pruneGenerations(scratch.path, "g0");
  const names = await readdir(join(scratch.path, "generations"));
  expect(names).toEqual(expect.arrayContaining(["kept", "kept.conf"]));
  const left = names.filter((name) => !name.startsWith("kept"));
  expect(left).toHaveLength(KEPT_GENERATIONS + 1);
  expect(left).toContain("g0");
  expect(left).toContain(`g${KEPT_GENERATIONS + 2}`);
});

test.each(["../x", "/etc/x", "a//b", "a/../b", "local/x.conf", "", "."])("refuses the path %j", async (path) => {
  const files = [{ path, text: "", mode: 0o644 }];
  await expect(writeGeneration(scratch.path, { generation: "g", files }, NOTHING)).rejects.toThrow(RangeError);
});

test.each(["", "..", "a/b", "a b"])("refuses the generation %j", async (generation) => {
  await mkdir(join(scratch.path, "generations"));
  await expect(writeGeneration(scratch.path, { generation, files: [] }, NOTHING)).rejects.toThrow(RangeError);
  expect(await readdir(join(scratch.path, "generations"))).toEqual([]);
});
