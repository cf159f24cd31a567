/** The files that were last proved to serve, on disk: what a start runs before anybody is asked. */
import { open, readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import { readFiles } from "./readFiles.ts";
import type { FleetFiles } from "./types.ts";

const NAME = "last-good.json";
/** It may hold keys. */
const MODE = 0o600;

/** Null: there are none yet. Rejects when they cannot be read. */
export async function readLastGood(folder: string, fleet: string): Promise<FleetFiles | null> {
  const text = await readFile(join(folder, NAME), "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return null;
    throw error;
  });
  return text === null ? null : readFiles(JSON.parse(text), fleet);
}

/** All or nothing: whoever reads, also after a crash, has these or those before. */
export async function writeLastGood(folder: string, files: FleetFiles): Promise<void> {
  const draft = join(folder, `.${NAME}.new`);
  const handle = await open(draft, "w", MODE);
  try {
    await handle.writeFile(JSON.stringify(files));
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(draft, join(folder, NAME));
  const above = await open(folder, "r");
  try {
    await above.sync();
  } finally {
    await above.close();
  }
}
