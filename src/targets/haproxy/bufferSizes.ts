/** How large HAProxy's buffers are: a head, and what rules add to it. Every request that may be sent again has a whole buffer copied. */
import type { HeaderChangesIr, RuleIr } from "../../ir/index.ts";

/** The largest head that a client or an endpoint may send, as Envoy takes it: HAProxy keeps the rest of a buffer free. */
const HEAD_BYTES = 60 * 1024;
/**
 * For what we add to any head: the client's address and scheme, Via, a cookie of affinity, and a field's second writing.
 */
const USUAL_BYTES = 1024;
/** What HAProxy keeps of each field beside its name and value. */
const FIELD_BYTES = 8;
/**
 * Room for additions: few rules need more than the first; the second holds the most that a rule may add (8 KiB, MODEL-HEADER-SIZE; a path
 * and a host of 1 024 and 253 bytes). Two sizes, because another one is a reload.
 */
const ROOM_BYTES = [4 * 1024, 12 * 1024] as const;

/** The smaller of both buffers: what fits it, fits any fleet's. */
export const LEAST_BUFFER_BYTES = HEAD_BYTES + ROOM_BYTES[0];

export interface BufferSizes {
  readonly bufferBytes: number;
  /** The part of it for what we add. */
  readonly rewriteBytes: number;
}

/** The sizes for these rules. */
export function bufferSizes(rules: readonly RuleIr[]): BufferSizes {
  const [few, many] = ROOM_BYTES;
  const rewriteBytes = rules.every((rule) => USUAL_BYTES + addedBytes(rule) <= few) ? few : many;
  return { bufferBytes: HEAD_BYTES + rewriteBytes, rewriteBytes };
}

function addedBytes({ policies: { requestHeaders, responseHeaders, rewrite } }: RuleIr): number {
  const replaced = (rewrite?.path?.value.length ?? 0) + (rewrite?.hostname?.length ?? 0);
  return Math.max(replaced + fieldBytes(requestHeaders), fieldBytes(responseHeaders));
}

function fieldBytes(changes: HeaderChangesIr | null): number {
  const fields = [...(changes?.set ?? []), ...(changes?.add ?? [])];
  return fields.reduce((sum, { name, value }) => sum + name.length + value.length + FIELD_BYTES, 0);
}
