/** Generations on disk: `<runDir>/generations/<generation>/`, and `<runDir>/current`, the link to the one in use. */
import { type FileHandle, mkdir, open, readdir, readlink, rename, rm, stat, symlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { AgentFile, AgentFiles, LocalFiles } from "./types.ts";

/** How many generations stay on disk beside the current one: enough to look at what changed, few enough to stay small. */
export const KEPT_GENERATIONS = 5;

/** 64 characters, and what the agent adds to the name of a part (17), and of one without endpoints that are down (14). */
const GENERATION_NAME = /^[A-Za-z0-9_-]{1,96}$/;
const DIRECTORY_MODE = 0o755;

/** The folder that a proxy is pointed at; always through the link, so that a reload reads what the link names then. */
export function currentDir(runDir: string): string {
  return join(runDir, "current");
}

/**
 * Writes a generation's folder, all or nothing: files are written beside, synced, then renamed into place. A folder of the
 * same name is replaced.
 *
 * @throws RangeError for a name or path that could leave the folder; file system errors as they are.
 */
export async function writeGeneration(
  runDir: string,
  input: Pick<AgentFiles, "generation" | "files">,
  local: LocalFiles,
): Promise<void> {
  assertNames(input);
  const root = join(runDir, "generations");
  const final = join(root, input.generation);
  const draft = join(root, `.${input.generation}.new`);
  const old = join(root, `.${input.generation}.old`);
  await rm(draft, { recursive: true, force: true });
  await mkdir(join(draft, "local"), { recursive: true, mode: DIRECTORY_MODE });
  const folders = new Set([draft, join(draft, "local")]);
  for (const file of [...input.files, ...local.files]) {
    folders.add(await writeSynced(draft, file));
  }
  for (const link of local.links) {
    await symlink(link.target, join(draft, link.path));
  }
  for (const folder of folders) {
    await syncFolder(folder);
  }
  // A folder that is not empty cannot be renamed over, so the old one steps aside; it is gone for one rename at most.
  await rm(old, { recursive: true, force: true });
  await rename(final, old).catch(ignoreMissing);
  await rename(draft, final);
  await syncFolder(root);
  await rm(old, { recursive: true, force: true });
}

/** Points `current` at a generation (null: removes it). A reader sees the old or the new target, never none. */
export async function pointCurrent(runDir: string, generation: string | null): Promise<void> {
  const link = currentDir(runDir);
  if (generation === null) {
    await rm(link, { force: true });
  } else {
    const draft = join(runDir, ".current.new");
    await rm(draft, { force: true });
    await symlink(join("generations", generation), draft);
    await rename(draft, link);
  }
  await syncFolder(runDir);
}

/** The generation that `current` names, or null. */
export async function currentGeneration(runDir: string): Promise<string | null> {
  const target = await readlink(currentDir(runDir)).catch(ignoreMissing);
  return target === undefined ? null : (target.split("/").pop() ?? null);
}

/** Whether all files of this generation are there. */
export async function isWritten(
  runDir: string,
  { generation, files }: Pick<AgentFiles, "generation" | "files">,
): Promise<boolean> {
  const root = join(runDir, "generations", generation);
  const paths = ["local", ...files.map(({ path }) => path)].map((path) => join(root, path));
  const found = await Promise.all(paths.map((path) => stat(path).catch(() => null)));
  return found.every((file) => file !== null);
}

/**
 * Removes all but the current generation and the newest `KEPT_GENERATIONS`. What else lies there is not ours: only
 * generations, and drafts of them, have a folder `local`.
 */
export async function pruneGenerations(runDir: string, current: string | null): Promise<void> {
  const root = join(runDir, "generations");
  const names = (await readdir(root).catch(ignoreMissing)) ?? [];
  const aged = await Promise.all(
    names.filter((name) => name !== current).map(async (name) => ({ name, time: await birth(join(root, name)) })),
  );
  const ours = aged.filter(({ time }) => time > 0).sort((a, b) => b.time - a.time);
  for (const { name } of ours.slice(KEPT_GENERATIONS)) {
    await rm(join(root, name), { recursive: true, force: true });
  }
}

// The local folder is written once and by us only; the generation's own folder changes when a proxy makes its temp folders. 0: it
// is no generation.
async function birth(folder: string): Promise<number> {
  const found = await stat(join(folder, "local")).catch(ignoreMissingFolder);
  return found?.mtimeMs ?? 0;
}

/** Whether a rendered file may be called so: below its generation's folder, and not in the agent's part of that. */
export function isFilePath(path: string): boolean {
  const parts = path.split("/");
  return (
    parts[0] !== "local" && !parts.some((part) => part === "" || part === "." || part === ".." || part.includes("\0"))
  );
}

function assertNames(input: Pick<AgentFiles, "generation" | "files">): void {
  if (!GENERATION_NAME.test(input.generation)) {
    throw new RangeError(`not a generation name: ${JSON.stringify(input.generation)}`);
  }
  for (const { path } of input.files) {
    if (!isFilePath(path)) {
      throw new RangeError(`a rendered file may not be called ${JSON.stringify(path)}`);
    }
  }
}

async function writeSynced(root: string, file: AgentFile): Promise<string> {
  const path = join(root, file.path);
  const folder = dirname(path);
  await mkdir(folder, { recursive: true, mode: DIRECTORY_MODE });
  const handle = await open(path, "wx", file.mode);
  await closing(handle, async () => {
    await handle.writeFile(file.text);
    await handle.chmod(file.mode);
    await handle.sync();
  });
  return folder;
}

async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, "r");
  await closing(handle, () => handle.sync());
}

async function closing(handle: FileHandle, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } finally {
    await handle.close();
  }
}

function ignoreMissingFolder(error: NodeJS.ErrnoException): undefined {
  return error.code === "ENOTDIR" ? undefined : ignoreMissing(error);
}

function ignoreMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== "ENOENT") {
    throw error;
  }
  return undefined;
}
