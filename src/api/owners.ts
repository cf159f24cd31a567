/**
 * Whose a resource is, on every way to write it: what has an owner is written and deleted as that owner, or by force. A guard
 * against accidents, not a right: everybody may say whom they write as.
 */
import type { ApiCode } from "../errors/codes.ts";
import type { Diagnostic } from "../errors/diagnostic.ts";
import { effectOf, kindOf, OWNER_LABEL, ownedBy, ownerOf, validateResource } from "../model/index.ts";
import type { Change, Resource, Snapshot } from "../model/types.ts";
import { pointer } from "../util/pointer.ts";
import { mapSteps, type Steps, shouldYield } from "../util/steps.ts";

/** As whom a write is made. */
export interface Claim {
  /** Undefined: the labels of the documents that are sent say it, each for its resource. */
  readonly owner: string | undefined;
  /** Also what belongs to others. */
  readonly force: boolean;
}

/** What `labelled` gives: the document, and where it says another owner. */
export interface Labelled<Document = unknown> {
  readonly document: Document;
  readonly found: readonly Diagnostic[];
}

/** The configuration with the owner's label on everything that it lists. */
export function* labelled(document: unknown, owner: string): Steps<Labelled> {
  if (!isObject(document)) return { document, found: [] };
  const found: Diagnostic[] = [];
  const entries: [string, unknown][] = [];
  for (const [collection, list] of Object.entries(document)) {
    const label = (body: unknown, index: number): unknown => {
      const one = labelledOne(body, owner, pointer(collection, index));
      found.push(...one.found);
      return one.document;
    };
    const known = kindOf(collection) !== undefined && Array.isArray(list);
    entries.push([collection, known ? yield* mapSteps(list, label) : list]);
  }
  return { document: Object.fromEntries(entries), found };
}

/** The resource with the owner's label; what is misshapen stays as it is, for the check to name. */
export function labelledOne(body: unknown, owner: string, at = ""): Labelled {
  if (!isObject(body) || !(body.labels === undefined || isObject(body.labels))) return { document: body, found: [] };
  const own = body.labels?.[OWNER_LABEL];
  const document = ownedBy(owner, body);
  if (own === undefined || own === owner) return { document, found: [] };
  const code = "API-OWNER-LABEL" satisfies ApiCode;
  const message = `the label says ${JSON.stringify(own)}, but the owner of this write is ${JSON.stringify(owner)}`;
  return { document, found: [{ code, severity: "error", message, pointer: at + pointer("labels", OWNER_LABEL) }] };
}

/** What a document of any shape says of the owner: a name, null (a patch takes the label off), undefined (nothing). */
export function ownerIn(document: unknown): unknown {
  const labels = isObject(document) ? document.labels : undefined;
  if (labels === null) return null;
  return isObject(labels) && Object.hasOwn(labels, OWNER_LABEL) ? labels[OWNER_LABEL] : undefined;
}

function isObject(value: unknown): value is Record<string, unknown> & { labels?: Record<string, unknown> | null } {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}

/** What a write is about to change, and how. */
export interface Writes {
  readonly changes: readonly Change[];
  /**
   * Whether these are documents as they were sent: a label in one says as whom it is written, and one without any leaves the
   * resource to whom it belongs. Without it (deletions, patches, restores) a resource is written as it stands here.
   */
  readonly documents: boolean;
}

/** The changes as they are to be stored, and every reason why they must not be. */
export interface SettledOwners {
  readonly changes: readonly Change[];
  readonly found: readonly Diagnostic[];
}

/** Looks at each resource that would change: what it was and what it is to be must be nobody's, or of whom the write names. */
export function* settleOwners(snapshot: Snapshot, writes: Writes, claim: Claim): Steps<SettledOwners> {
  const found: Diagnostic[] = [];
  const changes: Change[] = [];
  for (const [index, change] of writes.changes.entries()) {
    if (shouldYield(index)) yield;
    changes.push(change);
    if (effectOf(snapshot, change) === null) continue;
    const { kind, name, resource } = change;
    const before = ownerOf((snapshot[kind] as ReadonlyMap<string, Resource>).get(name));
    const after = ownerOf(resource);
    const named = claim.owner ?? (writes.documents ? after : undefined);
    const whose = [before, after].find((owner) => owner !== undefined && owner !== named);
    if (whose !== undefined && !claim.force) found.push(ownedByOther({ kind, name }, whose, whose === before));
    const owner = claim.owner ?? before;
    if (!writes.documents || resource === null || after !== undefined || owner === undefined) continue;
    const kept = validateResource(kind, ownedBy(owner, resource.body));
    for (const problem of kept.diagnostics) found.push({ ...problem, resource: { kind, name } });
    if (kept.resource !== null) changes[index] = { kind, name, resource: kept.resource } as Change;
    // A large resource takes as long as many small ones.
    yield;
  }
  return { changes, found };
}

/**
 * The same of a configuration that is refused for its shape, so that all is told at once. What it says as it is stored, and what
 * has no name, is passed by.
 */
export function* strangersIn(document: unknown, base: Snapshot, claim: Claim): Steps<readonly Diagnostic[]> {
  const found: Diagnostic[] = [];
  for (const [collection, list] of Object.entries(isObject(document) ? document : {})) {
    const kind = kindOf(collection);
    if (kind === undefined || !Array.isArray(list)) continue;
    for (const [index, body] of (list as readonly unknown[]).entries()) {
      if (shouldYield(index)) yield;
      const stored = (base[kind] as ReadonlyMap<string, Resource>).get(nameIn(body));
      const stranger = strangerOf(stored, claim.owner ?? ownerIn(body), claim);
      if (stranger === null) continue;
      const isSame = validateResource(kind, body).resource?.hash === stored?.hash;
      if (!isSame) found.push({ ...stranger, pointer: pointer(collection, index) });
      yield;
    }
  }
  return found;
}

/** Why a document that names that owner may not take the place of what is stored, if it is another one; null: it may. */
export function strangerOf(stored: Resource | undefined, named: unknown, { force }: Claim): Diagnostic | null {
  const whose = ownerOf(stored);
  if (stored === undefined || whose === undefined || whose === named || force) return null;
  const { resource: _, ...stranger } = ownedByOther(stored, whose, true);
  return stranger;
}

function nameIn(body: unknown): string {
  const { name } = isObject(body) ? (body as { readonly name?: unknown }) : {};
  return typeof name === "string" ? name : "";
}

function ownedByOther({ kind, name }: Pick<Resource, "kind" | "name">, owner: string, isNow: boolean): Diagnostic {
  const whose = `${kind} ${name} ${isNow ? "belongs" : "would belong"} to ${JSON.stringify(owner)}`;
  return {
    code: "API-OWNED-BY-OTHER" satisfies ApiCode,
    severity: "error",
    message: `${whose}: \`owner\` must say so, or \`force\` writes it all the same`,
    resource: { kind, name },
    pointer: "",
  };
}

/** Deletes what has the owner's label and is not listed. */
export function* prune(snapshot: Snapshot, resources: readonly Resource[], owner: string): Steps<Change[]> {
  const listed = new Set(resources.map(({ kind, name }) => `${kind}/${name}`));
  const pruned: Change[] = [];
  for (const map of Object.values(snapshot) as ReadonlyMap<string, Resource>[]) {
    let index = 0;
    for (const resource of map.values()) {
      if (shouldYield(index++)) yield;
      const { kind, name } = resource;
      if (ownerOf(resource) === owner && !listed.has(`${kind}/${name}`))
        pruned.push({ kind, name, resource: null } as Change);
    }
  }
  return pruned;
}
