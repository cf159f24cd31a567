/** Writes a rendering to a folder so that a reader never sees half of it. */
import { createHash } from "node:crypto";
import { mkdir, open, readFile, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";

/** Lists what the last rendering wrote, so that the next one removes just that. */
export const MANIFEST = ".trimtab-manifest.json";

interface Manifest {
  readonly generation: string;
  /** Path -> SHA-256 in hex. */
  readonly files: Readonly<Record<string, string>>;
}

export interface Tree {
  readonly generation: string;
  readonly files: readonly { readonly path: string; readonly text: string; readonly mode: number }[];
}

/**
 * Each file is written beside its place and renamed over it; the main file, which names the others, comes last but for the
 * manifest. Files of the last manifest that are no longer rendered are removed; nothing else is touched.
 */
export async function writeTree(folder: string, tree: Tree): Promise<void> {
  const before = await readManifest(folder);
  const manifest: Manifest = {
    generation: tree.generation,
    files: Object.fromEntries(tree.files.map(({ path, text }) => [path, sha256(text)])),
  };
  const depth = (path: string): number => path.split("/").length;
  for (const file of [...tree.files].sort((a, b) => depth(b.path) - depth(a.path)))
    await replace(join(folder, file.path), file.text, file.mode);
  await replace(join(folder, MANIFEST), `${JSON.stringify(manifest, null, 2)}\n`, 0o644);
  for (const path of Object.keys(before?.files ?? {})) {
    if (manifest.files[path] === undefined && isInside(path)) await rm(join(folder, path), { force: true });
  }
}

async function readManifest(folder: string): Promise<Manifest | null> {
  try {
    return JSON.parse(await readFile(join(folder, MANIFEST), "utf8")) as Manifest;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw new Error(`${join(folder, MANIFEST)} cannot be read; remove it if its files may stay`, { cause: error });
  }
}

async function replace(path: string, text: string, mode: number): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const temporary = `${path}.tmp`;
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

/** A manifest that somebody changed must not make us delete elsewhere. */
function isInside(path: string): boolean {
  return !path.startsWith("/") && !path.split("/").includes("..");
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
