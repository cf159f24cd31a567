import type { Resource } from "./types.ts";

/** By this label writes know whose a resource is: its owner writes it, and prunes what is no longer listed; others leave it alone. */
export const OWNER_LABEL = "trimtab.io/owner";

/** Pattern of an owner's name: what the schema takes as a label's value, but not empty. */
export const OWNER_NAME = "^[A-Za-z0-9](?:[-A-Za-z0-9_./]{0,61}[A-Za-z0-9])?$";

type Labelled = { readonly labels?: Readonly<Record<string, string>> };

/** Whose it is; undefined: nobody's. An empty label names nobody. */
export function ownerOf(resource: Resource | null | undefined): string | undefined {
  return (resource?.body as Labelled | undefined)?.labels?.[OWNER_LABEL] || undefined;
}

/** The document with that owner's label. */
export function ownedBy<Body extends object>(owner: string, body: Body): Body {
  return { ...body, labels: { ...(body as Labelled).labels, [OWNER_LABEL]: owner } };
}
