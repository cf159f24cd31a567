#!/usr/bin/env node
/**
 * The program. It loads no more than the command at hand needs, and lets Node keep what it compiled: the next start is
 * a third of the time.
 */
import { existsSync } from "node:fs";
import * as nodeModule from "node:module";
import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";

const VERSION = "0.1.0";
/** As `engines` in package.json says: older ones lack `node:sqlite`. */
const OLDEST_NODE = 24;
/** Sources lie in `src`, the built program in `dist/src`: the project's folder is the nearest with a package.json of ours. */
const ROOT = import.meta.dirname.endsWith(join("dist", "src"))
  ? join(import.meta.dirname, "../..")
  : join(import.meta.dirname, "..");

/**
 * The user's own cache folder: what lies there is run, so no folder that others can write to. Node checks what it finds
 * against the sources; a folder that cannot be written to is none. NODE_COMPILE_CACHE and NODE_DISABLE_COMPILE_CACHE are
 * Node's own words for another place and for no cache.
 */
function keepCompiledCode(): void {
  try {
    const { XDG_CACHE_HOME: named = "" } = process.env;
    const home = homedir();
    // System users have homes that are not there, and shall not get them.
    if (isAbsolute(named)) nodeModule.enableCompileCache(join(named, "trimtab"));
    else if (isAbsolute(home) && existsSync(home)) nodeModule.enableCompileCache(join(home, ".cache", "trimtab"));
  } catch {
    // A user without a home: every start compiles anew.
  }
}

async function main(): Promise<number> {
  const { processIo, runProgram } = await import("./cli/index.ts");
  const controlPlane = () => import("./controlPlane.ts");
  return runProgram(process.argv.slice(2), {
    io: processIo,
    runners: {
      serve: async (options) => (await controlPlane()).serve({ ...options, version: VERSION }),
      dev: async (options) => (await controlPlane()).dev({ ...options, version: VERSION, root: ROOT }),
    },
    version: VERSION,
  });
}

if (Number.parseInt(process.versions.node, 10) < OLDEST_NODE) {
  process.stderr.write(`trimtab: Node ${OLDEST_NODE} or newer is needed; this is ${process.versions.node}\n`);
  process.exit(1);
}
// Who reads our output may stop reading (`trimtab diff | head`): that is no error. A disk that is full is one.
process.stdout.on("error", ({ code, message }: NodeJS.ErrnoException) => {
  if (code === "EPIPE") return;
  process.stderr.write(`trimtab: cannot write the output: ${message}\n`);
  // Of `diff` 1 says that there is a difference.
  process.exit(process.argv[2] === "diff" ? 2 : 1);
});
// There is nobody left to tell; the exit code tells it.
process.stderr.on("error", () => {});
keepCompiledCode();
process.exitCode = await main();
