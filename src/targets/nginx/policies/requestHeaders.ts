/** `requestHeaders`: fields that the endpoint gets in place of, or besides, those that the client sent. */
import type { HeaderChangesIr } from "../../../ir/index.ts";
import type { Support } from "../../target.ts";
import { block } from "../blocks.ts";
import { before123 } from "../fields.ts";
import { keptMap, keptVariable } from "../gatedFields.ts";
import { longName } from "../grpcHeaders.ts";
import { underscored } from "../names.ts";
import type { TextView } from "../policyViews.ts";
import { mapEntries, mapEntry, mapKey, type Param, param, variable, word } from "../quote.ts";
import { placeText, setText } from "../texts.ts";
import type { MapView } from "../views.ts";
import { valuesByName } from "./headerValues.ts";
import type { Policy, PolicyPart } from "./policy.ts";

const appendsToFirst = {
  approximated: "keeps only the first of the client's repeated fields before nginx 1.23 when it appends to them",
  code: "L7-DUP-HEADER",
  when: before123,
} as const satisfies Support;

export const requestHeaders = {
  name: "requestHeaders",
  capabilities: {
    "route.rules[].requestHeaders.set[].name": longName,
    "route.rules[].requestHeaders.set[].value": "exact",
    "route.rules[].requestHeaders.add[].name": [appendsToFirst, longName],
    "route.rules[].requestHeaders.add[].value": "exact",
    "route.rules[].requestHeaders.remove[]": longName,
  },
  lower: lowerRequestHeaders,
} as const satisfies Policy<"requestHeaders">;

function lowerRequestHeaders({ set, add, remove }: HeaderChangesIr): PolicyPart {
  const texts: TextView[] = [];
  const fields: { name: string; value: Param }[] = [];
  const maps: MapView[] = [];
  for (const { name, value } of set) {
    const placed = placeText(`setting_${underscored(name)}`, value);
    texts.push(...placed.texts);
    fields.push({ name, value: param(placed.part) });
  }
  for (const [name, values] of valuesByName(add)) {
    const map = addedMap(name);
    texts.push(...setText(addingName(name), values.join(",")));
    maps.push(keptMap(name), map);
    fields.push({ name, value: param(map.name) });
  }
  for (const name of remove) fields.push({ name, value: param("") });
  const requestFields = fields.map(({ name, value }) => ({ name: word(name), value }));
  return { ...(texts.length === 0 ? {} : { lines: block("texts", { texts }) }), requestFields, maps };
}

const addingName = (name: string): string => `adding_${underscored(name)}`;

/** The client's list with the rule's values appended, or the rule's alone. */
function addedMap(name: string): MapView {
  const own = keptVariable(name);
  const adding = variable(addingName(name));
  return {
    comment: null,
    source: param(own),
    name: variable(`added_${underscored(name)}`),
    entries: mapEntries([mapEntry(mapKey(""), param(adding))]),
    fallback: param(own, ",", adding),
  };
}
