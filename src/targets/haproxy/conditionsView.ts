/** The section that lets a group choose: classes of fields, table look-up, chains (`conditions.hbs`). */
import { fullMatch } from "../../regex/index.ts";
import { mapSteps, type Steps } from "../../util/steps.ts";
import type { Quoted } from "../../util/templates.ts";
import { type CandidateUse, type ConditionUse, type DimensionUse, type Use, usesOf } from "./fragment.ts";
import { header, name, word } from "./quote.ts";

/** `acls.hbs` and `conditions.hbs`. */
export interface ConditionsView {
  /** ACLs of the chains; declared once per frontend (`acls.hbs`). */
  readonly acls: readonly AclView[];
  /** Null: no tables. */
  readonly table: TableView | null;
  readonly candidates: readonly CandidateView[];
}

/** The look-up of a group's tuple of classes. */
export interface TableView {
  readonly dimensionsFile: Quoted<"file">;
  readonly classesFile: Quoted<"file">;
  readonly rowsFile: Quoted<"file">;
  readonly dimensions: readonly DimensionView[];
}

/** One of `method`, `headerName`, `headerRegex`, `pathRegex` is set; the others are null. */
export interface DimensionView {
  /** Finds the dimension in a group's list, `,tag,`. */
  readonly needle: Quoted<"word">;
  readonly tag: Quoted<"name">;
  readonly classesFile: Quoted<"file">;
  readonly method: true | null;
  readonly headerName: Quoted<"header"> | null;
  readonly headerRegex: { readonly header: Quoted<"header">; readonly regex: Quoted<"word"> } | null;
  readonly pathRegex: Quoted<"word"> | null;
}

/** One of the tests is set; the others are null. */
export interface AclView {
  readonly name: Quoted<"name">;
  readonly method: Quoted<"word"> | null;
  readonly pathRegex: Quoted<"word"> | null;
  readonly exact: HeaderTestView | null;
  readonly regex: HeaderTestView | null;
  readonly present: Quoted<"header"> | null;
  readonly single: Quoted<"header"> | null;
}

interface HeaderTestView {
  readonly header: Quoted<"header">;
  readonly value: Quoted<"word">;
}

/** One candidate of a chain: takes the group's requests when all of `acls` and none of `without` hold. */
export interface CandidateView {
  readonly group: Quoted<"word">;
  readonly rule: Quoted<"name">;
  readonly acls: readonly Quoted<"name">[];
  readonly without: readonly Quoted<"name">[];
}

/** Null when no group of the port has to choose. */
export function* conditionsView(
  uses: ReadonlyMap<string, Use>,
  mapFile: (map: string) => Quoted<"file">,
): Steps<ConditionsView | null> {
  const dimensions = usesOf(uses, "dimension");
  const candidates = usesOf(uses, "candidate");
  if (dimensions.length === 0 && candidates.length === 0) return null;
  const files = { dimensionsFile: mapFile("dimensions"), classesFile: mapFile("classes"), rowsFile: mapFile("rows") };
  const { classesFile } = files;
  yield;
  return {
    acls: yield* mapSteps(usesOf(uses, "condition"), ({ condition }) => aclView(condition)),
    table:
      dimensions.length === 0
        ? null
        : {
            ...files,
            dimensions: yield* mapSteps(dimensions, ({ dimension }) => dimensionView(dimension, classesFile)),
          },
    candidates: yield* mapSteps(candidates, ({ candidate }) => candidateView(candidate)),
  };
}

function dimensionView(use: DimensionUse, classesFile: Quoted<"file">): DimensionView {
  const regex = use.regex === null ? null : word(fullMatch(use.regex));
  const none = { method: null, headerName: null, headerRegex: null, pathRegex: null };
  const base = { needle: word(`,${use.tag},`), tag: name(use.tag), classesFile };
  if (use.field === "method") return { ...base, ...none, method: true };
  if (use.field === "path") return { ...base, ...none, pathRegex: regex };
  if (regex === null) return { ...base, ...none, headerName: header(use.header) };
  return { ...base, ...none, headerRegex: { header: header(use.header), regex } };
}

function aclView({ acl, test, header: field, value }: ConditionUse): AclView {
  const none = { method: null, pathRegex: null, exact: null, regex: null, present: null, single: null };
  const view = { ...none, name: name(acl) };
  switch (test) {
    case "method":
      return { ...view, method: word(value) };
    case "pathRegex":
      return { ...view, pathRegex: word(fullMatch(value)) };
    case "headerExact":
      return { ...view, exact: { header: header(field), value: word(value) } };
    case "headerRegex":
      return { ...view, regex: { header: header(field), value: word(fullMatch(value)) } };
    case "headerPresent":
      return { ...view, present: header(field) };
    case "headerSingle":
      return { ...view, single: header(field) };
  }
}

function candidateView({ group, rule, acls, without }: CandidateUse): CandidateView {
  return { group: word(group), rule: name(rule), acls: acls.map(name), without: without.map(name) };
}
