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

/** Such a map by name. */
export class Notes<V> implements ReadonlyNotes<V> {
  #cohort: Cohort | null = null;
  #from = 0;
  #note!: V;
  #own: Map<string, V> | null = null;

  get size(): number {
    if (this.#cohort !== null) return this.#cohort.names.length - this.#from;
    return this.#own === null ? 0 : this.#own.size;
  }

  has(name: string): boolean {
    if (this.#cohort !== null) return this.#isShared(this.#cohort, name);
    return this.#own?.has(name) === true;
  }

  get(name: string): V | undefined {
    if (this.#cohort !== null) return this.#isShared(this.#cohort, name) ? this.#note : undefined;
    return this.#own?.get(name);
  }

  set(name: string, note: V): void {
    if (this.#cohort !== null && note === this.#note && this.#isShared(this.#cohort, name)) return;
    this.#table().set(name, note);
  }

  delete(name: string): boolean {
    return this.has(name) && this.#table().delete(name);
  }

  clear(): void {
    this.#cohort = null;
    this.#own = null;
  }

  keys(): Iterable<string> {
    return this.#cohort === null ? (this.#own?.keys() ?? []) : this.#cohort.names.slice(this.#from);
  }

  [Symbol.iterator](): Iterator<[string, V]> {
    if (this.#cohort === null) return (this.#own ?? [])[Symbol.iterator]();
    const entries = this.#cohort.names.slice(this.#from).map((name): [string, V] => [name, this.#note]);
    return entries[Symbol.iterator]();
  }

  *values(): Generator<V> {
    for (const [, note] of this) yield note;
  }

  /** From here on all names of the cohort, and only these, have this note. */
  share(cohort: Cohort, note: V): void {
    this.#own = null;
    this.#cohort = cohort.names.length === 0 ? null : cohort;
    this.#from = 0;
    this.#note = note;
  }

  /** The cohort that it stands for, and the place from which; null: it is a table of its own. */
  get shared(): { readonly cohort: Cohort; readonly from: number } | null {
    return this.#cohort === null ? null : { cohort: this.#cohort, from: this.#from };
  }

  /** Of the cohort, what is before this place is done with. */
  advance(to: number): void {
    this.#from = to;
    if (this.size === 0) this.clear();
  }

  /** What there is, for somebody else to keep; here nothing is left. */
  take(): Notes<V> {
    const taken = new Notes<V>();
    taken.#cohort = this.#cohort;
    taken.#from = this.#from;
    taken.#note = this.#note;
    taken.#own = this.#own;
    this.clear();
    return taken;
  }

  #isShared(cohort: Cohort, name: string): boolean {
    const place = cohort.placeOf(name);
    return place !== undefined && place >= this.#from;
  }

  #table(): Map<string, V> {
    this.#own ??= new Map(this);
    this.#cohort = null;
    return this.#own;
  }
}
