/**
 * Request fields that conditions look at, as rules and endpoints see them: without the tabs at their ends that nginx takes for a part
 * of a value, and not there at all where Connection names them. What a rule was asked of is what the endpoint gets.
 */
import { BAD_COOKIE, BAD_FIELD_CHARACTERS, fieldsReadBy, type VirtualHostIr } from "../../ir/index.ts";
import { block } from "./blocks.ts";
import { headerVariable, underscored } from "./names.ts";
import type { RequestField } from "./policies/policy.ts";
import {
  condition,
  FIRST_CAPTURE,
  mapEntries,
  mapEntry,
  mapKey,
  mapRegexKey,
  type Param,
  param,
  regex,
  type Variable,
  variable,
  type Word,
  word,
} from "./quote.ts";
import type { Block, MapView } from "./views.ts";

/** proxy-headers.conf writes it in any case: where rules look at it, no Connection may name it. */
const WRITTEN_ANYWAY = "x-forwarded-for";

/** Fields that the rules of hosts look at. */
export function gatedFields(hosts: readonly VirtualHostIr[]): readonly string[] {
  const [only] = hosts;
  if (only !== undefined && hosts.length === 1) return fieldsReadBy(only.rules);
  return [...new Set(hosts.flatMap(({ rules }) => fieldsReadBy(rules)))].sort();
}

/** A field as the endpoint gets it. */
export function keptVariable(name: string): Variable {
  return variable(`kept_${underscored(name)}`);
}

/** A field as conditions see it. */
export function fieldVariable(name: string): Variable {
  return variable(`field_${underscored(name)}`);
}

/** Not there where Connection names it. */
export function keptMap(name: string): MapView {
  const own = param(headerVariable(name));
  return {
    comment: null,
    source: param(variable("named_fields")),
    name: keptVariable(name),
    entries: mapEntries([mapEntry(mapKey(""), own), mapEntry(mapRegexKey(`(?i),[ \\t]*${name}[ \\t]*,`), param(""))]),
    fallback: own,
  };
}

/** Only what begins or ends with a tab is looked at closely; no repeat has anything to give back (decision 14). */
const TABBED = "^(?=\\t|.*+(?<=\\t))[\\t ]*+((?:[^\\t ]++|[\\t ]++(?!$))*+)";

/** The maps of fields: what is kept of each, and that without tabs. */
export function fieldMaps(names: readonly string[]): readonly MapView[] {
  return names.flatMap((name) => {
    const kept = param(keptVariable(name));
    const entries = mapEntries([mapEntry(mapRegexKey(TABBED), param(FIRST_CAPTURE))]);
    return [keptMap(name), { comment: null, source: kept, name: fieldVariable(name), entries, fallback: kept }];
  });
}

/** What an endpoint gets of these fields; `besides` has those that a rule writes itself. */
export function keptFields(
  names: readonly string[],
  besides: ReadonlySet<string> = NONE,
): readonly { readonly name: Word; readonly value: Param }[] {
  const own = names.filter((name) => name !== WRITTEN_ANYWAY && !besides.has(name));
  return own.map((name) => ({ name: word(name), value: param(keptVariable(name)) }));
}

const NONE: ReadonlySet<string> = new Set();

/** Lines of a server whose rules look at the fields, or that sends `written` of its own. */
export function gatedLines(names: readonly string[], written: readonly RequestField[]): Block | null {
  if (names.length + written.length === 0) return null;
  const besides = new Set(written.map(({ name }) => name.text.toLowerCase()));
  const bad = regex(`[${BAD_FIELD_CHARACTERS}]`);
  const badCookie = regex(`[${BAD_FIELD_CHARACTERS}]|${BAD_COOKIE}`);
  return block("gatedFields", {
    tests: names.map((name) => ({
      condition: condition(headerVariable(name), "~", name === "cookie" ? badCookie : bad),
    })),
    refusesNames: names.includes(WRITTEN_ANYWAY),
    host: param(variable("authority")),
    fields: [...keptFields(names, besides), ...written],
  });
}
