/**
 * What new streams that ask for the same names are all sent first. It is found once for each view; a stream then only notes how much of
 * it has gone out, whatever its size.
 */
import { framedSize } from "./encode.ts";
import { SPLIT_BYTES } from "./limits.ts";
import type { XdsResource } from "./types.ts";
import { sumOfResources, type VersionSum } from "./versionSum.ts";
import type { TypeView } from "./view.ts";

/** Immutable. */
export interface Cohort {
  /** Of the names; with the view it says all. */
  readonly id: number;
  /** Of which it is a part; it has no other names than the resources' own. */
  readonly view: TypeView;
  /** Names of which there is a resource, in the order in which they are sent. */
  readonly names: readonly string[];
  readonly resources: readonly XdsResource[];
  /** Names of which there is none. */
  readonly missing: readonly string[];
  /** Where a name stands; undefined: it is not among `names`. */
  readonly placeOf: (name: string) => number | undefined;
  /** Where the response ends that begins at a place. */
  readonly endOf: (from: number, form: Form) => number;
  /** What a node names that has all of it. */
  readonly versions: () => VersionSum;
}

/** How resources stand in a response. */
interface Form {
  readonly delta: boolean;
  readonly ttl: boolean;
}

/** `asked`: the names asked for, and their number; null: all that there are. */
export function makeCohort(
  view: TypeView,
  asked: { readonly id: number; readonly names: Iterable<string> } | null,
): Cohort {
  const found: string[] = [];
  const resources: XdsResource[] = [];
  const missing: string[] = [];
  for (const name of asked?.names ?? view.resources.keys()) {
    const resource = view.resources.get(name);
    if (resource === undefined) missing.push(name);
    else {
      found.push(name);
      resources.push(resource);
    }
  }
  const cuts = new Map<string, readonly number[]>();
  let places: Map<string, number> | null = null;
  let versions: VersionSum | null = null;
  return {
    id: asked?.id ?? 0,
    view,
    names: found,
    resources,
    missing,
    placeOf(name) {
      places ??= new Map(found.map((own, place) => [own, place]));
      return places.get(name);
    },
    endOf(from, form) {
      const key = `${form.delta} ${form.ttl}`;
      const ends = cuts.get(key) ?? endsOf(resources, form);
      cuts.set(key, ends);
      return ends.find((end) => end > from) ?? found.length;
    },
    versions() {
      versions ??= sumOfResources(resources);
      return versions;
    },
  };
}

/** Ends of responses, each as long as may be. */
function endsOf(resources: readonly XdsResource[], form: Form): number[] {
  const ends: number[] = [];
  let size = 0;
  for (const [place, resource] of resources.entries()) {
    const framed = framedSize(resource, form);
    if (size > 0 && size + framed > SPLIT_BYTES) {
      ends.push(place);
      size = 0;
    }
    size += framed;
  }
  ends.push(resources.length);
  return ends;
}
