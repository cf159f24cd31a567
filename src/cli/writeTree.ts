/** Writes a rendering to a folder so that a reader never sees half of it. */
import { createHash } from "node:crypto";
import { lstat, open, readFile, realpath, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { makeDirectory } from "../util/makeDirectory.ts";

/** Lists what the last rendering wrote, so that the next one removes just that. */
export const MANIFEST = ".trimtab-manifest.json";

/** What stands in a manifest. */
export interface Manifest {
  /** Whose files these are: a copy of the folder under another name is not the fleet's. */
  readonly fleet?: string;
  readonly proxy?: string;
  readonly generation: string;
  /** Path -> SHA-256 in hex. */
  readonly files: Readonly<Record<string, string>>;
}

/** What a folder is to hold. */
export interface Tree {
  readonly fleet: string;
  readonly proxy: string;
  readonly generation: string;
  readonly files: readonly { readonly path: string; readonly text: string; readonly mode: number }[];
}

/** Beside a file while it is written. A name that no rendering and no person gives. */
export const UNFINISHED = ".trimtab-unfinished";

/**
 * Each file is written beside its place and renamed over it; the main file, which names the others, comes last but for the
 * manifest. Files of the last manifest that are no longer rendered are removed; nothing else is touched. Until all is done
 * the manifest lists old and new files, so that a run that was cut off leaves nothing that the next one does not know.
 */
export async function writeTree(folder: string, tree: Tree): Promise<void> {
  const { fleet, proxy, generation } = tree;
  const before = await readManifest(folder);
  const files = Object.fromEntries(tree.files.map(({ path, text }) => [path, sha256(text)]));
  const stale = Object.keys(before?.files ?? {}).filter((path) => !Object.hasOwn(files, path));
  if (before === null || stale.length > 0 || Object.keys(files).some((path) => !Object.hasOwn(before.files, path)))
    await writeManifest(folder, {
      fleet,
      proxy,
      generation: before?.generation ?? generation,
      files: { ...files, ...before?.files },
    });
  const depth = (path: string): number => path.split("/").length;
  for (const file of [...tree.files].sort((a, b) => depth(b.path) - depth(a.path)))
    await replace(join(folder, file.path), file.text, file.mode);
  for (const path of stale) await removeInside(folder, path);
  await writeManifest(folder, { fleet, proxy, generation, files });
}

function writeManifest(folder: string, manifest: Manifest): Promise<void> {
  return replace(join(folder, MANIFEST), `${JSON.stringify(manifest, null, 2)}\n`, 0o644);
}

async function readManifest(folder: string): Promise<Manifest | null> {
  const path = join(folder, MANIFEST);
  try {
    const manifest: unknown = JSON.parse(await readFile(path, "utf8"));
    if (isManifest(manifest)) return manifest;
    throw new Error("it is not what `trimtab render` writes");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw new Error(`${path} cannot be read; remove it if the files that it lists may stay`, { cause: error });
  }
}

/** Whether a file holds what `writeTree` writes. */
export function isManifest(value: unknown): value is Manifest {
  const { generation, files } = (value ?? {}) as Partial<Manifest>;
  return typeof generation === "string" && typeof files === "object" && files !== null && !Array.isArray(files);
}

async function replace(path: string, text: string, mode: number): Promise<void> {
  makeDirectory(dirname(path));
  const temporary = `${path}${UNFINISHED}`;
  await rm(temporary, { force: true });
  const handle = await open(temporary, "wx", mode);
  try {
    await handle.writeFile(text);
    await handle.chmod(mode);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(temporary, path);
}

/**
 * Removes a file that the last manifest lists. A manifest that somebody changed must not make us delete elsewhere: not by
 * its path, and not through a link to another folder. What is no file or link is not ours. Tells whether it was removed.
 */
export async function removeInside(folder: string, path: string): Promise<boolean> {
  if (path.startsWith("/") || path.split("/").some((part) => part === "" || part === "." || part === ".."))
    return false;
  if (path === MANIFEST) return false;
  const full = join(folder, path);
  try {
    const parent = await realpath(dirname(full));
    if (parent !== join(await realpath(folder), dirname(path))) return false;
    if ((await lstat(full)).isDirectory()) return false;
    await rm(full, { force: true });
    return true;
  } catch (error) {
    if (!["ENOENT", "ENOTDIR"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
    return false;
  }
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
