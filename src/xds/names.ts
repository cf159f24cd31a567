/** The names of one subscription: a set that is shared, and what this one has added to it and taken from it. */
import type { NameSet } from "./nameSets.ts";

const NONE: ReadonlySet<string> = new Set();

/** A set of names; what others share is not changed by changing it. */
export class Names implements Iterable<string> {
  #set: NameSet | null = null;
  #shared: ReadonlySet<string> = NONE;
  #added: Set<string> | null = null;
  #left: Set<string> | null = null;

  get size(): number {
    return this.#shared.size - (this.#left?.size ?? 0) + (this.#added?.size ?? 0);
  }

  /** The set that these are, when nothing was added or taken. */
  get same(): NameSet | null {
    return this.#added === null && this.#left === null ? this.#set : null;
  }

  has(name: string): boolean {
    if (this.#shared.has(name)) return this.#left === null || !this.#left.has(name);
    return this.#added?.has(name) === true;
  }

  add(name: string): void {
    if (this.#shared.has(name)) this.#left = without(this.#left, name);
    else this.#added = (this.#added ?? new Set()).add(name);
  }

  delete(name: string): void {
    if (!this.#shared.has(name)) {
      this.#added = without(this.#added, name);
      return;
    }
    this.#left = (this.#left ?? new Set()).add(name);
    // Who has taken most of a set would keep all of it for a few names.
    if (this.#left.size * 2 > this.#shared.size) this.#part();
  }

  *[Symbol.iterator](): Generator<string> {
    for (const name of this.#shared) if (!this.#left?.has(name)) yield name;
    if (this.#added !== null) yield* this.#added;
  }

  /** Becomes a set that `hold` gave; the one before is let go. */
  become(set: NameSet): void {
    this.release();
    this.#set = set;
    this.#shared = set.names;
    this.#added = null;
    this.#left = null;
  }

  /** The shared set is let go; the names stay. */
  release(): void {
    this.#set?.release();
    this.#set = null;
  }

  #part(): void {
    this.#added = new Set(this);
    this.#left = null;
    this.#shared = NONE;
    this.release();
  }
}

/** A difference that is none any more takes no room, and the names are those of the set again. */
function without(names: Set<string> | null, name: string): Set<string> | null {
  names?.delete(name);
  return names?.size === 0 ? null : names;
}
