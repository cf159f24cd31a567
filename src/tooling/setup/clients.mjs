/**
 * Step 5, for tests: generators of clients, the linter of OpenAPI and a client of HTTP/3, in `.trimtab/clients`. They are no dependencies
 * of the repository: openapi-typescript needs another TypeScript, openapi-python-client and aioquic are Python.
 */
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { installFolder } from "./dependencies.mjs";
import { fetchWheels, hasNoPip } from "./python.mjs";
import { findProgram, root, timed, toolFolder } from "./shell.mjs";

const tools = join(root, "e2e/clients/tools");
const folder = join(toolFolder, "clients");
const MANIFESTS = ["package.json", "package-lock.json"];

const STEPS = [
  { name: "npm", sources: MANIFESTS, what: "openapi-typescript and redocly (npm)", fetch: fetchPackages },
  ofPython("python", "requirements.txt", "openapi-python-client (PyPI)"),
  ofPython("http3", "http3.requirements.txt", "aioquic, a client of HTTP/3 (PyPI)"),
];

/**
 * Fetches what is missing.
 * @returns {Promise<string[]>} one line for each that could not be had
 */
export async function installClientTools() {
  const missing = [];
  for (const step of STEPS) if (!(await isThere(step))) missing.push(`${step.what} missing: ${reason(step)}`);
  return missing;
}

/** Does nothing when the folder's stamp holds what it was made from. */
async function isThere({ name, sources, what, fetch }) {
  const wanted = sources.map((file) => readFileSync(join(tools, file), "utf8")).join("\0");
  const stamp = join(folder, `.${name}`);
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return true;
  rmSync(stamp, { force: true });
  mkdirSync(folder, { recursive: true });
  if (!(await timed(`fetch ${what}`, fetch))) return false;
  writeFileSync(stamp, wanted);
  return true;
}

function fetchPackages() {
  for (const file of MANIFESTS) copyFileSync(join(tools, file), join(folder, file));
  return installFolder(folder);
}

/** Packages in a folder of their own. */
function ofPython(name, requirements, what) {
  const fetch = () =>
    findProgram("python3") !== undefined && fetchWheels(join(folder, name), join(tools, requirements));
  return { name, sources: [requirements], what, fetch };
}

function reason({ name }) {
  if (name === "npm") return "is the npm registry reachable? (see .trimtab/setup.log)";
  if (findProgram("python3") === undefined) return "run  sudo apt-get install python3 python3-venv";
  if (hasNoPip()) return "it needs pip; run  sudo apt-get install python3-venv";
  return "pip could not fetch it from PyPI (see .trimtab/setup.log)";
}
