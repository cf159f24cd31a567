/** Documents as the capability gate reads them. */
import type { JsonValue, SourceIr } from "../ir/index.ts";
import type { Resource } from "../model/index.ts";

const cache = new WeakMap<Resource, SourceIr>();

/** The same object for the same resource. */
export function sourceOf(resource: Resource): SourceIr {
  let source = cache.get(resource);
  if (source === undefined) {
    source = Object.freeze({ kind: resource.kind, name: resource.name, body: resource.body as unknown as JsonValue });
    cache.set(resource, source);
  }
  return source;
}
