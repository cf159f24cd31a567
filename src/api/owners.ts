/** Whose a resource is: apply writes what belongs to another owner only when it is told to, and never forgets an owner. */
import { kindOf, OWNER_LABEL, ownedBy, ownerOf, validateResource } from "../model/index.ts";
import type { Change, Resource, Snapshot } from "../model/types.ts";
import { pointer } from "../util/pointer.ts";
import { mapSteps, type Steps, shouldYield } from "../util/steps.ts";
import { type Locate, refusal } from "./diagnostics.ts";
import { Problem, type ProblemItem } from "./problem.ts";

/** The document with the owner's label on everything that it lists; what is misshapen stays as it is, for the check to name. */
export function* labelled(document: unknown, owner: string): Steps<unknown> {
  if (!isObject(document)) return document;
  const errors: ProblemItem[] = [];
  const label = (collection: string, body: unknown, index: number): unknown => {
    if (!isObject(body) || !(body.labels === undefined || isObject(body.labels))) return body;
    const own = body.labels?.[OWNER_LABEL];
    if (own !== undefined && own !== owner) {
      const message = `the label says ${JSON.stringify(own)}, but the owner of this apply is ${JSON.stringify(owner)}`;
      errors.push({ pointer: pointer(collection, index, "labels", OWNER_LABEL), code: "API-OWNER-LABEL", message });
    }
    return ownedBy(owner, body);
  };
  const entries: [string, unknown][] = [];
  for (const [collection, list] of Object.entries(document)) {
    const known = kindOf(collection) !== undefined && Array.isArray(list);
    const labelOne = (body: unknown, index: number): unknown => label(collection, body, index);
    entries.push([collection, known ? yield* mapSteps(list, labelOne) : list]);
  }
  if (errors.length > 0) throw new Problem("API-INVALID", "the document lists resources of another owner", { errors });
  return Object.fromEntries(entries);
}

function isObject(value: unknown): value is Record<string, unknown> & { labels?: Record<string, unknown> } {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}

/**
 * The resources as they are to be stored. One that is stored with another owner, or whose owner the document leaves out, is a
 * conflict. With `force` it is written all the same: the document's owner takes it over, and where the document has none the
 * owner stays, for only a replacement of that one resource says that it is to be nobody's.
 */
export function* settleOwners(
  snapshot: Snapshot,
  resources: readonly Resource[],
  { force, locate }: { readonly force: boolean; readonly locate: Locate },
): Steps<readonly Resource[]> {
  const errors: ProblemItem[] = [];
  const settle = (resource: Resource): Resource => {
    const present = ownerOf((snapshot[resource.kind] as ReadonlyMap<string, Resource>).get(resource.name));
    const wanted = ownerOf(resource);
    if (present === undefined || present === wanted) return resource;
    if (force) return wanted === undefined ? kept(resource, present, locate) : resource;
    const whose = `${resource.kind} ${resource.name} belongs to ${JSON.stringify(present)}`;
    const message = `${whose}: \`owner\` must say so, or \`force\` writes it all the same`;
    errors.push({ pointer: locate(resource.kind, resource.name) ?? "", code: "API-OWNED-BY-OTHER", message });
    return resource;
  };
  const settled = yield* mapSteps(resources, settle);
  if (errors.length > 0)
    throw new Problem("API-OWNED-BY-OTHER", "the document lists resources that belong to another owner", { errors });
  return settled;
}

/** With the owner that it has; checked again, as the label may be one too many. */
function kept({ kind, body }: Resource, owner: string, locate: Locate): Resource {
  const { resource, diagnostics } = validateResource(kind, ownedBy(owner, body));
  if (resource !== null) return resource;
  const above = locate(kind, body.name) ?? "";
  throw refusal(
    diagnostics.map((found) => ({ ...found, pointer: above + found.pointer })),
    () => "",
  ) as Problem;
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
