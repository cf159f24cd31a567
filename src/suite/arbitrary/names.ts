/** The kinds of a model, and the names that objects of random models have. */
import { collectionsIn, readSchemas, schemaOf } from "../../tooling/schemas.ts";

/** Documents by collection. */
export type Document = Record<string, Item[]>;
/** One document. */
export type Item = Record<string, unknown> & { name: string };

const schemas = readSchemas();

/** Every kind with its collection, in document order, and its schema. */
export const KINDS = collectionsIn(schemas).map(({ kind, collection }) => ({
  kind,
  collection,
  schema: schemaOf(kind, schemas),
}));

/** Names by kind. A kind that is not here has three names of its own. */
const NAMES: Readonly<Record<string, readonly string[]>> = {
  fleet: ["envoys", "nginxes", "haproxies"],
  // Behind the others in the alphabet: of two that clash the later one is told of, and left out.
  listener: ["web", "narrow", "raw", "packets", "calls", "secure", "passed", "ended", "x0", "x1", "x2"],
  cluster: ["one", "two", "three", "empty", "calls", "bytes"],
  route: [..."01234567"].map((digit) => `r${digit}`).concat("tcp", "udp", "grpc", "tls", "tls-too"),
};

/** Names of a kind's objects. */
export function namesOf(kind: string): readonly string[] {
  return NAMES[kind] ?? [0, 1, 2].map((index) => `${kind.toLowerCase()}-${index}`);
}

/** Names that what names one of a collection may have; those that a model does not have are replaced (mend.ts). */
export function namesIn(collection: string): readonly string[] {
  const { kind } = KINDS.find((each) => each.collection === collection) ?? {};
  if (kind === undefined) throw new Error(`no kind has the collection ${collection}`);
  return namesOf(kind);
}

/** The collection of a kind. */
export function collectionOf(kind: string): string {
  const { collection } = KINDS.find((each) => each.kind === kind) ?? {};
  if (collection === undefined) throw new Error(`there is no kind ${kind}`);
  return collection;
}

/** A copy as JSON has it: without undefined members, and no zero below zero. Texts, of which certificates are long, are not copied. */
export function plain<T>(value: T): T {
  return copyOf(value) as T;
}

function copyOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(copyOf);
  if (typeof value !== "object" || value === null) return Object.is(value, -0) ? 0 : value;
  const entries = Object.entries(value).filter(([, one]) => one !== undefined);
  return Object.fromEntries(entries.map(([key, one]) => [key, copyOf(one)]));
}
