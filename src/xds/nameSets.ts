/**
 * Lists of names that clients ask for, each kept once: the nodes of a fleet ask for the same. A list is known by the bytes in which it
 * came, so that one that was seen before is not read again; it goes with the last subscription that holds it.
 */
import { hash } from "node:crypto";
import { mapSteps, type Steps } from "../util/steps.ts";
import { type Cohort, makeCohort } from "./cohorts.ts";
import { decodeNamesSteps } from "./decode.ts";
import { ECHOES, LIGHT_REQUEST_BYTES } from "./limits.ts";
import type { TypeView } from "./view.ts";
import { isGlob, isXdstp } from "./xdstp.ts";

/** The names of one list, in its order; never changed. */
export interface NameSet {
  /** Different from all others of the server, and above 0 for every set that is kept. */
  readonly id: number;
  /** Without `*`. */
  readonly names: ReadonlySet<string>;
  readonly wildcard: boolean;
  /** The bytes themselves, once somebody wanted to compare with them. */
  raw: Buffer | null;
  /** What new streams that ask for just this are sent first; null: there are not several, or not alike. */
  readonly cohort: (view: TypeView) => Cohort | null;
  /** Subscriptions that hold it. */
  holders: number;
  /** One of them holds it no longer. */
  readonly release: () => void;
}

/** The name sets of one server. */
export interface NameSets {
  /** Lists that are kept. */
  readonly size: number;
  /** What a wildcard alone asks for. */
  readonly everything: NameSet;
  /** The bytes of the last lists that were asked for. */
  latest(): readonly Buffer[];
  /** The set of these encoded names for one more subscription. `textOf`: the text to keep for a name. Throws BadRequest. */
  holdSteps(raw: Buffer, textOf: (name: string) => string): Steps<NameSet>;
}

/** No sets yet. */
export function createNameSets(): NameSets {
  const sets = new Map<string, NameSet>();
  const nothing = makeSet({ id: -1, names: new Set(), wildcard: false }, () => {});
  /** The last lists that were asked for: to compare with them costs less than to hash. */
  let latest: { readonly raw: Buffer; readonly set: NameSet }[] = [];
  let count = 0;

  function note(raw: Buffer, set: NameSet): void {
    if (raw.length > LIGHT_REQUEST_BYTES) return;
    latest.unshift({ raw: Buffer.from(raw), set });
    if (latest.length > ECHOES) latest.pop();
  }

  function forget(key: string, set: NameSet): void {
    sets.delete(key);
    latest = latest.filter((one) => one.set !== set);
  }

  function add(key: string, names: readonly string[]): NameSet {
    const own = new Set(names);
    const wildcard = own.delete("*");
    const set: NameSet = makeSet({ id: ++count, names: own, wildcard }, () => forget(key, set));
    sets.set(key, set);
    return set;
  }

  return {
    get size() {
      return sets.size;
    },
    latest: () => latest.map(({ raw }) => raw),
    everything: makeSet({ id: 0, names: new Set(), wildcard: true }, () => {}),
    *holdSteps(raw, textOf) {
      if (raw.length === 0) return nothing;
      const known = latest.find((one) => one.raw.equals(raw));
      if (known !== undefined) {
        known.set.holders += 1;
        return known.set;
      }
      const key = hash("sha256", raw, "base64");
      let set = sets.get(key);
      if (set === undefined) {
        const names = yield* mapSteps(yield* decodeNamesSteps(raw), textOf);
        // Another stream may have brought it meanwhile.
        set = sets.get(key) ?? add(key, names);
        // How the parameters of a name are spelled is for the view to say, and views differ: nobody shares these.
        if (names.some((name) => isXdstp(name) && name.includes("?"))) sets.delete(key);
      }
      set.holders += 1;
      if (sets.has(key)) note(raw, set);
      return set;
    },
  };
}

function makeSet(own: Pick<NameSet, "id" | "names" | "wildcard">, onEmpty: () => void): NameSet {
  const cohorts = new WeakMap<TypeView, Cohort>();
  const isPure = own.wildcard ? own.names.size === 0 : own.names.size > 0;
  const isPlain = isPure && !own.names.has("") && ![...own.names].some(isGlob);
  const set: NameSet = {
    ...own,
    raw: null,
    holders: 0,
    cohort(view) {
      // Of names that one stream alone has asked for, a second list in memory would save nothing.
      if (!isPlain || (set.holders < 2 && !set.wildcard) || view.resources !== view.source) return null;
      const found = cohorts.get(view) ?? makeCohort(view, own.wildcard ? null : own);
      cohorts.set(view, found);
      return found;
    },
    release() {
      set.holders -= 1;
      if (set.holders === 0) onEmpty();
    },
  };
  return set;
}
