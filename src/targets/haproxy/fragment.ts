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

/** Collects the fragment of one node or of many. */
export interface FragmentBuilder {
  readonly maps: Map<string, string[]>;
  readonly sections: Map<Section, string[]>;
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

function append<Key>(texts: Map<Key, string[]>, key: Key, text: string): void {
  const list = texts.get(key);
  if (list === undefined) texts.set(key, [text]);
  else list.push(text);
}

/** What was collected. */
export function finished({ maps, sections, shared }: FragmentBuilder): Fragment {
  return { maps: joined(maps), sections: joined(sections), shared };
}

function joined<Key>(texts: ReadonlyMap<Key, readonly string[]>): Map<Key, string> {
  return new Map([...texts].map(([key, list]) => [key, list.join("")]));
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
