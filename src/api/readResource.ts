/** One document as it was sent for a place: the resource, or all that is wrong with it at once. */
import type { ApiCode } from "../errors/codes.ts";
import type { Diagnostic } from "../errors/diagnostic.ts";
import { validateResource } from "../model/index.ts";
import type { Kind, Resource, Snapshot } from "../model/types.ts";
import { locateNone, refusal } from "./diagnostics.ts";
import { type Claim, type Labelled, strangerOf } from "./owners.ts";
import type { Problem } from "./problem.ts";

/** Where a resource is to stand, and as whom it is written. */
export interface Destination {
  readonly kind: Kind;
  readonly name: string;
  readonly base: Snapshot;
  readonly claim: Claim;
  /** The owner that the request names, in whatever way. */
  readonly named: unknown;
}

/** The resource that is to stand at a place, or every problem of the document. */
export function readResource({ kind, name, base, claim, named }: Destination, { document, found }: Labelled): Resource {
  const { resource, diagnostics } = validateResource(kind, document, base);
  const wrong = [...otherName(document, name), ...diagnostics];
  if (wrong.length === 0) return resource as Resource;
  const stranger = strangerOf((base[kind] as ReadonlyMap<string, Resource>).get(name), named, claim);
  throw refusal([...(stranger === null ? [] : [stranger]), ...found, ...wrong], locateNone) as Problem;
}

function otherName(document: unknown, name: string): Diagnostic[] {
  const { name: given } = (document ?? {}) as { readonly name?: unknown };
  if (typeof given !== "string" || given === name) return [];
  const message = `must be ${JSON.stringify(name)}, as in the path`;
  return [{ code: "API-NAME-MISMATCH" satisfies ApiCode, severity: "error", message, pointer: "/name" }];
}
