/** How two models differ, value by value. */
import { collectionOf, diffSnapshots, kindOf, type Resource, type Snapshot } from "../model/index.ts";
import { pointer } from "../util/pointer.ts";
import type { WriteAnswer } from "./serverApply.ts";

/** One changed value: a pointer into the resource, and what stood there before and stands there now; absent: nothing. */
interface ValueChange {
  readonly pointer: string;
  readonly before?: unknown;
  readonly after?: unknown;
}

/** One changed resource. */
export interface ResourceChange {
  readonly change: "created" | "updated" | "deleted";
  /** As `routes/shop`. */
  readonly resource: string;
  readonly values: readonly ValueChange[];
}

/** Every resource that differs. */
export function changesBetween(before: Snapshot, after: Snapshot): ResourceChange[] {
  return diffSnapshots(before, after).map(({ kind, name, resource }) => {
    const old = before[kind].get(name);
    const change = old === undefined ? "created" : resource === null ? "deleted" : "updated";
    return resourceChange(`${collectionOf(kind)}/${name}`, change, old, resource);
  });
}

/** As `changesBetween`, of the resources that the server says it would change. */
export function changesOf(
  changed: WriteAnswer["changed"],
  { before, after }: { readonly before: Snapshot; readonly after: Snapshot },
): ResourceChange[] {
  return changed.map(({ resource: path, change }) => {
    const [collection = "", name = ""] = path.split("/");
    const kind = kindOf(collection);
    const [old, now] = [before, after].map((model) => (kind === undefined ? undefined : model[kind].get(name)));
    return resourceChange(path, change, old, now);
  });
}

function resourceChange(
  resource: string,
  change: ResourceChange["change"],
  ...[before, after]: readonly (Resource | null | undefined)[]
): ResourceChange {
  return { change, resource, values: change === "updated" ? valueChanges(before?.body, after?.body, "") : [] };
}

function valueChanges(before: unknown, after: unknown, at: string): ValueChange[] {
  if (JSON.stringify(before) === JSON.stringify(after)) return [];
  if (!isContainer(before) || !isContainer(after) || Array.isArray(before) !== Array.isArray(after))
    return [{ pointer: at, before, after }];
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return keys.flatMap((key) =>
    valueChanges((before as Record<string, unknown>)[key], (after as Record<string, unknown>)[key], at + pointer(key)),
  );
}

function isContainer(value: unknown): value is object {
  return value !== null && typeof value === "object";
}
