/** What a merge patch makes of a resource, and what it says of the owner and of a canary's state. */
import type { Diagnostic } from "../errors/diagnostic.ts";
import { stateWarning } from "../model/index.ts";
import type { Resource } from "../model/types.ts";
import { mergePatch } from "./mergePatch.ts";
import { type Labelled, labelledOne, ownerIn } from "./owners.ts";

/** As whom the patch itself says that it is made: by the owner's label that it sets. */
export function patchOwner(patch: unknown): string | undefined {
  const spoken = ownerIn(patch);
  return typeof spoken === "string" && spoken !== "" ? spoken : undefined;
}

/**
 * The resource with the patch merged in, with the label of the write's owner. A patch that takes the label off makes it nobody's:
 * the only write that does, for it cannot be meant otherwise.
 */
export function patched(before: object, patch: unknown, owner: string | undefined): Labelled {
  const document = mergePatch(before, patch);
  const spoken = ownerIn(patch);
  if (owner === undefined || spoken === null || spoken === "") return { document, found: [] };
  const { found } = labelledOne(patch, owner);
  return { document: labelledOne(document, owner).document, found };
}

/** A patch that takes the state of a canary off changes nothing, and is told so. */
export function untouchedState({ kind, name }: Resource, patch: unknown): readonly Diagnostic[] {
  const takesOff = kind === "canary" && (patch as { readonly state?: unknown } | null)?.state === null;
  if (!takesOff) return [];
  return [stateWarning(name, `the state is the server's, and stays; PUT /v1/canaries/${name}/state sets it`)];
}
