/**
 * The program. It loads no more than the command at hand needs, and lets Node keep what it compiled: the next start is
 * a third of the time.
 */
import { existsSync } from "node:fs";
import * as nodeModule from "node:module";
import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";

const VERSION = "0.1.0";
/** Sources lie in `src`, the built program in `dist`. */
const ROOT = join(import.meta.dirname, "..");
/** How people call it: from a clone, or from the package. */
const PROGRAM = import.meta.filename.endsWith(".ts") ? "npm run -s trimtab --" : "npx trimtab";

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
      dev: async (options) =>
        (await controlPlane()).dev({ ...options, version: VERSION, root: ROOT, program: PROGRAM }),
      agent: async (options) =>
        (await import("./remoteAgent.ts")).remoteAgent({ ...options, version: VERSION, root: ROOT }),
    },
    version: VERSION,
  });
}

/** Node 22 warns that `node:sqlite` is experimental: its users chose neither, and the suite runs on it. All other warnings stay. */
function acceptSqlite(): void {
  const { emitWarning } = process;
  process.emitWarning = (warning, ...rest: never[]) => {
    if (rest[0] === "ExperimentalWarning" && String(warning).startsWith("SQLite ")) return;
    emitWarning(warning, ...rest);
  };
}

/** Runs the command of this process's arguments, and sets its exit code. */
export async function run(): Promise<void> {
  // Who reads our output may stop reading (`trimtab diff | head`): that is no error. A disk that is full is one.
  process.stdout.on("error", ({ code, message }: NodeJS.ErrnoException) => {
    if (code === "EPIPE") return;
    process.stderr.write(`trimtab: cannot write the output: ${message}\n`);
    process.exit(1);
  });
  // There is nobody left to tell; the exit code tells it.
  process.stderr.on("error", () => {});
  acceptSqlite();
  keepCompiledCode();
  process.exitCode = await main();
}
