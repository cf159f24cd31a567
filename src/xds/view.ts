/** A group's state of one resource type, what changed since an older state, and its content version. */
import { hash } from "node:crypto";
import { MAX_LABELS } from "./limits.ts";
import type { XdsResource } from "./types.ts";
import { otherNames } from "./viewNames.ts";

/** The resources of one type by name. */
export type ResourceMap = ReadonlyMap<string, XdsResource>;

/** Names that differ between two states of a type. */
export interface Diff {
  /** Added, or with another version. */
  readonly changed: readonly string[];
  readonly removed: readonly string[];
  /** Some of these are other names than the resources' own. */
  readonly aliased: boolean;
}

export interface TypeView {
  /** As it was given. */
  readonly source: ResourceMap;
  /** The same, with every other name of a resource as a key of its own; the same map when there are none. */
  readonly resources: ResourceMap;
  /** Resources with a time to live. */
  readonly timed: readonly XdsResource[];
  /** Sum over all resources: order does not matter, and a change costs O(changed). */
  readonly sum: SetSum;
  /** Shown to nodes: the label, else the content hash of the whole set, the same on every replica and after a restart. Never empty. */
  readonly version: string;
  /** Given by the owner of the view in place of the content hash. */
  readonly label: string | null;
  /** What each label so far stood for; shared by all states of the type. */
  readonly meanings: Map<string, string>;
  /** Differences from older states, shared by all streams that stand there. */
  readonly diffs: WeakMap<ResourceMap, Diff>;
}

/** 128 bits as four unsigned 32-bit lanes, each added modulo 2^32. */
export type SetSum = Uint32Array;

/** The meaning of a label that stood for several states. */
const AMBIGUOUS = "";

/** The state of a type before anything was set, and of a stream that was sent nothing. */
export const NO_RESOURCES: ResourceMap = new Map();
export const EMPTY_VIEW: TypeView = makeView(
  { source: NO_RESOURCES, ...surveyed(NO_RESOURCES) },
  { sum: new Uint32Array(4), label: null, meanings: new Map() },
);

/** The next state of a type; the same object when the resources and the label are. Reads `source` once or twice. */
export function nextView(previous: TypeView, source: ResourceMap, label: string | null = null): TypeView {
  // The empty view is shared by all types, so what a label means is not noted there.
  const meanings = previous === EMPTY_VIEW ? new Map<string, string>() : previous.meanings;
  if (previous.source === source) {
    if (previous.label === label) return previous;
    return { ...makeView(previous, { sum: previous.sum, label, meanings }), diffs: previous.diffs };
  }
  const survey = surveyed(source);
  const { resources } = survey;
  const diff = compare(previous.resources, resources);
  const sum = Uint32Array.from(previous.sum);
  for (const name of diff.changed) {
    const before = previous.resources.get(name);
    if (before !== undefined) addTo(sum, before, -1);
    addTo(sum, resources.get(name)!, 1);
  }
  for (const name of diff.removed) addTo(sum, previous.resources.get(name)!, -1);
  const next = makeView({ source, ...survey }, { sum, label, meanings });
  next.diffs.set(previous.resources, diff);
  return next;
}

/** What a stream that stands at `from` has to learn. */
export function diffFrom(view: TypeView, from: ResourceMap): Diff {
  let diff = view.diffs.get(from);
  if (diff === undefined) {
    diff = compare(from, view.resources);
    view.diffs.set(from, diff);
  }
  return diff;
}

/** The version of a set that differs from the view: `held` says, name by name, what stands there instead (undefined: nothing). */
export function versionWith(view: TypeView, held: Iterable<readonly [string, XdsResource | undefined]>): string {
  if (view.label !== null) {
    view.meanings.set(view.label, AMBIGUOUS);
    return view.label;
  }
  const sum = Uint32Array.from(view.sum);
  for (const [name, instead] of held) {
    const current = view.resources.get(name);
    if (current !== undefined) addTo(sum, current, -1);
    if (instead !== undefined) addTo(sum, instead, 1);
  }
  return versionOf(sum);
}

/** True when a node that names this version has exactly this state. A label may have stood for something else before. */
export function isVersionOf(view: TypeView, version: string): boolean {
  if (version !== view.version) return false;
  return view.label === null || view.meanings.get(view.label) === versionOf(view.sum);
}

/** True for what looks like a content hash: another state of ours, and not a version that somebody else has given. */
export function isContentVersion(version: string): boolean {
  return /^[0-9a-f]{16}$/.test(version);
}

function makeView(
  state: Pick<TypeView, "source" | "resources" | "timed">,
  versions: Pick<TypeView, "sum" | "label" | "meanings">,
): TypeView {
  const { sum, label, meanings } = versions;
  const content = versionOf(sum);
  const { source, resources, timed } = state;
  if (label !== null) {
    const before = meanings.get(label);
    if (before !== undefined && before !== content) meanings.set(label, AMBIGUOUS);
    else if (meanings.size < MAX_LABELS) meanings.set(label, content);
  }
  return { source, resources, timed, sum, label, meanings, version: label ?? content, diffs: new WeakMap() };
}

/** Finds, in one pass, what few resources have: other names, and a time to live. */
function surveyed(source: ResourceMap): Pick<TypeView, "resources" | "timed"> {
  let resources: Map<string, XdsResource> | null = null;
  const timed: XdsResource[] = [];
  for (const resource of source.values()) {
    if (resource.ttlMs !== undefined) timed.push(resource);
    for (const other of otherNames(resource)) {
      // A name goes before an alias, and the first alias before later ones.
      if (source.has(other) || resources?.has(other)) continue;
      resources ??= new Map(source);
      resources.set(other, resource);
    }
  }
  return { resources: resources ?? source, timed };
}

function versionOf(sum: SetSum): string {
  return hash("sha256", Buffer.from(Uint32Array.from(sum).buffer)).slice(0, 16);
}

function addTo(sum: SetSum, resource: XdsResource, sign: 1 | -1): void {
  const lanes = mix(`${resource.name}\0${resource.version}`);
  for (let lane = 0; lane < sum.length; lane++) sum[lane]! += sign * lanes[lane]!;
}

/**
 * Spreads a text over four lanes (multiply and rotate, then an avalanche). Not SHA-256, which takes 100 ms for 10 000 resources: the
 * versions in it are content hashes already, and only accidental collisions of the sum matter.
 */
function mix(text: string): readonly number[] {
  const lanes = [0x9e3779b9, 0x85ebca6b, 0xc2b2ae35, 0x27d4eb2f];
  for (let at = 0; at < text.length; at++) {
    const lane = at & 3;
    const mixed = Math.imul(lanes[lane]! ^ text.charCodeAt(at), 0x01000193 + 2 * at);
    lanes[lane] = (mixed << 13) | (mixed >>> 19);
    lanes[(lane + 1) & 3]! ^= mixed;
  }
  for (let round = 0; round < 8; round++) {
    const from = lanes[round & 3]!;
    const mixed = Math.imul(from ^ (from >>> 16), 0x7feb352d);
    lanes[(round + 1) & 3] = Math.imul(lanes[(round + 1) & 3]! ^ mixed ^ (mixed >>> 15), 0x846ca68b);
  }
  return lanes;
}

function compare(from: ResourceMap, to: ResourceMap): Diff {
  const changed: string[] = [];
  let added = 0;
  let aliased = false;
  for (const [name, resource] of to) {
    const before = from.get(name);
    if (before === resource) continue;
    if (before === undefined) added += 1;
    if (before?.version === resource.version && before.name === resource.name) continue;
    changed.push(name);
    aliased ||= resource.name !== name || (before !== undefined && before.name !== name);
  }
  const removed: string[] = [];
  if (from.size + added !== to.size) {
    for (const [name, before] of from) {
      if (to.has(name)) continue;
      removed.push(name);
      aliased ||= before.name !== name;
    }
  }
  return { changed, removed, aliased };
}
