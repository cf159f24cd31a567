/**
 * `responseHeaders`: fields of the answer. Rules set variables, and `add_header` of the server sends those that have a value: so
 * answers that nginx makes in another location (errors) have the rule's fields too. A location that forwards says its own, so that its
 * answers are not asked for those of the server's other rules. What is replaced is hidden.
 */
import type { HeaderChangesIr, RuleIr } from "../../../ir/index.ts";
import { block } from "../blocks.ts";
import { KEPT_BY_NGINX } from "../common.ts";
import { moduleOf } from "../forwardModule.ts";
import { longName } from "../grpcHeaders.ts";
import { underscored } from "../names.ts";
import type { TextView } from "../policyViews.ts";
import { mapEntries, mapEntry, mapKey, param, variable, word } from "../quote.ts";
import { setText } from "../texts.ts";
import type { MapView } from "../views.ts";
import { valuesByName } from "./headerValues.ts";
import type { AnswerField, Policy, PolicyPart } from "./policy.ts";

/**
 * The fields that nginx sets, not appends, and clears when the value is empty: so "no change" is the endpoint's own. The model
 * refuses to add to them.
 */
const SINGLE_FIELDS: readonly string[] = ["etag", "last-modified"];
/** Stands for "none" in the variable of a single field: no value begins with a blank. */
const NONE = " ";

export const responseHeaders = {
  name: "responseHeaders",
  capabilities: {
    "route.rules[].responseHeaders.set[].name": longName,
    "route.rules[].responseHeaders.set[].value": "exact",
    "route.rules[].responseHeaders.add[].name": longName,
    "route.rules[].responseHeaders.add[].value": "exact",
    "route.rules[].responseHeaders.remove[]": longName,
  },
  lower: lowerResponseHeaders,
} as const satisfies Policy<"responseHeaders">;

function lowerResponseHeaders({ set, add, remove }: HeaderChangesIr, rule: RuleIr): PolicyPart {
  const { action } = rule;
  const texts: TextView[] = [];
  const answerFields: AnswerField[] = [];
  const maps: MapView[] = [];
  const replace = (name: string, value: string): void => {
    const own = `set_${underscored(name)}`;
    texts.push(...setText(own, value));
    const map = SINGLE_FIELDS.includes(name) ? sentMap(name, own) : null;
    if (map !== null) maps.push(map);
    answerFields.push({ name, variable: map === null ? own : map.name.text.slice(1), place: 0 });
  };
  for (const { name, value } of set) replace(name, value);
  for (const name of remove) if (SINGLE_FIELDS.includes(name)) replace(name, NONE);
  for (const [name, values] of valuesByName(add)) {
    for (const [index, value] of values.entries()) {
      const own = `add${index === 0 ? "" : index + 1}_${underscored(name)}`;
      texts.push(...setText(own, value));
      answerFields.push({ name, variable: own, place: index + 1 });
    }
  }
  const hidden = action.kind === "forward" ? [...set.map(({ name }) => name), ...remove].sort() : [];
  // Fields to pass beat those to hide, and a list of them in a location replaces that of common.conf.
  const passed = hidden.some((name) => KEPT_BY_NGINX.includes(name))
    ? KEPT_BY_NGINX.filter((name) => !hidden.includes(name))
    : [];
  const module = moduleOf(rule);
  const named = (name: string) => ({ module, name: word(name) });
  const lines = block("policies/responseHeaders", {
    texts,
    hidden: hidden.map(named),
    passed: passed.map(named),
    sent:
      action.kind === "forward"
        ? answerFields.map((field) => ({ name: word(field.name), value: variable(field.variable) }))
        : [],
  });
  return { lines, answerFields, maps };
}

function sentMap(name: string, own: string): MapView {
  return {
    comment: null,
    source: param(variable(own)),
    name: variable(`sent_${underscored(name)}`),
    entries: mapEntries([
      mapEntry(mapKey(""), param(variable(`upstream_http_${underscored(name)}`))),
      mapEntry(mapKey(NONE), param("")),
    ]),
    fallback: param(variable(own)),
  };
}
