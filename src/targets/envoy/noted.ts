/** The fields of its own in which a listener notes what rules ask for: see source.ts, which writes them. */
import type { RuleIr } from "../../ir/index.ts";

/** The fields. */
export const SOURCE_HEADER = "x-trimtab-source";
export const REFERER_HEADER = "x-trimtab-referer";
/** How the body is coded, of every request: Envoy takes Transfer-Encoding off before its filters see it. */
export const CODING_HEADER = "x-trimtab-coding";

/** What Envoy's IP tagging filter writes the tags of the client's address into, with commas between them: see geo.ts. */
export const TAGS_HEADER = "x-envoy-ip-tags";

/** The tag of a label. Neither names of tables nor labels have commas and equals signs. */
export function geoTag(table: string, label: string): string {
  return `${table}=${label}`;
}

/** Where a request asks Envoy for more tries: a filter notes it (failover.ts), and the router takes it off. */
export const RETRY_ON_HEADER = "x-envoy-retry-on";

/** What rules ask for that is noted. */
export interface Looks {
  readonly looksAtSource: boolean;
  readonly looksAtReferer: boolean;
  readonly looksAtGeo: boolean;
}

/** What a rule asks for. */
export function looksOf({ conditions }: RuleIr): Looks {
  return {
    looksAtSource: conditions.some(({ field }) => field.kind === "source"),
    looksAtReferer: conditions.some(({ field }) => field.kind === "header" && field.name === "referer"),
    looksAtGeo: conditions.some(({ field }) => field.kind === "geo"),
  };
}

/** What any of them asks for. */
export function joinLooks(all: readonly Looks[]): Looks {
  return {
    looksAtSource: all.some((looks) => looks.looksAtSource),
    looksAtReferer: all.some((looks) => looks.looksAtReferer),
    looksAtGeo: all.some((looks) => looks.looksAtGeo),
  };
}

/** The fields in which it is noted. */
export function notedHeaders({ looksAtSource, looksAtReferer, looksAtGeo }: Looks): readonly string[] {
  return [
    CODING_HEADER,
    ...(looksAtSource ? [SOURCE_HEADER] : []),
    ...(looksAtReferer ? [REFERER_HEADER] : []),
    ...(looksAtGeo ? [TAGS_HEADER] : []),
  ];
}
