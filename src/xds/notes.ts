/**
 * Names with what is noted of each. At first it may stand for a whole cohort, from a place on, with the same note for every name, at
 * no cost; it becomes a table of its own when it is changed.
 */
import type { Cohort } from "./cohorts.ts";

/** What can be read of it; a map is one, too. */
export interface ReadonlyNotes<V> extends Iterable<readonly [string, V]> {
  readonly size: number;
  has(name: string): boolean;
  get(name: string): V | undefined;
  keys(): Iterable<string>;
  values(): Iterable<V>;
}

/** The names of a cohort from a place on, with one note for all. */
interface Part<V> {
  readonly cohort: Cohort;
  readonly from: number;
  readonly note: V;
}

/** Such a map by name. There are many, mostly empty: then it is two words. */
export class Notes<V> implements ReadonlyNotes<V> {
  /** Null: it is a table of its own. */
  #part: Part<V> | null = null;
  #own: Map<string, V> | null = null;

  get size(): number {
    if (this.#part !== null) return this.#part.cohort.names.length - this.#part.from;
    return this.#own === null ? 0 : this.#own.size;
  }

  has(name: string): boolean {
    if (this.#part !== null) return isIn(this.#part, name);
    return this.#own?.has(name) === true;
  }

  get(name: string): V | undefined {
    if (this.#part !== null) return isIn(this.#part, name) ? this.#part.note : undefined;
    return this.#own?.get(name);
  }

  set(name: string, note: V): void {
    if (this.#part !== null && note === this.#part.note && isIn(this.#part, name)) return;
    this.#table().set(name, note);
  }

  delete(name: string): boolean {
    return this.has(name) && this.#table().delete(name);
  }

  clear(): void {
    this.#part = null;
    this.#own = null;
  }

  keys(): Iterable<string> {
    return this.#part === null ? (this.#own?.keys() ?? []) : this.#part.cohort.names.slice(this.#part.from);
  }

  [Symbol.iterator](): Iterator<[string, V]> {
    if (this.#part === null) return (this.#own ?? [])[Symbol.iterator]();
    const { cohort, from, note } = this.#part;
    const entries = cohort.names.slice(from).map((name): [string, V] => [name, note]);
    return entries[Symbol.iterator]();
  }

  *values(): Generator<V> {
    for (const [, note] of this) yield note;
  }

  /** From here on all names of the cohort, and only these, have this note. */
  share(cohort: Cohort, note: V): void {
    this.#own = null;
    this.#part = cohort.names.length === 0 ? null : { cohort, from: 0, note };
  }

  /** The cohort that it stands for, and the place from which; null: it is a table of its own. */
  get shared(): { readonly cohort: Cohort; readonly from: number } | null {
    return this.#part;
  }

  /** Of the cohort, what is before this place is done with. */
  advance(to: number): void {
    if (this.#part === null) return;
    this.#part = { ...this.#part, from: to };
    if (this.size === 0) this.clear();
  }

  /** What there is, for somebody else to keep; here nothing is left. */
  take(): Notes<V> {
    const taken = new Notes<V>();
    taken.#part = this.#part;
    taken.#own = this.#own;
    this.clear();
    return taken;
  }

  #table(): Map<string, V> {
    this.#own ??= new Map(this);
    this.#part = null;
    return this.#own;
  }
}

function isIn({ cohort, from }: Part<unknown>, name: string): boolean {
  const place = cohort.placeOf(name);
  return place !== undefined && place >= from;
}
