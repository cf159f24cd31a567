/** The package: what is in it, and that it runs in an empty folder with nothing beside it but its dependencies. */
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { beforeAll, expect, it } from "vitest";
import { e2e } from "../harness/context.ts";
import { install, type Packed, pack } from "../harness/package.ts";
import { isRunning, startChild, stopChild, until } from "../harness/process.ts";
import { repositoryRoot } from "../harness/program.ts";

let folder: string;
let packed: Packed;
let program: string;

beforeAll(() => {
  folder = mkdtempSync(join(e2e().workDir, "package-"));
  packed = pack(folder);
  install(folder, packed);
  program = join(folder, "node_modules/.bin/trimtab");
  cpSync(join(folder, "node_modules/trimtab/examples/quickstart.yaml"), join(folder, "quickstart.yaml"));
});

const trimtab = (...args: string[]) => spawnSync(program, args, { cwd: folder, encoding: "utf8" });
const inPackage = (path: string): string => join(folder, "node_modules/trimtab", path);

it("holds the program, and no tests, sources or maps", () => {
  expect(packed.files.filter((path) => /\.test\.|\.ts$|\.map$|^(src|e2e|bench|docs\/notes)\//.test(path))).toEqual([]);
  for (const path of ["dist/main.js", "dist/licenses.txt", "README.md", "CHANGELOG.md", "package.json"])
    expect(packed.files).toContain(path);
  expect(statSync(inPackage("dist/main.js")).mode & 0o111).toBe(0o111);
});

/** Where links of documents for developers lead: a clone has it. */
const CLONE_ONLY = /^(src|e2e|bench)\/|^docker-compose.yml$/;

it("holds every file that its documents link to, but sources", () => {
  const missing = packed.files
    .filter((path) => path.endsWith(".md"))
    .flatMap((path) =>
      [...readFileSync(inPackage(path), "utf8").matchAll(/\]\(([\w./-]+)[#)]/g)]
        .map(([, target = ""]) => join(dirname(path), target))
        .filter((target) => !CLONE_ONLY.test(target) && !existsSync(inPackage(target)))
        .map((target) => `${path}: ${target}`),
    );
  expect(missing).toEqual([]);
});

it("asks for the Node that the program asks for, and has its version", () => {
  const { engines, version } = JSON.parse(readFileSync(inPackage("package.json"), "utf8")) as {
    engines: { node: string };
    version: string;
  };
  const [, oldest = ""] = /OLDEST_NODE = \[([\d, ]+)\]/.exec(readFileSync(inPackage("dist/main.js"), "utf8")) ?? [];
  expect(engines.node).toBe(`>=${oldest.split(", ").join(".")}`);
  for (const path of ["README.md", "docs/operations.md"])
    expect(readFileSync(inPackage(path), "utf8")).toContain(`Node ${engines.node.slice(2)} or newer`);
  expect(trimtab("--version").stdout).toBe(`${version}\n`);
});

it("tells an older Node so in one line: nothing is imported before, in words that Node 12 reads", () => {
  const entry = readFileSync(inPackage("dist/main.js"), "utf8");
  expect(entry).not.toMatch(/^\s*(import|export)\s|\?\.|\?\?|\bawait\b|catch \{/m);
  const old = join(folder, "old.cjs");
  writeFileSync(old, `Object.defineProperty(process.versions, "node", { value: "22.18.0" });`);
  const { status, stdout, stderr } = spawnSync(process.execPath, ["-r", old, program], { encoding: "utf8" });
  expect([status, stdout, stderr]).toEqual([
    1,
    "",
    expect.stringMatching(/^trimtab: Node 22\.\d+ or newer is needed; this is 22\.18\.0\n$/),
  ]);
});

it("validates, renders and explains the example", () => {
  expect(trimtab("validate", "quickstart.yaml")).toMatchObject({
    status: 0,
    stdout: expect.stringContaining("is valid"),
  });
  expect(trimtab("render", "quickstart.yaml", "-o", "out")).toMatchObject({ status: 0 });
  for (const file of ["edge-nginx/nginx.conf", "edge-haproxy/haproxy.cfg"])
    expect(existsSync(join(folder, "out", file))).toBe(true);
  const explained = trimtab(
    "explain",
    "quickstart.yaml",
    "--fleet",
    "edge-nginx",
    "--url",
    "http://shop.example.com/cart",
  );
  expect(explained).toMatchObject({ status: 0, stdout: expect.stringContaining("cart") });
});

it("serves, with its bodies read beside the loop, its documentation and its metrics", async () => {
  const logFile = join(folder, "serve.log");
  const sockets = ["--http", "127.0.0.1:0", "--xds", "127.0.0.1:0"];
  // Of what it tells one line is left: the address.
  const args = ["serve", "--data", join(folder, "data"), "--log-level", "warn", ...sockets];
  const child = startChild(program, args, { logFile, cwd: folder });
  const api = await until("the package serves", async () => {
    if (!isRunning(child)) throw new Error(readFileSync(logFile, "utf8"));
    return /REST API on (http:[^,]+)/.exec(readFileSync(logFile, "utf8"))?.[1] ?? null;
  });
  const body = readFileSync(join(folder, "quickstart.yaml"), "utf8");
  const headers = { "content-type": "application/yaml" };
  // Large enough for a worker thread, which is a file of its own.
  const long = `${body}\n${"# a comment\n".repeat(20_000)}`;
  expect((await fetch(`${api}/v1/config`, { method: "PUT", headers, body: long })).status).toBe(200);
  for (const path of [
    "/readyz",
    "/metrics",
    "/docs/",
    "/docs/static/swagger-ui.css",
    "/v1/fleets/edge-haproxy/files?format=tar",
  ])
    expect([path, (await fetch(api + path)).status]).toEqual([path, 200]);
  await stopChild(child);
  expect(readFileSync(logFile, "utf8").trim().split("\n")).toHaveLength(1);
});

it("needs nothing of the clone that it was made in", () => {
  const { stdout } = spawnSync("grep", ["-rl", repositoryRoot, inPackage("")], { encoding: "utf8" });
  expect(stdout).toBe("");
});
