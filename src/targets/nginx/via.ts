/** A listener that knows requests again by Via: a map of what it sends, and lines of each of its servers. */
import { LOOP_BODY, LOOP_STATUS, viaEntry, viaPattern } from "../../ir/index.ts";
import type { Support } from "../target.ts";
import { block } from "./blocks.ts";
import { before123 } from "./fields.ts";
import { underscored } from "./names.ts";
import type { RequestField } from "./policies/policy.ts";
import { condition, mapEntries, mapEntry, mapKey, param, regex, variable, word } from "./quote.ts";
import type { Block } from "./views.ts";

/** What nginx says of `viaGuard`. */
export const appendsToFirstVia = {
  approximated: "keeps only the first of the client's repeated Via fields before nginx 1.23",
  code: "L7-DUP-HEADER",
  when: (value: unknown, version: Parameters<typeof before123>[1]) => value === true && before123(value, version),
} as const satisfies Support;

const HEADER = "http_via";

/** Who guards. Null: nobody. */
export interface ViaPlace {
  readonly listener: string;
  readonly via: string | null;
}

/** Before the servers of a listener. */
export function viaMap({ listener, via }: ViaPlace): Block | null {
  if (via === null) return null;
  const entry = viaEntry(via);
  return block("map", {
    comment: null,
    source: param(variable(HEADER)),
    name: sent(listener),
    entries: mapEntries([mapEntry(mapKey(""), param(entry))]),
    fallback: param(variable(HEADER), ", ", entry),
  });
}

/** In each server: who was here before. */
export function viaGuard(via: string | null): Block | null {
  if (via === null) return null;
  return block("viaGuard", {
    condition: condition(variable(HEADER), "~", regex(viaPattern(via))),
    status: word(LOOP_STATUS),
    body: param(LOOP_BODY),
  });
}

/** What an endpoint gets. */
export function viaFields({ listener, via }: ViaPlace): readonly RequestField[] {
  return via === null ? [] : [{ name: word("Via"), value: param(sent(listener)) }];
}

function sent(listener: string) {
  return variable(`via_${underscored(listener)}`);
}
