/** Writes a rendering to a folder so that a reader never sees half of it. */
import { createHash } from "node:crypto";
import { lstat, open, realpath, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { makeDirectory } from "../util/makeDirectory.ts";
import { MANIFEST, type Manifest, readManifest } from "./manifest.ts";

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
 * the manifest lists old and new files, so that a run that was cut off leaves nothing that the next one does not know. Whoever
 * calls has looked for obstacles, and is the only one who writes there.
 */
export async function writeTree(folder: string, tree: Tree): Promise<void> {
  const { fleet, proxy, generation } = tree;
  const before = await readManifest(folder);
  const files = Object.fromEntries(tree.files.map(({ path, text }) => [path, sha256(text)]));
  const known: Readonly<Record<string, string>> = { ...before?.unfinished, ...before?.files };
  const stale = Object.keys(known).filter((path) => !Object.hasOwn(files, path));
  if (before === null || before.unfinished !== undefined || !isSame(before.files, files)) {
    await writeManifest(folder, {
      fleet,
      proxy,
      generation: before?.generation ?? generation,
      files: { ...files, ...known },
      unfinished: { ...before?.unfinished, ...files },
    });
  }
  const depth = (path: string): number => path.split("/").length;
  for (const file of [...tree.files].sort((a, b) => depth(b.path) - depth(a.path))) await replace(folder, file);
  for (const path of stale) {
    await removeInside(folder, path);
    await removeInside(folder, `${path}${UNFINISHED}`);
  }
  await writeManifest(folder, { fleet, proxy, generation, files });
}

function isSame(a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean {
  return Object.keys(a).length === Object.keys(b).length && Object.entries(a).every(([path, hash]) => b[path] === hash);
}

function writeManifest(folder: string, manifest: Manifest): Promise<void> {
  return replace(folder, { path: MANIFEST, text: `${JSON.stringify(manifest, null, 2)}\n`, mode: 0o644 });
}

async function replace(folder: string, { path, text, mode }: Tree["files"][number]): Promise<void> {
  const full = join(folder, path);
  makeDirectory(dirname(full));
  // Looked at before; looked at again, for somebody may have put a link there meanwhile.
  if (!(await staysInside(folder, path))) throw new Error(`${dirname(full)} leads out of ${folder}`);
  const temporary = `${full}${UNFINISHED}`;
  await rm(temporary, { force: true });
  const handle = await open(temporary, "wx", mode);
  try {
    await handle.writeFile(text);
    await handle.chmod(mode);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(temporary, full);
}

/** Whether the folder of a file is where its path says: no link leads elsewhere. */
async function staysInside(folder: string, path: string): Promise<boolean> {
  return (await realpath(dirname(join(folder, path)))) === join(await realpath(folder), dirname(path));
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
    if (!(await staysInside(folder, path))) return false;
    if ((await lstat(full)).isDirectory()) return false;
    await rm(full, { force: true });
    return true;
  } catch (error) {
    if (!["ENOENT", "ENOTDIR"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
    return false;
  }
}

/** Of a text, in hex. */
export function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
