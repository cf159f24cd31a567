/**
 * Each field that rules look at beside the path: how HAProxy reads it. A new kind of field is an entry here and nothing else:
 * conditions and tables are written from what it says.
 */
import type { FieldIr } from "../../ir/index.ts";
import type { Quoted } from "../../util/templates.ts";
import { backtracking } from "../regexFindings.ts";
import type { Support } from "../target.ts";
import { expression, header } from "./quote.ts";

/** How one field is read. */
export interface Reading {
  /** Names the field in ACLs and tables: `method`, `x-env`. Unique among all fields; characters `[a-z0-9.-]`. */
  readonly label: string;
  /** Whether its values are bare words, which can stand in the line that asks for them, several for one. */
  readonly isPlain: boolean;
  /** Its value, of the first line if it repeats: what exact and regex are asked of. */
  readonly value: Quoted<"expression">;
  /** The value where a converter wants text. */
  readonly text: Quoted<"expression">;
  /** All lines of it, of which one with a value makes it present; null: it always is. */
  readonly lines: Quoted<"expression"> | null;
  /** How many lines it has; null: one at most. */
  readonly count: Quoted<"expression"> | null;
}

type Readings = { readonly [K in FieldIr["kind"]]: (field: Extract<FieldIr, { kind: K }>) => Reading };

const readings: Readings = {
  method: () => ({
    label: "method",
    isPlain: true,
    value: expression`method`,
    // A method that HAProxy knows is a number to it: concat makes it text.
    text: expression`method,concat(,,)`,
    lines: null,
    count: null,
  }),
  header: ({ name }) => ({
    label: `header.${name}`,
    isPlain: false,
    value: expression`req.fhdr(${header(name)},1)`,
    text: expression`req.fhdr(${header(name)},1)`,
    lines: expression`req.fhdr(${header(name)})`,
    count: expression`req.fhdr_cnt(${header(name)})`,
  }),
};

/** How a field is read. */
export function readingOf<K extends FieldIr["kind"]>(field: Extract<FieldIr, { kind: K }>): Reading {
  return readings[field.kind as K](field);
}

/** What HAProxy does with the leaves that name a field and a test. */
export const fieldCapabilities = {
  "route.rules[].matches[].method": "exact",
  "route.rules[].matches[].headers[].name": "exact",
  "route.rules[].matches[].headers[].exact": "exact",
  "route.rules[].matches[].headers[].regex": backtracking,
  "route.rules[].matches[].headers[].present": "exact",
  "route.rules[].matches[].headers[].absent": "exact",
} as const satisfies Readonly<Record<string, Support>>;
