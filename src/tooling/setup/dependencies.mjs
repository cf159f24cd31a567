/** Step 1: `node_modules` as package-lock.json says, with Node 24 in it. */
import { existsSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { isExecutable, outsidePath, root, run, SetupError, timed } from "./shell.mjs";

const nodePackage = join(root, "node_modules/node");

/** Runs `npm ci` unless what is installed is what the lock file lists. */
export async function installDependencies() {
  if (!isInstalled()) {
    const ok = await timed("npm ci (dependencies changed or not installed)", () =>
      // A PATH without node_modules: npm must not run on the Node that it is about to replace.
      run("npm", ["ci", "--include=dev", "--no-audit", "--no-fund", "--loglevel=error"], { env: npmEnvironment() }),
    );
    if (!ok) throw new SetupError("npm ci failed: is the npm registry reachable? Full output: .trimtab/setup.log");
  }
  if (!hasNode()) await fetchNode();
}

/** Whether every package of the lock file is installed in its version (those for other platforms may be absent). */
function isInstalled() {
  const hidden = join(root, "node_modules/.package-lock.json");
  if (!existsSync(hidden)) return false;
  const wanted = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")).packages;
  const found = JSON.parse(readFileSync(hidden, "utf8")).packages;
  const same = (path) =>
    found[path].version === wanted[path]?.version && found[path].integrity === wanted[path].integrity;
  const needed = Object.keys(wanted).filter((path) => path !== "" && !wanted[path].optional);
  return needed.every((path) => path in found) && Object.keys(found).every(same);
}

/** Through the link that npm scripts use. */
function hasNode() {
  return isExecutable(join(root, "node_modules/.bin/node"));
}

/** npm releases that block install scripts leave the `node` package without its binary: run its script ourselves. */
async function fetchNode() {
  const script = join(nodePackage, "installArchSpecificPackage.js");
  const ok =
    existsSync(script) &&
    (await timed("fetch Node 24 (npm did not run its install script)", () =>
      run(process.execPath, [script], { cwd: nodePackage, env: npmEnvironment() }),
    ));
  if (ok) linkNode();
  if (!hasNode()) throw new SetupError("Node 24 could not be fetched from the npm registry (package node@24)");
}

/** npm links only programs that were there when it finished. */
function linkNode() {
  const link = join(root, "node_modules/.bin/node");
  rmSync(link, { force: true });
  symlinkSync("../node/bin/node", link);
}

/** Packages of a folder of its own, as its lock file says. */
export function installFolder(folder) {
  const args = ["ci", "--no-audit", "--no-fund", "--loglevel=error"];
  return run("npm", args, { cwd: folder, env: npmEnvironment() });
}

/** Without what the outer `npm start` exports about itself, which a nested npm would take for its own settings. */
function npmEnvironment() {
  const own = Object.entries(process.env).filter(
    ([key]) => !/^npm_(command|lifecycle_|package_|execpath|node_execpath)/.test(key),
  );
  return { ...Object.fromEntries(own), PATH: outsidePath() };
}
