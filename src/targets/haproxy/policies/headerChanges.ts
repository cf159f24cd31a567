/** Changes of header fields, of requests and of answers. */
import type { HeaderChangesIr } from "../../../ir/index.ts";
import type { Quoted } from "../../../util/templates.ts";
import { format, header } from "../quote.ts";
import type { Change } from "./policy.ts";

/** `headers.hbs`: one of `set`, `add` and `remove` is the field. */
interface HeaderView {
  readonly response: boolean;
  readonly set: Quoted<"header"> | null;
  readonly add: Quoted<"header"> | null;
  readonly remove: Quoted<"header"> | null;
  readonly value: Quoted<"format"> | null;
}

/** Lines for a list of changes; the order of those that add to one field is kept. */
export function headerChanges(direction: "request" | "response", changes: HeaderChangesIr): readonly Change[] {
  const found: Change[] = [];
  const put = (field: string, { map, value }: { map: string; value: string }, own: Partial<HeaderView>): void => {
    const view: HeaderView = { ...NONE, response: direction === "response", ...own };
    const group = `${direction} ${field}`;
    found.push({ template: "headers", map: `${direction}${map}`, group, value, view, comment: null });
  };
  for (const name of changes.remove) put(name, { map: `-remove.${name}`, value: "1" }, { remove: header(name) });
  for (const { name, value } of changes.set) {
    put(name, { map: `.${name}`, value }, { set: header(name), value: format(value) });
  }
  const places = new Map<string, number>();
  for (const { name, value } of changes.add) {
    const place = places.get(name) ?? 0;
    places.set(name, place + 1);
    const suffix = place === 0 ? "" : `.${String(place).padStart(2, "0")}`;
    put(name, { map: `-add.${name}${suffix}`, value }, { add: header(name), value: format(value) });
  }
  return found;
}

const NONE = { set: null, add: null, remove: null, value: null } as const;
