/** Single changes of a model, one field at a time, at any place that `schemas/` knows. */
import fc from "fast-check";
import { references } from "../../gen/references.ts";
import { allPlaces, type Place } from "../../tooling/leaves.ts";
import { arbitraryOf } from "./fromSchema.ts";
import { hintOf } from "./hints.ts";
import { mendReferences, rename } from "./mend.ts";
import { collectionOf, type Document, KINDS, plain } from "./names.ts";

/**
 * change: another value. set: one where there is none. remove: none. move: to the front of its list. An element of a list is set
 * behind the others.
 */
export const EDIT_KINDS = ["change", "set", "remove", "move"] as const;
/** One of them. */
export type EditKind = (typeof EDIT_KINDS)[number];

/** A place of a document, whatever stands there. */
export interface Spot {
  readonly place: Place;
  readonly container: Record<string, unknown>;
  readonly key: string;
}

/** Every place of every kind. */
export const PLACES: readonly Place[] = allPlaces();

/** Where a document has, or could have, a value at this place; of a list also behind its end. */
export function spotsOf(document: Document, place: Place): Spot[] {
  return (document[collectionOf(place.kind)] ?? []).flatMap((item) => spotsBelow(item, place, place.steps));
}

function spotsBelow(value: unknown, place: Place, [step, ...rest]: readonly string[]): Spot[] {
  if (value === null || typeof value !== "object" || step === undefined) return [];
  const container = value as Record<string, unknown>;
  const keys = Array.isArray(value) && step === "*" ? [...Object.keys(value), String(value.length)] : [step];
  if (rest.length === 0) return keys.map((key) => ({ place, container, key }));
  return keys.flatMap((key) => spotsBelow(container[key], place, rest));
}

/** Whether the edit makes sense there. */
export function isPossible(kind: EditKind, { place, container, key }: Spot): boolean {
  const isThere = container[key] !== undefined;
  switch (kind) {
    case "change":
      return isThere && place.schema.const === undefined;
    case "set":
      return !isThere;
    case "remove":
      return isThere && !place.required && otherBranches(place).length === 0;
    case "move":
      return isThere && Array.isArray(container) && key !== "0";
  }
}

/** An edit of a spot. */
export interface Edit {
  readonly kind: EditKind;
  readonly spot: Spot;
  /** Of change and set. */
  readonly value: unknown;
}

/**
 * Makes the edit. What cannot stay as it is changes too: a name wherever the object is named, the other branches of a oneOf, the
 * field that a hint couples with this one.
 */
export function makeEdit(document: Document, { kind, spot, value }: Edit): void {
  const { container, key } = spot;
  if (kind === "change" || kind === "set") put(document, spot, value);
  else if (kind === "move" && Array.isArray(container)) container.unshift(...container.splice(Number(key), 1));
  else if (Array.isArray(container)) container.splice(Number(key), 1);
  else delete container[key];
}

function put(document: Document, { place, container, key }: Spot, value: unknown): void {
  const before = container[key];
  const { swappedWith } = hintOf(place);
  for (const other of otherBranches(place)) delete container[other];
  container[key] = swappedWith === undefined ? plain(value) : container[swappedWith];
  if (swappedWith !== undefined) container[swappedWith] = before;
  if (place.path === `${place.kind}.name`) renameAll(document, place.kind, [before as string, value as string]);
  mendReferences(document);
}

/** Names of the fields that cannot stand beside this one. */
function otherBranches({ kind, path }: Place): readonly string[] {
  const at = path.lastIndexOf(".");
  const parentPath = path.slice(0, at);
  const parent =
    PLACES.find((place) => place.path === parentPath)?.schema ?? KINDS.find((each) => each.kind === kind)?.schema;
  const names = (parent?.oneOf ?? []).flatMap(({ required }) => required);
  const name = path.slice(at + 1);
  return names.includes(name) ? names.filter((other) => other !== name) : [];
}

function renameAll(document: Document, kind: string, [before, after]: readonly [string, string]): void {
  for (const { kind: referring, collection } of KINDS) {
    for (const [named, ...steps] of references[referring as keyof typeof references]) {
      if (named !== kind) continue;
      for (const item of document[collection] ?? [])
        rename(item, steps, (name) => (name === before ? after : undefined));
    }
  }
}

/** More spots than a model has of one place. */
const MANY = 1000;

/** An edit that is made somewhere in whatever document comes; where it makes no sense it changes nothing. */
export type AnyEdit = (document: Document) => void;

/** Every place and every kind of edit, values as the schema and the hints have them. */
export const arbitraryEdit: fc.Arbitrary<AnyEdit> = fc
  .tuple(fc.constantFrom(...PLACES), fc.constantFrom(...EDIT_KINDS), fc.nat(MANY))
  .chain(([place, kind, pick]) =>
    arbitraryOf(place).map((value) => (document) => {
      const spots = spotsOf(document, place).filter((each) => isPossible(kind, each));
      const spot = spots[pick % Math.max(1, spots.length)];
      if (spot !== undefined) makeEdit(document, { kind, spot, value });
    }),
  );
