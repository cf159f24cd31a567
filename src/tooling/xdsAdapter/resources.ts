/** Resources of the xDS room from what the harness gives: stored as they are, their names and references read. */

import { contentHash } from "../../util/hash.ts";
import type { XdsResource } from "../../xds/index.ts";
import { refsOf } from "./refs.ts";
import { type AnyBytes, BadMessage, fieldsOf, readAny, readDuration, textAt, textOf, valuesAt } from "./wire.ts";

const WRAPPER = "type.googleapis.com/envoy.service.discovery.v3.Resource";

/** What stands around a resource. */
export interface Attributes {
  readonly aliases?: readonly string[];
  readonly ttlMs?: number;
}

/** A resource from an Any, which may be a wrapper. Throws BadMessage. */
export function resourceFrom(any: AnyBytes): XdsResource {
  if (any.typeUrl !== WRAPPER) return resourceOf(any, nameOf(any.value), {});
  const fields = fieldsOf(any.value);
  const inner = valuesAt(fields, 2).at(-1);
  if (inner === undefined) throw new BadMessage("a wrapper without a resource");
  const content = readAny(inner);
  const aliases = valuesAt(fields, 4).map(textOf);
  const ttl = valuesAt(fields, 6).at(-1);
  return resourceOf(content, textAt(fields, 3) || nameOf(content.value), {
    ...(aliases.length === 0 ? {} : { aliases }),
    ...(ttl === undefined ? {} : { ttlMs: readDuration(ttl) }),
  });
}

/** A resource of that content. Its version follows the bytes and what stands around them. */
export function resourceOf(any: AnyBytes, name: string, attributes: Attributes): XdsResource {
  if (any.typeUrl === "" || name === "") throw new BadMessage("a resource needs a type and a name");
  const { typeUrl, value } = any;
  const { aliases = [], ttlMs } = attributes;
  const plain = aliases.length === 0 && ttlMs === undefined;
  const version = plain ? contentHash(value) : contentHash(value, JSON.stringify([aliases, ttlMs ?? null]));
  return { typeUrl, name, bytes: value, version, refs: refsOf(any), ...attributes };
}

/** Every type that is asked for by name has its name in field 1. */
function nameOf(value: Uint8Array): string {
  return textAt(fieldsOf(value), 1);
}
