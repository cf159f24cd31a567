/**
 * `npm run bench:package`: as somebody who has a fresh clone, and then as somebody who has the package only. Packs a clone of
 * HEAD, in which nothing is built, installs the tarball into an empty folder, and runs it on the oldest Node that it may have
 * and on today's; Nodes that are too old must say so in one line. Needs the npm registry. Status 1 when something fails.
 */
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";

/** `engines` names the first; the last are what people still have. */
const OLDEST = "22.19.0";
const TOO_OLD = ["22.18.0", "20.20.0", "18.20.8", "16.20.2", "14.21.3", "12.22.12"];

const root = join(import.meta.dirname, "..");
const folder = mkdtempSync(join(tmpdir(), "trimtab-package-"));
/** As a user's: what this repository has installed is not on it. */
const path = (process.env.PATH ?? "")
  .split(delimiter)
  .filter((entry) => !entry.includes("node_modules"))
  .join(delimiter);
/** npm tells its children about itself, which a nested npm would take for its own settings. */
const clean = Object.entries(process.env).filter(([name]) => !name.startsWith("npm_"));

/** Seconds, with one decimal. */
const since = (start: number): string => ((performance.now() - start) / 1000).toFixed(1);

/** Runs a command; throws with what it printed. */
function run(cwd: string, command: readonly string[], more: Record<string, string> = {}): string {
  const [file = "", ...args] = command;
  const env = { ...Object.fromEntries(clean), PATH: path, ...more };
  return execFileSync(file, args, { cwd, env, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}

/** The folder that has the program `node` of a version. */
function nodeFolder(version: string): string {
  const at = join(folder, `node-${version}`);
  const name = `node-${process.platform}-${process.arch}`;
  mkdirSync(at);
  run(at, ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", at, `${name}@${version}`]);
  return join(at, "node_modules", name, "bin");
}

function packClone(): string {
  const clone = join(folder, "clone");
  run(folder, ["git", "clone", "-q", root, clone]);
  const start = performance.now();
  const file = join(clone, run(clone, ["npm", "pack", "--silent"]).trim());
  const found = run(clone, ["git", "status", "--porcelain"])
    .trim()
    .split("\n")
    .filter((line) => !line.endsWith(".tgz"));
  console.log(
    `npm pack in a fresh clone: ${since(start)} s, ${(statSync(file).size / 1e6).toFixed(2)} MB; changed files: ${found.join(" ") || "none"}`,
  );
  return file;
}

/** Every command of README, in a folder that has nothing but the package. */
async function tryPackage(tarball: string, node: string): Promise<void> {
  const home = join(folder, `home-${node.split("/").at(-4)}`);
  mkdirSync(home);
  const env = { PATH: `${node}${delimiter}${path}`, NODE_ENV: "production" };
  const timed = (what: string, command: readonly string[]): string => {
    const start = performance.now();
    const printed = run(home, command, env);
    console.log(`  ${what}: ${since(start)} s`);
    return printed;
  };
  console.log(`Node ${run(home, ["node", "-p", "process.versions.node"], env).trim()}`);
  timed("npm install", ["npm", "install", "--no-audit", "--no-fund", tarball]);
  copyFileSync(join(home, "node_modules/trimtab/examples/quickstart.yaml"), join(home, "quickstart.yaml"));
  timed("npx trimtab validate", ["npx", "trimtab", "validate", "quickstart.yaml"]);
  timed("npx trimtab render", ["npx", "trimtab", "render", "quickstart.yaml", "-o", "out"]);
  timed("npx trimtab explain", [
    "npx",
    "trimtab",
    "explain",
    "quickstart.yaml",
    "--fleet",
    "edge-nginx",
    "--url",
    "http://shop.example.com/cart",
  ]);
  const start = performance.now();
  const server = spawn("npx", ["trimtab", "serve", "--data", "data", "--http", "127.0.0.1:0", "--xds", "127.0.0.1:0"], {
    cwd: home,
    env: { ...Object.fromEntries(clean), ...env },
  });
  let [printed, logged] = ["", ""];
  server.stdout.on("data", (part) => (printed += String(part)));
  server.stderr.on("data", (part) => (logged += String(part)));
  while (!printed.includes("\n")) await once(server.stdout, "data");
  const api = /http:[^,]+/.exec(printed)?.[0] ?? "";
  const { status } = await fetch(`${api}/readyz`);
  console.log(`  npx trimtab serve, ready (${status}): ${since(start)} s`);
  const closed = once(server, "close");
  server.kill("SIGTERM");
  await closed;
  if (printed.trim().includes("\n")) throw new Error(`serve printed more than one line:\n${printed}`);
  // What an operator reads of it, and nothing that a runtime warns of.
  const events = logged.trim().split("\n");
  if (events.some((line) => !line.startsWith("{"))) throw new Error(`serve logged what is no event:\n${logged}`);
}

/** One line, exit code 1. */
function tryOld(tarball: string, version: string): void {
  const home = join(folder, "old");
  mkdirSync(home, { recursive: true });
  execFileSync("tar", ["-xzf", tarball, "-C", home]);
  const entry = join(home, "package/dist/main.js");
  const { status, stdout, stderr } = spawnSync(join(nodeFolder(version), "node"), [entry, "validate", "x.yaml"], {
    encoding: "utf8",
  });
  console.log(`Node ${version}: exit ${status}, ${JSON.stringify(stdout + stderr)}`);
  if (status !== 1 || stdout !== "" || !/^trimtab: Node [^\n]+\n$/.test(stderr)) process.exitCode = 1;
}

try {
  const { engines } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { engines: { node: string } };
  if (`${engines.node.slice(2)}.0` !== OLDEST)
    throw new Error(`engines says ${engines.node}, this bench tries ${OLDEST}`);
  const tarball = packClone();
  await tryPackage(tarball, nodeFolder(OLDEST));
  await tryPackage(tarball, nodeFolder(process.versions.node));
  for (const version of TOO_OLD) tryOld(tarball, version);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
