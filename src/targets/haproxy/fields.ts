/**
 * Each field that rules look at beside the path: how HAProxy reads it. A new kind of field is an entry here and nothing else:
 * conditions and tables are written from what it says.
 */
import type { FieldIr } from "../../ir/index.ts";
import type { Quoted } from "../../util/templates.ts";
import { backtracking } from "../regexFindings.ts";
import type { Support } from "../target.ts";
import { geoMap, NO_LABEL } from "./names.ts";
import { name as bareName, expression, file, header, pattern } from "./quote.ts";

/** How one field is read. */
export interface Reading {
  /** Names the field in ACLs and tables: `method`, `x-env`. Unique among all fields; characters `[a-z0-9.-]`. */
  readonly label: string;
  /** Whether its values are bare words, which can stand in the line that asks for them, several for one. */
  readonly isPlain: boolean;
  /** What stands before each value. */
  readonly mark: string;
  /** Its value: what exact and regex are asked of. Several lines of it have become one (`gatedField.hbs`). */
  readonly value: Quoted<"expression">;
  /** The value where a converter wants text. */
  readonly text: Quoted<"expression">;
  /** A value that is not empty makes it present; null: it always is. */
  readonly lines: Quoted<"expression"> | null;
  /** 0 or 1, where tables need to know that it is there; null: its value tells. */
  readonly count: Quoted<"expression"> | null;
}

type Readings = { readonly [K in FieldIr["kind"]]: (field: Extract<FieldIr, { kind: K }>) => Reading };

const readings: Readings = {
  method: () => ({
    label: "method",
    isPlain: true,
    mark: "",
    value: expression`method`,
    // A method that HAProxy knows is a number to it: concat makes it text.
    text: expression`method,concat(,,)`,
    lines: null,
    count: null,
  }),
  header: ({ name }) => ({
    label: `header.${name}`,
    isPlain: false,
    mark: "",
    value: expression`req.fhdr(${header(name)},1)`,
    text: expression`req.fhdr(${header(name)},1)`,
    lines: expression`req.fhdr(${header(name)})`,
    count: expression`req.fhdr_cnt(${header(name)})`,
  }),
  query: ({ name }) => {
    // `url_param` passes over parameters without a value. Nothing, or `=` and the first one's value.
    const key = pattern(name);
    const toNothing = expression`regsub("^(?!(?:.*&)?${key}(?:[=&]|$)).*$","")`;
    const toValue = expression`regsub("^(?:.*?&)??${key}(?:=([^&]*))?(?:&.*)?$","=\1")`;
    const value = expression`'query,${toNothing},${toValue}'`;
    return { label: labelOf("query", name), isPlain: false, mark: "=", value, text: value, lines: value, count: null };
  },
  cookie: ({ name }) => {
    // `req.cook` gives the last one of the name.
    const key = pattern(name);
    const toNothing = expression`regsub("^(?!(?:.*;)?[ \t]*${key}=).*$","")`;
    const toValue = expression`regsub("^(?:.*?;)??[ \t]*${key}=([^;]*)(?:;.*)?$","\1")`;
    const value = expression`'req.fhdr(cookie,1),${toNothing},${toValue}'`;
    const count = expression`req.fhdr_cnt(cookie)`;
    return { label: labelOf("cookie", name), isPlain: false, mark: "", value, text: value, lines: value, count };
  },
  geo: ({ name }) => {
    const value = expression`src,map_ip(${file(geoMap(name))},${bareName(NO_LABEL)})`;
    return { label: `geo.${name}`, isPlain: false, mark: "", value, text: value, lines: null, count: null };
  },
  source: () => {
    const value = expression`src`;
    return { label: "source", isPlain: false, mark: "", value, text: value, lines: null, count: null };
  },
};

/** Names of parameters and cookies know case, and file names do not: other characters than theirs as `--` and two digits. */
function labelOf(kind: string, name: string): string {
  const hex = (character: string): string => `--${character.charCodeAt(0).toString(16)}`;
  return `${kind}.${name.replaceAll(/[^a-z0-9.-]|(?<=-)-/g, hex)}`;
}

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
  "route.rules[].matches[].query[].name": "exact",
  "route.rules[].matches[].query[].exact": "exact",
  "route.rules[].matches[].query[].regex": backtracking,
  "route.rules[].matches[].query[].present": "exact",
  "route.rules[].matches[].query[].absent": "exact",
  "route.rules[].matches[].cookies[].name": "exact",
  "route.rules[].matches[].cookies[].exact": "exact",
  "route.rules[].matches[].cookies[].regex": backtracking,
  "route.rules[].matches[].cookies[].present": "exact",
  "route.rules[].matches[].cookies[].absent": "exact",
  "route.rules[].matches[].source[]": "exact",
  "route.rules[].matches[].geo.table": "exact",
  "route.rules[].matches[].geo.labels[]": "exact",
} as const satisfies Readonly<Record<string, Support>>;
