/** Fields that a rule adds, by name. */
import type { HeaderChangesIr } from "../../../ir/index.ts";

/** Values in the written order; names ascending. */
export function valuesByName(settings: HeaderChangesIr["add"]): ReadonlyMap<string, readonly string[]> {
  const values = new Map<string, string[]>();
  for (const { name, value } of settings) {
    const known = values.get(name);
    if (known === undefined) values.set(name, [value]);
    else known.push(value);
  }
  return values;
}
