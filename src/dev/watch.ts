/** Watches one file. */
import { type FSWatcher, watch } from "node:fs";
import { basename, dirname, resolve } from "node:path";
import { reasonOf } from "../cli/output.ts";
import { readText } from "../cli/readText.ts";

/** Editors write in several steps (truncate, write, rename); 100 ms covers them and is not felt. */
const DEBOUNCE_MS = 100;
/** A file that is gone or empty for longer than this is no step of an editor any more. It is looked for this often then. */
const PATIENCE_MS = 1_000;

export interface WatchOptions {
  readonly file: string;
  /** What the caller knows already; only another content is reported. */
  readonly known: string;
  readonly onChange: (text: string) => void;
  /** The file is gone, empty or cannot be read, and stays so; told once per reason until it is back. One sentence. */
  readonly onTrouble: (reason: string) => void;
  readonly debounceMs?: number;
  readonly patienceMs?: number;
}

/**
 * Calls back with the file's new content after each change. The folder is watched, not the file: many editors write a new
 * file and rename it over the old one. A moment without the file, or with an empty one, is waited out.
 */
export function watchFile(options: WatchOptions): { readonly close: () => void } {
  const path = resolve(options.file);
  const folder = dirname(path);
  let known = options.known;
  let timer: NodeJS.Timeout | undefined;
  let trouble: { readonly since: number; reported: string | null } | null = null;
  let closed = false;
  let watcher = watchFolder();

  function watchFolder(): FSWatcher {
    // The folder's own name: it was moved or removed.
    const names = [null, basename(path), basename(folder)];
    const made = watch(folder, (_, name) => {
      if (names.includes(name)) {
        lookIn(options.debounceMs ?? DEBOUNCE_MS);
      }
    });
    // The folder itself went away: the file is gone too, and looked for until it is back.
    made.on("error", () => lookIn(options.debounceMs ?? DEBOUNCE_MS));
    return made;
  }

  function lookIn(delayMs: number): void {
    clearTimeout(timer);
    timer = closed ? undefined : setTimeout(() => void look(), delayMs);
  }

  async function look(): Promise<void> {
    const found = await readText(path).then(
      (text) => ({ text, reason: text === "" ? `${options.file} is empty` : null }),
      (error) => ({ text: "", reason: reasonOf(error) }),
    );
    if (closed) {
      return;
    }
    if (found.reason !== null) {
      waitOut(found.reason);
    } else if (trouble === null || watchAgain()) {
      trouble = null;
      if (found.text !== known) {
        known = found.text;
        options.onChange(found.text);
      }
    }
  }

  function waitOut(reason: string): void {
    const patienceMs = options.patienceMs ?? PATIENCE_MS;
    trouble ??= { since: performance.now(), reported: null };
    if (trouble.reported !== reason && performance.now() - trouble.since >= patienceMs) {
      trouble.reported = reason;
      options.onTrouble(reason);
    }
    lookIn(patienceMs);
  }

  /** The folder may be another one of the same name by now. False: not yet; it is tried again. */
  function watchAgain(): boolean {
    watcher.close();
    try {
      watcher = watchFolder();
      return true;
    } catch (error) {
      waitOut(reasonOf(error));
      return false;
    }
  }

  return {
    close: () => {
      closed = true;
      clearTimeout(timer);
      watcher.close();
    },
  };
}
