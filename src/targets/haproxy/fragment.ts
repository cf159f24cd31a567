/**
 * What some IR nodes add to their listener: lines of its maps and text for the sections of its configuration. Fragments are pure
 * functions of their nodes and are joined in the nodes' order.
 */
import { type Steps, shouldYield } from "../../util/steps.ts";

/** Sections of a listener's configuration that nodes add to. */
export type Section = "regexes" | "choices" | "splits" | "answers";

/** Sections in which a text stands once, however many nodes ask for it, ascending by key. */
export type SharedSection =
  | "gatedFields"
  | "wildcards"
  | "anyHost"
  | "regexAcls"
  | "choiceAcls"
  | "dimensions"
  | "turns"
  | "openEnd";

/** What nodes add. */
export interface Fragment {
  /** Lines of maps, by the map's name. */
  readonly maps: ReadonlyMap<string, string>;
  readonly sections: ReadonlyMap<Section, string>;
  /** By section, then by key. */
  readonly shared: ReadonlyMap<SharedSection, ReadonlyMap<string, string>>;
}

/** A text in the making. Tables have half a million lines, so they are joined a few at a time, not all in one turn at the end. */
interface Pieces {
  readonly joined: string[];
  readonly last: string[];
}

/** Pieces of a line each that are joined in some microseconds. */
const JOINED_AT_ONCE = 256;

/** Collects the fragment of one node or of many. */
export interface FragmentBuilder {
  readonly maps: Map<string, Pieces>;
  readonly sections: Map<Section, Pieces>;
  readonly shared: Map<SharedSection, Map<string, string>>;
}

/** An empty fragment to add to. */
export function newFragment(): FragmentBuilder {
  return { maps: new Map(), sections: new Map(), shared: new Map() };
}

/** Adds whole lines to a map. */
export function addLines({ maps }: FragmentBuilder, map: string, text: string): void {
  append(maps, map, text);
}

/** Adds text to a section. */
export function addText({ sections }: FragmentBuilder, section: Section, text: string): void {
  append(sections, section, text);
}

/** Adds text that stands once for its key. */
export function addShared({ shared }: FragmentBuilder, section: SharedSection, [key, text]: [string, string]): void {
  const texts = shared.get(section);
  if (texts === undefined) shared.set(section, new Map([[key, text]]));
  else texts.set(key, text);
}

function append<Key>(texts: Map<Key, Pieces>, key: Key, text: string): void {
  const pieces = texts.get(key);
  if (pieces === undefined) {
    texts.set(key, { joined: [], last: [text] });
    return;
  }
  const { joined, last } = pieces;
  last.push(text);
  if (last.length >= JOINED_AT_ONCE) joined.push(last.splice(0).join(""));
}

/** What was collected. */
export function finished({ maps, sections, shared }: FragmentBuilder): Fragment {
  return { maps: joined(maps), sections: joined(sections), shared };
}

function joined<Key>(texts: ReadonlyMap<Key, Pieces>): Map<Key, string> {
  return new Map([...texts].map(([key, { joined: most, last }]) => [key, [...most, ...last].join("")]));
}

/** Several fragments as one. */
export function* joinFragments(fragments: readonly Fragment[]): Steps<Fragment> {
  const builder = newFragment();
  for (const [index, { maps, sections, shared }] of fragments.entries()) {
    for (const [map, text] of maps) addLines(builder, map, text);
    for (const [section, text] of sections) addText(builder, section, text);
    for (const [section, texts] of shared) for (const entry of texts) addShared(builder, section, entry);
    if (shouldYield(index)) yield;
  }
  yield;
  return finished(builder);
}

/** A shared section's text, without the keys of another. */
export function sharedText({ shared }: Fragment, section: SharedSection, besides?: SharedSection): string {
  const others = besides === undefined ? undefined : shared.get(besides);
  const texts = [...(shared.get(section) ?? [])].filter(([key]) => others?.has(key) !== true);
  texts.sort(([a], [b]) => (a < b ? -1 : 1));
  return texts.map(([, text]) => text).join("");
}
