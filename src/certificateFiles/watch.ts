/** Looks at the folder, and has written what is new. */
import { reasonOf } from "../util/reason.ts";
import { findPairs, type Pair, readPair } from "./pairs.ts";

/**
 * So often. A renewal comes weeks before the end; mounted secrets change by a swapped link, which watches of the file system do not report
 * everywhere.
 */
export const LOOK_MS = 5_000;
/** Looks until one that was refused is tried again though it has not changed: the model, or who may read it, may have. */
const LOOKS_UNTIL_AGAIN = 12;

/** Time, so that tests can hold it. */
export interface FilesClock {
  /** Calls once, later; returns the undo. */
  after(milliseconds: number, callback: () => void): () => void;
}

/** What became of a write: it is stored (also when nothing was new), or why not, in words that do not repeat what was sent. */
export type Taken = { readonly revision: number; readonly isNew: boolean } | { readonly refused: string };

/** A pair that is not served, and why; name "": the folder itself. */
export interface Refused {
  readonly name: string;
  readonly reason: string;
}

export interface CertificateFilesOptions {
  readonly folder: string;
  readonly clock: FilesClock;
  /** Makes them the certificate of that name. */
  readonly write: (name: string, texts: { readonly chain: string; readonly privateKey: string }) => Promise<Taken>;
  readonly onTaken: (taken: { readonly name: string; readonly revision: number }) => void;
  /** Once for each reason, until the files change. */
  readonly onRefused: (refused: Refused) => void;
}

/** What is watched. */
export interface WatchedFiles {
  /** Those that are refused now. */
  refused(): readonly Refused[];
  /** Resolves when nothing is under way. */
  close(): Promise<void>;
}

/** What is known of one pair. `seen`: its mark at the last look; `done`: the mark that was written or refused; `looks`: since then. */
interface Known {
  readonly seen: string;
  readonly done: string | null;
  readonly looks: number;
  readonly refused: string | null;
}

/** Looks at once, and then every few seconds. */
export function watchCertificateFiles(options: CertificateFilesOptions): WatchedFiles {
  const { folder, clock, onRefused } = options;
  let known: ReadonlyMap<string, Known> = new Map();
  let trouble: string | null = null;
  let closed = false;
  let cancel = (): void => {};
  let work: Promise<void> = look();

  async function look(): Promise<void> {
    try {
      const pairs = await findPairs(folder);
      trouble = null;
      const next = new Map<string, Known>();
      // One after the other: each is a revision.
      for (const pair of pairs)
        next.set(pair.name, closed ? missed(pair) : await lookAt(pair, known.get(pair.name), options));
      known = next;
    } catch (error) {
      const reason = reasonOf(error);
      if (reason !== trouble) onRefused({ name: "", reason });
      trouble = reason;
    }
    if (!closed)
      cancel = clock.after(LOOK_MS, () => {
        work = look();
      });
  }

  return {
    refused: () => [
      ...(trouble === null ? [] : [{ name: "", reason: trouble }]),
      ...[...known].flatMap(([name, { refused }]) => (refused === null ? [] : [{ name, reason: refused }])),
    ],
    close: async () => {
      closed = true;
      cancel();
      await work;
    },
  };
}

function missed({ mark }: Pair): Known {
  return { seen: mark, done: null, looks: 0, refused: null };
}

/** A pair is read when two looks have seen the same: chain and key are seldom written in one step. The first look takes what is there. */
async function lookAt(pair: Pair, before: Known | undefined, options: CertificateFilesOptions): Promise<Known> {
  const { mark, name } = pair;
  if (before !== undefined) {
    const looks = before.looks + 1;
    const isDue = before.done !== mark || (before.refused !== null && looks >= LOOKS_UNTIL_AGAIN);
    if (before.seen !== mark || !isDue) return { ...before, seen: mark, looks };
  }
  const refused = await writePair(pair, options);
  if (refused !== null && refused !== before?.refused) options.onRefused({ name, reason: refused });
  return { seen: mark, done: mark, looks: 0, refused };
}

/** Null, or why not. */
async function writePair(pair: Pair, { write, onTaken }: CertificateFilesOptions): Promise<string | null> {
  try {
    const taken = await write(pair.name, await readPair(pair));
    if ("refused" in taken) return taken.refused;
    if (taken.isNew) onTaken({ name: pair.name, revision: taken.revision });
    return null;
  } catch (error) {
    return reasonOf(error);
  }
}
