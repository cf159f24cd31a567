/** Which names of a view a glob stands for. */
import type { ResourceMap } from "./view.ts";
import { globOver } from "./xdstp.ts";

/** Made when a glob is first asked for: a request may have 100 000 of them, and each look at all names would hold the process. */
const tables = new WeakMap<ResourceMap, ReadonlyMap<string, readonly string[]>>();

/** The resources that the glob stands for, by their own names. */
export function namesUnder(resources: ResourceMap, glob: string): readonly string[] {
  let table = tables.get(resources);
  if (table === undefined) {
    table = tableOf(resources);
    tables.set(resources, table);
  }
  return table.get(glob) ?? [];
}

function tableOf(resources: ResourceMap): Map<string, string[]> {
  const table = new Map<string, string[]>();
  for (const [name, resource] of resources) {
    const glob = name === resource.name ? globOver(name) : null;
    if (glob === null) continue;
    const names = table.get(glob);
    if (names === undefined) table.set(glob, [name]);
    else names.push(name);
  }
  return table;
}
