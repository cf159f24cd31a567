/** Watches one file. */
import { type FSWatcher, watch } from "node:fs";
import { readFile } from "node:fs/promises";
import { basename, dirname, resolve } from "node:path";

/** Editors write in several steps (truncate, write, rename); 100 ms covers them and is not felt. */
const DEBOUNCE_MS = 100;

export interface WatchOptions {
  readonly file: string;
  /** What the caller knows already; only another content is reported. */
  readonly known: string;
  readonly onChange: (text: string) => void;
  readonly debounceMs?: number;
}

/**
 * Calls back with the file's new content after each change. The folder is watched, not the file: many editors write a new
 * file and rename it over the old one. A moment without the file, or with an empty one, is waited out.
 */
export function watchFile(options: WatchOptions): { readonly close: () => void } {
  const path = resolve(options.file);
  let known = options.known;
  let timer: NodeJS.Timeout | null = null;
  let closed = false;

  async function look(): Promise<void> {
    const text = await readFile(path, "utf8").catch(() => "");
    if (!closed && text !== "" && text !== known) {
      known = text;
      options.onChange(text);
    }
  }

  const watcher: FSWatcher = watch(dirname(path), (_, name) => {
    if (name === null || name === basename(path)) {
      clearTimeout(timer ?? undefined);
      timer = setTimeout(() => void look(), options.debounceMs ?? DEBOUNCE_MS);
    }
  });
  // The folder itself went away: nothing more will be seen, and nothing is to be done.
  watcher.on("error", () => undefined);
  return {
    close: () => {
      closed = true;
      clearTimeout(timer ?? undefined);
      watcher.close();
    },
  };
}
