/** Says what an edit of the file undid: writes over REST to resources that the edit does not speak of. */
import { parse } from "yaml";

/** Enough to see what happened. */
const MAX_LINES = 20;

/** Structurally part of the API's answer to a write. `resource`: `routes/hello`. */
export interface ChangedResource {
  readonly resource: string;
  readonly change: "created" | "updated" | "deleted";
}

const WORDS: Readonly<Record<ChangedResource["change"], (resource: string) => string>> = {
  deleted: (resource) => `deleted: ${resource} (the file does not have it)`,
  updated: (resource) => `overwritten: ${resource} (with what the file says)`,
  created: (resource) => `created again: ${resource} (the file has it)`,
};

/**
 * One line for each change that does not come from the difference between the two texts. `before` null: nothing is known of
 * an earlier text, so all but what is new may have been written by others.
 */
export function overwrittenLines(
  changed: readonly ChangedResource[],
  { before, after }: { readonly before: string | null; readonly after: string },
): readonly string[] {
  if (changed.length === 0) {
    return [];
  }
  const [old, now] = [entries(before), entries(after)];
  const reported = changed.filter(({ resource, change }) =>
    before === null ? change !== "created" : old.get(resource) === now.get(resource),
  );
  const more = reported.length > MAX_LINES ? [`and ${reported.length - MAX_LINES} more`] : [];
  return [...reported.slice(0, MAX_LINES).map(({ resource, change }) => WORDS[change](resource)), ...more];
}

/** `routes/hello` -> its text. Both texts were taken by the model, so they have the expected shape. */
function entries(text: string | null): ReadonlyMap<string, string> {
  const document = (text === null ? null : parse(text)) as Readonly<Record<string, readonly { name: string }[] | null>>;
  return new Map(
    Object.entries(document ?? {}).flatMap(([collection, resources]) =>
      (resources ?? []).map((resource) => [`${collection}/${resource.name}`, JSON.stringify(resource)] as const),
    ),
  );
}
