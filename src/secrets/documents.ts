/**
 * The secrets of documents, of any shape: they are sealed when a document is read, before anything else looks at it. What is refused
 * is not in the document any more either, so that no message can repeat it.
 */
import type { Diagnostic } from "../errors/diagnostic.ts";
import { collectionOfKind, type Kind } from "../gen/kinds.ts";
import { secretPaths } from "../gen/secrets.ts";
import { pointer } from "../util/pointer.ts";
import type { Steps } from "../util/steps.ts";
import type { secretCodes } from "./codes.ts";
import { looksSealed, readReference, refusedText } from "./reference.ts";
import type { Keeper, Sealed } from "./types.ts";

/** A document without secrets. */
export interface Sealing {
  /** References, also those that came as such, stand in their place. */
  readonly document: unknown;
  /** What is wrong with them. */
  readonly found: readonly Diagnostic[];
  /** What was sealed. */
  readonly secrets: readonly Sealed[];
}

/** Collects while a document is walked. */
interface Work {
  readonly keeper: Pick<Keeper, "seal" | "knows">;
  readonly found: Diagnostic[];
  readonly secrets: Map<string, Sealed>;
}

/** A text of a field that holds a secret. */
interface Value {
  readonly type: string;
  readonly text: string;
  /** Its pointer. */
  readonly at: string;
}

/** A resource, or a merge patch of one. */
export function* sealResource(kind: Kind, document: unknown, keeper: Work["keeper"]): Steps<Sealing> {
  const work: Work = { keeper, found: [], secrets: new Map() };
  return sealing(work, yield* sealedBody(kind, { value: document, at: "" }, work));
}

/** A whole configuration. */
export function* sealConfig(document: unknown, keeper: Work["keeper"]): Steps<Sealing> {
  const work: Work = { keeper, found: [], secrets: new Map() };
  let sealed = document;
  for (const [kind, collection] of Object.entries(collectionOfKind) as [Kind, string][]) {
    const list = isObject(sealed) ? sealed[collection] : undefined;
    if (secretPaths[kind].length === 0 || !Array.isArray(list)) continue;
    const bodies: unknown[] = [];
    for (const [index, value] of list.entries()) {
      bodies.push(yield* sealedBody(kind, { value, at: pointer(collection, index) }, work));
      yield;
    }
    sealed = { ...(sealed as object), [collection]: bodies };
  }
  return sealing(work, sealed);
}

function sealing({ found, secrets }: Work, document: unknown): Sealing {
  return { document, found, secrets: [...secrets.values()] };
}

/** Something that may hold secrets, and its pointer. */
interface Placed {
  readonly value: unknown;
  readonly at: string;
}

function* sealedBody(kind: Kind, { value, at }: Placed, work: Work): Steps<unknown> {
  let body = value;
  for (const [type, ...steps] of secretPaths[kind]) {
    body = replaced({ value: body, at }, steps, (text, place) => sealedText({ type, text, at: place }, work));
    yield;
  }
  return body;
}

/** With each text at the end of the steps replaced; what has another shape is left for the schema to refuse. */
function replaced(
  { value, at }: Placed,
  steps: readonly string[],
  make: (text: string, at: string) => string,
): unknown {
  const [step, ...below] = steps;
  if (step === undefined) return typeof value === "string" ? make(value, at) : value;
  if (step === "*") {
    if (!Array.isArray(value)) return value;
    return value.map((item, index) => replaced({ value: item, at: at + pointer(index) }, below, make));
  }
  if (!isObject(value) || !Object.hasOwn(value, step)) return value;
  return { ...value, [step]: replaced({ value: value[step], at: at + pointer(step) }, below, make) };
}

function sealedText({ type, text, at }: Value, { keeper, found, secrets }: Work): string {
  const refuse = (code: keyof typeof secretCodes, message: string): string => {
    found.push({ code, severity: "error", message, pointer: at });
    return refusedText(type);
  };
  if (looksSealed(text)) {
    if (readReference(text)?.type !== type) return refuse("SECRET-UNKNOWN", `is no sealed reference of a ${type}`);
    return keeper.knows(text) ? text : refuse("SECRET-UNKNOWN", "unknown sealed reference: send the secret itself");
  }
  if (text.startsWith(FILE))
    return refuse(
      "SECRET-INVALID",
      "names a file, which only the command line reads (validate, render, apply and their like); send the secret itself",
    );
  const sealed = keeper.seal(type, text);
  if ("refused" in sealed) return refuse("SECRET-INVALID", sealed.refused);
  secrets.set(sealed.reference, sealed);
  return sealed.reference;
}

/** What the command line replaces by what stands in a file. */
export const FILE = "file:";

/** The references of a document whose shape is good. Throws when it holds a secret that is none: that is a defect. */
export function* referencesOf(kind: Kind, body: unknown): Iterable<string> {
  for (const [type, ...steps] of secretPaths[kind]) {
    const found: string[] = [];
    replaced({ value: body, at: "" }, steps, (text) => {
      if (readReference(text)?.type !== type) throw new Error(`a ${type} of a ${kind} was not sealed`);
      found.push(text);
      return text;
    });
    yield* found;
  }
}

/** The kinds whose documents hold secrets. */
export const secretKinds: readonly Kind[] = (Object.keys(secretPaths) as Kind[]).filter(
  (kind) => secretPaths[kind].length > 0,
);

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}
