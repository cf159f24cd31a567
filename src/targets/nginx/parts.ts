/** What locations need elsewhere in the configuration: of one run of locations, of a host, joined. */

import { block, inline } from "./blocks.ts";
import type { NamedBody } from "./body.ts";
import { type Jumps, jumpTarget } from "./jumps.ts";
import type { Claim } from "./names.ts";
import type { AnswerField } from "./policies/policy.ts";
import { comparePlaces } from "./policies/policy.ts";
import type { LoweredRule, Split } from "./rule.ts";
import type { Step } from "./step.ts";
import type { Block, MapView } from "./views.ts";

/** In each list a name stands once. */
export interface Parts {
  /** Maps of choices. */
  readonly steps: readonly Named[];
  readonly splits: readonly Named[];
  /** Locations that are jumped to. */
  readonly named: readonly Named[];
  /** Of the server, in the order in which answers have them. */
  readonly answerFields: readonly AnswerField[];
  /** Of the http block. */
  readonly sharedMaps: readonly MapView[];
  readonly clusters: readonly string[];
  /** The names of variables that all this was made with. */
  readonly claims: readonly Claim[];
}

/** The same name, the same block. */
export interface Named {
  readonly name: string;
  readonly block: Block;
}

/** What some locations are made of. */
export interface Ingredients {
  readonly steps: readonly Step[];
  /** All rules that they serve. */
  readonly rules: ReadonlySet<LoweredRule>;
  /** Those of them that are jumped to. */
  readonly jumped: ReadonlySet<LoweredRule>;
  /** Other locations that are jumped to. */
  readonly named: readonly NamedBody[];
}

/** Of locations that need nothing. */
export const NO_INGREDIENTS: Ingredients = { steps: [], rules: new Set(), jumped: new Set(), named: [] };

/** The parts that go with some locations. */
export function partsOf({ steps, rules, jumped, named }: Ingredients, jumps: Jumps): Parts {
  const bodies = [...named, ...[...jumped].map((rule) => rule.named)];
  const splits: Split[] = [];
  const answerFields: AnswerField[] = [];
  const maps: MapView[] = [];
  const clusters = new Set<string>();
  for (const rule of rules) {
    if (rule.split !== null) splits.push(rule.split);
    bodies.push(...rule.others);
    answerFields.push(...rule.answerFields);
    maps.push(...rule.maps);
    for (const cluster of rule.clusters) clusters.add(cluster);
  }
  return {
    steps: distinct(steps.map(({ claims, block }) => ({ name: (claims[0] as Claim).got, block }))),
    splits: distinct(splits.map(({ claim, block }) => ({ name: claim.got, block }))),
    named: distinctBodies(bodies, jumps),
    answerFields: inOrder(answerFields),
    sharedMaps: distinctMaps(maps),
    clusters: [...clusters],
    claims: [...steps.flatMap(({ claims }) => claims), ...splits.map(({ claim }) => claim)],
  };
}

/** Several parts as one. */
export function joinParts(all: readonly Parts[]): Parts {
  return {
    steps: distinct(all.flatMap(({ steps }) => steps)),
    splits: distinct(all.flatMap(({ splits }) => splits)),
    named: distinct(all.flatMap(({ named }) => named)),
    answerFields: inOrder(all.flatMap(({ answerFields }) => answerFields)),
    sharedMaps: distinctMaps(all.flatMap(({ sharedMaps }) => sharedMaps)),
    clusters: [...new Set(all.flatMap(({ clusters }) => clusters))],
    claims: all.flatMap(({ claims }) => claims),
  };
}

function distinct(list: readonly Named[]): readonly Named[] {
  const found = new Map<string, Named>();
  for (const entry of list) if (!found.has(entry.name)) found.set(entry.name, entry);
  return [...found.values()];
}

function distinctBodies(bodies: readonly NamedBody[], jumps: Jumps): readonly Named[] {
  const found = new Map<string, Named>();
  for (const { name, body } of bodies) {
    if (found.has(name)) continue;
    const view = { comment: null, locations: [{ name: jumpTarget(name, jumps), body: inline("body", body) }] };
    found.set(name, { name, block: block("locations", { paths: [view] }) });
  }
  return [...found.values()];
}

function distinctMaps(maps: readonly MapView[]): readonly MapView[] {
  return [...new Map(maps.map((map) => [map.name.text, map])).values()];
}

function inOrder(fields: readonly AnswerField[]): readonly AnswerField[] {
  return [...new Map(fields.map((field) => [field.variable, field])).values()].sort(comparePlaces);
}
