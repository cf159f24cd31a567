import { createHash } from "node:crypto";
import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Bench, MODEL, openBench } from "./cliHarness.ts";
import { MANIFEST } from "./manifest.ts";
import { counted } from "./output.ts";
import { writeTree } from "./writeTree.ts";

let bench: Bench;
let out: string;
beforeEach(() => {
  bench = openBench();
  out = join(bench.dir, "out");
});
afterEach(() => bench.close());

/** Path -> mode and text of every file below a folder. */
function filesBelow(folder: string): Record<string, string> {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return Object.fromEntries(
    entries.map((entry) => {
      const path = join(entry.parentPath, entry.name);
      const mode = (statSync(path).mode & 0o777).toString(8);
      return [path.slice(folder.length + 1), `${mode}\n${readFileSync(path, "utf8")}`];
    }),
  );
}

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

describe("render", () => {
  test("writes each file fleet with a manifest of hashes; twice gives the same bytes", async () => {
    const file = bench.file("m.yaml", MODEL);
    const first = await bench.run("render", file, "-o", out);
    expect([first.code, first.err]).toEqual([0, ""]);
    expect(readdirSync(out).sort()).toEqual(["hap", "web1"]);
    for (const fleet of ["hap", "web1"]) {
      const files = filesBelow(join(out, fleet));
      const { [MANIFEST]: text = "", ...rendered } = files;
      const manifest = JSON.parse(text.slice("644\n".length));
      const hashes = Object.entries(rendered).map(([path, text]) => [path, sha256(text.slice("644\n".length))]);
      expect(manifest.files).toEqual(Object.fromEntries(hashes));
      expect(manifest.generation).toMatch(/^[0-9a-f]{16}$/);
      expect(first.out).toMatch(
        new RegExp(
          `^${fleet}: ${hashes.length} files? in ${join(out, fleet)}, generation ${manifest.generation}$`,
          "m",
        ),
      );
      for (const text of Object.values(files)) expect(text).toMatch(/^644\n/);
    }
    const before = filesBelow(out);
    expect((await bench.run("render", file, "-o", out)).code).toBe(0);
    expect(filesBelow(out)).toEqual(before);
    await bench.run("render", file, "-o", join(bench.dir, "other"));
    expect(filesBelow(join(bench.dir, "other"))).toEqual(before);
  });

  test("--target and --json", async () => {
    const { code, json } = await bench.run(
      ...["render", bench.file("m.yaml", MODEL), "-o", out, "--target", "haproxy", "--json"],
    );
    expect(code).toBe(0);
    expect(json).toEqual({
      ok: true,
      problems: [],
      removed: [],
      fleets: [{ fleet: "hap", folder: join(out, "hap"), generation: expect.any(String), files: expect.any(Number) }],
    });
    expect(readdirSync(out)).toEqual(["hap"]);
  });

  test("a model without the wanted fleets, a bad model: nothing is written, one line or the problems", async () => {
    const none = await bench.run("render", bench.file("none.yaml", "{}"), "-o", out);
    expect([none.code, none.err]).toEqual([1, `trimtab: ${bench.dir}/none.yaml has no nginx or haproxy fleet\n`]);
    const bad = await bench.run("render", bench.file("bad.yaml", MODEL.replace("proxy: nginx", "proxy: x")), "-o", out);
    expect([bad.code, bad.err]).toEqual([1, expect.stringMatching(/bad\.yaml:3:18: error SCHEMA-NOT-ALLOWED/)]);
    expect(existsSync(out)).toBe(false);
  });

  test("warnings are told and the files are written", async () => {
    const text = MODEL.replace("- split: [{cluster: blue", "- timeouts: {request: 5s}\n        split: [{cluster: blue");
    const { code, err } = await bench.run("render", bench.file("m.yaml", text), "-o", out);
    expect(code).toBe(0);
    expect(err).toContain("warning L7-TIMEOUT-TOTAL");
    expect(existsSync(join(out, "web1", "nginx.conf"))).toBe(true);
  });

  test("a fleet that is gone: the files of its manifest are removed, and said so; nothing else is", async () => {
    const more = `${MODEL.replace("web1, hap", "web1, web2, web3, hap2, hap")}`.replace(
      "listeners:",
      "  - {name: web2, proxy: nginx}\n  - {name: web3, proxy: nginx}\n  - {name: hap2, proxy: haproxy}\nlisteners:",
    );
    const [before, after] = [bench.file("more.yaml", more), bench.file("m.yaml", MODEL)];
    expect((await bench.run("render", before, "-o", out)).code).toBe(0);
    writeFileSync(join(out, "web3", "mine.conf"), "mine");
    const written = (fleet: string): string[] =>
      Object.keys(JSON.parse(readFileSync(join(out, fleet, MANIFEST), "utf8")).files);
    const [web2, web3] = [written("web2"), written("web3")];
    // A copy that somebody keeps, a link, a folder of another program, a manifest that is a link or broken.
    cpSync(join(out, "web2"), join(out, "web2.old"), { recursive: true });
    cpSync(join(out, "web2"), join(bench.dir, "elsewhere"), { recursive: true });
    symlinkSync(join(bench.dir, "elsewhere"), join(out, "linked"));
    for (const name of ["foreign", "broken", "pointed"]) mkdirSync(join(out, name));
    writeFileSync(join(out, "broken", MANIFEST), "{");
    symlinkSync(join(out, "web2", MANIFEST), join(out, "pointed", MANIFEST));
    const kept = ["broken", "foreign", "hap", "linked", "pointed", "web1", "web2.old"];

    const haproxies = await bench.run("render", after, "-o", out, "--target", "haproxy", "--json");
    expect(haproxies.json.removed).toEqual([
      { fleet: "hap2", folder: join(out, "hap2"), files: expect.arrayContaining(["haproxy.cfg"]), folderRemoved: true },
    ]);
    expect(readdirSync(out).sort()).toEqual([...kept, "web2", "web3"].sort());

    const all = await bench.run("render", after, "-o", out);
    expect([all.code, all.err]).toEqual([0, ""]);
    expect(all.out.split("\n")).toEqual(
      expect.arrayContaining([
        `web2: not in the model, ${counted(web2.length, "file")} removed from ${join(out, "web2")}`,
        `web3: not in the model, ${counted(web3.length, "file")} removed from ${join(out, "web3")}; what is not ours stays there`,
      ]),
    );
    expect(readdirSync(out).sort()).toEqual([...kept, "web3"].sort());
    expect(readdirSync(join(out, "web3"))).toEqual(["mine.conf"]);
    const tops = new Set([MANIFEST, ...web2.map((path) => path.split("/", 1)[0])]);
    expect(readdirSync(join(bench.dir, "elsewhere")).sort()).toEqual([...tops].sort());
    expect((await bench.run("render", after, "-o", out, "--json")).json.removed).toEqual([]);
  });

  test("a manifest that was changed removes nothing outside of its folder", async () => {
    await bench.run("render", bench.file("m.yaml", MODEL), "-o", out);
    const [precious, gone] = [bench.file("precious", "x"), join(out, "gone")];
    mkdirSync(gone);
    symlinkSync(bench.dir, join(gone, "up"));
    const files = { "../../precious": "", "up/precious": "", "/etc/none": "", "": "", ".": "", "..": "" };
    writeFileSync(join(gone, MANIFEST), JSON.stringify({ fleet: "gone", proxy: "nginx", generation: "g", files }));
    const { code, json } = await bench.run("render", join(bench.dir, "m.yaml"), "-o", out, "--json");
    expect([code, json.removed]).toEqual([0, [{ fleet: "gone", folder: gone, files: [], folderRemoved: false }]]);
    expect([existsSync(precious), readdirSync(gone)]).toEqual([true, ["up"]]);
  });

  test.each([
    ["a file", () => bench.file("plain", "x")],
    ["of the kernel", () => "/proc/trimtab"],
  ])("a folder that cannot be written is one line: it is %s", async (_, place) => {
    const { code, err } = await bench.run("render", bench.file("m.yaml", MODEL), "-o", place());
    expect(code).toBe(1);
    expect(err).toMatch(/^trimtab: .*\n$/);
    expect(err.split("\n").length).toBe(2);
  });
});

describe("the written folder", () => {
  const tree = (files: Record<string, string>, generation = "g1") => ({
    fleet: "web1",
    proxy: "nginx",
    generation,
    files: Object.entries(files).map(([path, text]) => ({ path, text, mode: 0o644 })),
  });
  const put = (path: string, text: string): void => {
    mkdirSync(join(out, path, ".."), { recursive: true });
    writeFileSync(join(out, path), text);
  };

  test("loses what the last rendering wrote and this one does not; nothing else", async () => {
    await writeTree(out, tree({ "main.conf": "1", "maps/a": "a", "maps/b": "b" }));
    put("local/mine.conf", "mine");
    put("maps/mine", "mine");
    put("main.conf.tmp", "mine");
    await writeTree(out, tree({ "main.conf": "2", "maps/b": "b" }, "g2"));
    const { [MANIFEST]: manifest, ...files } = filesBelow(out);
    expect(files).toEqual({
      "main.conf": "644\n2",
      "maps/b": "644\nb",
      "local/mine.conf": "644\nmine",
      "maps/mine": "644\nmine",
      "main.conf.tmp": "644\nmine",
    });
    expect(JSON.parse((manifest as string).slice(4))).toEqual({
      fleet: "web1",
      proxy: "nginx",
      generation: "g2",
      files: { "main.conf": sha256("2"), "maps/b": sha256("b") },
    });
  });

  test("gives files their mode, also over an earlier, wider file and whatever the umask", async () => {
    put("secret.pem", "old");
    chmodSync(join(out, "secret.pem"), 0o666);
    const umask = process.umask(0o077);
    try {
      const files = [
        { path: "secret.pem", text: "key", mode: 0o600 },
        { path: "main.conf", text: "1", mode: 0o644 },
      ];
      await writeTree(out, { fleet: "web1", proxy: "nginx", generation: "g", files });
    } finally {
      process.umask(umask);
    }
    expect(filesBelow(out)).toMatchObject({ "secret.pem": "600\nkey", "main.conf": "644\n1" });
  });

  test("is replaced file by file: a reader that holds the old file keeps all of it, a link is not written through", async () => {
    await writeTree(out, tree({ "main.conf": "old" }));
    const inode = statSync(join(out, "main.conf")).ino;
    put("elsewhere", "precious");
    symlinkSync(join(out, "elsewhere"), join(out, "linked.conf"));
    await writeTree(out, tree({ "main.conf": "new", "linked.conf": "ours" }));
    expect(statSync(join(out, "main.conf")).ino).not.toBe(inode);
    expect(lstatSync(join(out, "linked.conf")).isSymbolicLink()).toBe(false);
    expect(filesBelow(out)).toMatchObject({ elsewhere: "644\nprecious", "linked.conf": "644\nours" });
  });

  test("a manifest that somebody changed deletes nothing outside, no folder and not itself", async () => {
    const outside = bench.file("outside.txt", "precious");
    bench.file("linked/target.txt", "precious");
    await writeTree(out, tree({ "main.conf": "1" }));
    put("kept/inner", "precious");
    symlinkSync(join(bench.dir, "linked"), join(out, "link"));
    const paths = ["../outside.txt", outside, "a/../../outside.txt", "", ".", "kept", "kept/", "link/target.txt"];
    const files = Object.fromEntries([...paths, MANIFEST, "main.conf/x", "gone"].map((path) => [path, "0"]));
    writeFileSync(join(out, MANIFEST), JSON.stringify({ generation: "g", files }));
    await writeTree(out, tree({ "main.conf": "2" }));
    expect(filesBelow(bench.dir)).toMatchObject({
      "outside.txt": "644\nprecious",
      "linked/target.txt": "644\nprecious",
      "out/kept/inner": "644\nprecious",
      "out/main.conf": "644\n2",
    });
    expect(JSON.parse(readFileSync(join(out, MANIFEST), "utf8")).files).toEqual({ "main.conf": sha256("2") });
  });

  test.each(["{", "null", "[]", '{"generation": "g"}', '{"generation": "g", "files": 3}'])(
    "a manifest that is none (%s) stops it before anything is written",
    async (text) => {
      put(MANIFEST, text);
      await expect(writeTree(out, tree({ "main.conf": "1" }))).rejects.toThrow("cannot be read; remove it if");
      expect(readdirSync(out)).toEqual([MANIFEST]);
    },
  );

  test("a run that was cut off leaves nothing that the next one does not know", async () => {
    await writeTree(out, tree({ "main.conf": "1", "maps/old": "o" }));
    // A folder stands where a file is to go: the run ends in the middle.
    mkdirSync(join(out, "main2.conf"));
    await expect(writeTree(out, tree({ "maps/new": "n", "main2.conf": "2" }))).rejects.toThrow();
    expect(existsSync(join(out, "maps/new"))).toBe(true);
    expect(Object.keys(JSON.parse(readFileSync(join(out, MANIFEST), "utf8")).files).sort()).toEqual([
      "main.conf",
      "main2.conf",
      "maps/new",
      "maps/old",
    ]);
    await writeTree(out, tree({ "main.conf": "3" }));
    const { [MANIFEST]: _, ...files } = filesBelow(out);
    expect(files).toMatchObject({ "main.conf": "644\n3" });
    expect(files).not.toHaveProperty(["maps/new"]);
    expect(files).not.toHaveProperty(["maps/old"]);
  });
});
