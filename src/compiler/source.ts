/** Documents as the capability gate reads them. */
import type { JsonValue, SourceIr } from "../ir/index.ts";
import type { Resource } from "../model/index.ts";
import type { CompilerMemory } from "./memory.ts";

/** The same object for the same resource. */
export function sourceOf(resource: Resource, { sources }: CompilerMemory): SourceIr {
  let source = sources.get(resource);
  if (source === undefined) {
    source = Object.freeze({ kind: resource.kind, name: resource.name, body: resource.body as unknown as JsonValue });
    sources.set(resource, source);
  }
  return source;
}
