/** The files that a model is read from: files as they are named, and what folders hold. */
import { lstat, readdir, realpath, stat } from "node:fs/promises";
import { join } from "node:path";
import { compareText } from "../util/sorted.ts";
import { missingFile } from "./readText.ts";

/** What a folder's files must be called to be part of a model. */
const MODEL_FILE = /\.(?:ya?ml|json)$/i;
/** Far more than anybody keeps a model in; a folder of another kind is noticed before all of it is read. */
const MAX_FILES = 10_000;
/** Folders in folders. */
const MAX_DEPTH = 32;

/**
 * Files in the order in which they are named; those of a folder, and of the folders in it, by path. In folders only names that
 * end in .yaml, .yml or .json count, and nothing hidden; links to files are followed. A file that is met twice counts once.
 * Throws one line for a person when something is not there, a folder has none, or a folder holds a link to another folder.
 */
export async function findFiles(paths: readonly string[]): Promise<readonly string[]> {
  const found: string[] = [];
  for (const path of paths) {
    if (path === "-" || !(await isFolder(path))) found.push(path);
    else found.push(...(await filesIn(path)));
    if (found.length > MAX_FILES)
      throw new Error(`${path} makes it more than ${MAX_FILES} files: name the model's folder`);
  }
  if (found.filter((path) => path === "-").length > 1) throw new Error("standard input (-) can be read only once");
  return distinct(found);
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    throw missingFile(path, error);
  }
}

async function filesIn(folder: string): Promise<readonly string[]> {
  const found: string[] = [];
  await walk(folder, 0, found);
  if (found.length === 0) throw new Error(`${folder} has no .yaml, .yml or .json file`);
  return found.sort(compareText);
}

async function walk(folder: string, depth: number, found: string[]): Promise<void> {
  if (depth > MAX_DEPTH) throw new Error(`${folder} is nested too deeply`);
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (entry.name.startsWith(".")) continue;
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await walk(path, depth + 1, found);
    else if (MODEL_FILE.test(entry.name) && (await isFile(path))) found.push(path);
    else if ((await lstat(path)).isSymbolicLink() && (await leadsToFolder(path)))
      throw new Error(`${path} is a link to a folder, which is not followed: name that folder itself`);
    if (found.length > MAX_FILES)
      throw new Error(`${folder} has more than ${MAX_FILES} files: name the model's folder`);
  }
}

/** False: a folder. What waits for a writer would hold us for ever. */
async function isFile(path: string): Promise<boolean> {
  if (await isFolder(path)) return false;
  if ((await stat(path)).isFile()) return true;
  throw new Error(`${path} is no regular file`);
}

/** Of what is no file of a model a broken link is nothing. */
async function leadsToFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch {
    return false;
  }
}

async function distinct(paths: readonly string[]): Promise<readonly string[]> {
  const seen = new Map<string, string>();
  for (const path of paths) {
    const real = path === "-" ? path : await realpath(path);
    if (!seen.has(real)) seen.set(real, path);
  }
  return [...seen.values()];
}
