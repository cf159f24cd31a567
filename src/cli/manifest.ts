/** The list of what a rendering wrote into a folder, which stands in that folder. */
import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";

/** Lists what the last rendering wrote, so that the next one replaces and removes just that. */
export const MANIFEST = ".trimtab-manifest.json";

/** What stands in a manifest. */
export interface Manifest {
  /** Whose files these are: a copy of the folder under another name is not the fleet's. */
  readonly fleet?: string;
  readonly proxy?: string;
  readonly generation: string;
  /** Path -> SHA-256 in hex. */
  readonly files: Readonly<Record<string, string>>;
  /** Only while a run writes, or after one that was cut off: the hashes of what it was to write. */
  readonly unfinished?: Readonly<Record<string, string>>;
}

/** Null when there is none. Throws when it is no manifest, or cannot be read; a link to one is none. */
export async function readManifest(folder: string): Promise<Manifest | null> {
  const path = join(folder, MANIFEST);
  try {
    const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const manifest: unknown = JSON.parse(await file.readFile("utf8"));
      if (isManifest(manifest)) return manifest;
    } finally {
      await file.close();
    }
    throw new Error("it is not what `trimtab render` writes");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw new Error(`${path} cannot be read; remove it if the files that it lists may stay`, { cause: error });
  }
}

/** Whether a manifest says that this was the content of the file when it was last written. */
export function knowsContent(manifest: Manifest, path: string, hash: string): boolean {
  return [manifest.files, manifest.unfinished ?? {}].some((list) => Object.hasOwn(list, path) && list[path] === hash);
}

function isManifest(value: unknown): value is Manifest {
  const { generation, files, unfinished = {} } = (value ?? {}) as Partial<Manifest>;
  return typeof generation === "string" && isList(files) && isList(unfinished);
}

function isList(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
