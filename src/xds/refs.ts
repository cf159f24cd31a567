/** What resources name. */
import { CLUSTER, ENDPOINT } from "./resourceTypes.ts";
import { UNKNOWN } from "./subscription.ts";
import type { XdsResource } from "./types.ts";

/** A reference to a resource: its type and name. */
export type Ref = XdsResource["refs"][number];

/** Up to so many references are looked through; of more a table is made. */
const FEW = 8;

const tables = new WeakMap<XdsResource, ReadonlyMap<string, ReadonlySet<string>>>();

/** Whether a resource names another. A cluster without a reference to endpoints has those of its own name. */
export function refersTo(resource: XdsResource, [typeUrl, name]: Ref): boolean {
  if (resource.typeUrl === CLUSTER && typeUrl === ENDPOINT && resource.name === name) return true;
  if (resource.refs.length <= FEW) return resource.refs.some(([type, other]) => other === name && type === typeUrl);
  let table = tables.get(resource);
  if (table === undefined) {
    table = tableOf(resource.refs);
    tables.set(resource, table);
  }
  return table.get(typeUrl)?.has(name) === true;
}

/** The same of what a node has, which is not always known. */
export function mayName(resource: XdsResource | undefined, ref: Ref): boolean {
  return resource !== undefined && (resource === UNKNOWN || refersTo(resource, ref));
}

function tableOf(refs: readonly Ref[]): Map<string, Set<string>> {
  const table = new Map<string, Set<string>>();
  for (const [typeUrl, name] of refs) {
    const names = table.get(typeUrl) ?? new Set<string>();
    table.set(typeUrl, names.add(name));
  }
  return table;
}
