/** What the set-up steps share: where things are, how they say what they do, how they run a command. Plain Node 20. */
import { spawnSync } from "node:child_process";
import { accessSync, appendFileSync, constants, mkdirSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The repository. */
export const root = fileURLToPath(new URL("../../..", import.meta.url));

/** Git-ignored: what set-up fetches and its log. */
export const toolFolder = join(root, ".trimtab");

const logFile = join(toolFolder, "setup.log");

/** Lines of a failed command that are shown; the whole output is in the log. */
const SHOWN_LINES = 15;

/** Output that is kept of one command: npm and apt-get stay far below it. */
const MAX_OUTPUT_BYTES = 64 * 1024 * 1024;

/** Debian keeps daemons in sbin folders, which are not on a plain user's PATH. */
const SYSTEM_FOLDERS = ["/usr/local/sbin", "/usr/sbin", "/sbin"];

/** A step's expected failure: `message` is the one line that a person reads last. */
export class SetupError extends Error {}

/** Prints one line of progress. */
export function say(text) {
  console.log(`set-up: ${text}`);
}

/** Runs a long step between two lines, the second with the seconds it took. A step that gives `false` has failed. */
export async function timed(text, step) {
  const start = Date.now();
  say(`${text} ...`);
  const result = await step();
  say(`${text}: ${result === false ? "failed" : "done"} after ${((Date.now() - start) / 1000).toFixed(1)} s`);
  return result;
}

/**
 * Runs a command; its output goes to `.trimtab/setup.log`.
 * @returns {boolean} whether it exited with 0; when not, the end of its output has been printed (unless `quiet`)
 */
export function run(command, args, { env = process.env, cwd = root, quiet = false } = {}) {
  mkdirSync(toolFolder, { recursive: true });
  const result = spawnSync(command, args, {
    cwd,
    env,
    encoding: "utf8",
    maxBuffer: MAX_OUTPUT_BYTES,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const output = `${result.stdout ?? ""}${result.stderr ?? ""}${result.error ? `${result.error.message}\n` : ""}`;
  appendFileSync(logFile, `$ ${command} ${args.join(" ")}\n${output}\n`);
  const ok = result.status === 0;
  if (!ok && !quiet) console.error(output.trimEnd().split("\n").slice(-SHOWN_LINES).join("\n"));
  return ok;
}

/** Where a program is: PATH (without this repository's node_modules), then Debian's sbin folders. Undefined: nowhere. */
export function findProgram(name) {
  const folders = [...outsidePath().split(delimiter), ...SYSTEM_FOLDERS];
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

/** PATH as the user has it: without the `node_modules/.bin` folders that npm puts in front. */
export function outsidePath() {
  const folders = (process.env.PATH ?? "").split(delimiter);
  return folders.filter((folder) => folder !== "" && !folder.includes("node_modules")).join(delimiter);
}

/** Whether this process may install Debian packages. */
export function canInstallPackages() {
  return process.getuid?.() === 0 && findProgram("apt-get") !== undefined;
}

/** Whether `path` is there and may be executed. */
export function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
