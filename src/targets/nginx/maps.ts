/** The maps of the http block, joined from the lines of all virtual hosts and rules. Ascending by variable. */
import { RULE } from "./attributes.ts";
import { type RegexBit, type Signature, TABLE } from "./decisions.ts";
import { attributeFallback, type LoweredFleet } from "./lower.ts";
import { headerVariable, upstreamName } from "./names.ts";
import {
  FIRST_CAPTURE,
  type MapEntries,
  mapEntries,
  mapEntry,
  mapKey,
  mapRegexKey,
  param,
  type Variable,
  value,
  variable,
  word,
} from "./quote.ts";
import type { AttributeLines } from "./ruleRuns.ts";
import { CONNECT_TIMEOUT, type JoinedHeader, UPSTREAM } from "./rules.ts";
import type { MapView } from "./views.ts";

/** Set in a location before a look-up: the group that asks, and the list of fields that it looks at. */
const GROUP = variable("g");
const SIGNATURE_ID = variable("t");
const SIGNATURE = variable("sig");
const NOTHING = value(param(""));
/** `<route>.<rule>.<match>`: a DNS label and two small numbers. */
const LONGEST_RULE_ID = 80;

/** RFC 1035's limit. */
const LONGEST_HOSTNAME = 253;

/** A map and what its hash table has to hold. */
export interface SizedMap {
  readonly view: MapView;
  readonly count: number;
  /** An upper bound of its longest key, in bytes. */
  readonly longestKey: number;
}

/** All maps that depend on the model. */
export function mapsOf(fleet: LoweredFleet): readonly SizedMap[] {
  const maps = [
    ...fleet.servers.map(({ hosts }) => ({ view: hosts.map, count: hosts.count, longestKey: LONGEST_HOSTNAME })),
    ...regexMaps(fleet),
    ...decisionMaps(fleet),
    ...attributeMaps(fleet),
    ...joinMaps(fleet),
    ...timeoutMap(fleet),
  ];
  return maps.sort((a, b) => (a.view.name.text < b.view.name.text ? -1 : 1));
}

type Shape = Pick<MapView, "name" | "source"> & Partial<MapView>;

function build(shape: Shape, entries: readonly MapEntries[]): SizedMap {
  return buildSized(shape, mapEntries(entries), { count: entries.length, longestKey: lengthOf(entries) });
}

function buildSized(shape: Shape, entries: MapEntries, sizes: Omit<SizedMap, "view">): SizedMap {
  return { view: { hostnames: false, volatile: false, fallback: NOTHING, ...shape, entries }, ...sizes };
}

/** Of the longest line, which is longer than its key. */
function lengthOf(entries: readonly MapEntries[]): number {
  let longest = 0;
  for (const { text } of entries) longest = Math.max(longest, text.length);
  return longest;
}

function regexMaps({ virtualHosts }: LoweredFleet): readonly SizedMap[] {
  return virtualHosts.flatMap(({ regexes }) =>
    regexes === null ? [] : [build({ source: param(variable("p")), name: variable(regexes.name) }, regexes.entries)],
  );
}

/**
 * Signature look-ups. These maps are volatile: nginx keeps a variable's value for the whole request, but a request may pass
 * two groups (a regex's, then a prefix's).
 */
function decisionMaps({ virtualHosts }: LoweredFleet): readonly SizedMap[] {
  const values = new Map<string, MapEntries[]>();
  const sources = new Map<string, Variable>();
  const bits = new Map<string, RegexBit>();
  const signatures = new Map<string, Signature>();
  const rows: MapEntries[] = [];
  const maps: SizedMap[] = [];
  for (const lookup of virtualHosts.flatMap((host) => host.lookups)) {
    signatures.set(lookup.signature.id, lookup.signature);
    for (const { id, source } of lookup.exactFields) sources.set(id, source);
    for (const bit of lookup.bits) bits.set(bit.name, bit);
    for (const [field, entries] of lookup.values) append(values, field, entries);
    for (const row of lookup.rows) rows.push(row);
    if (lookup.chain !== null) {
      maps.push(build({ source: param(SIGNATURE), name: lookup.result, volatile: true }, lookup.chain));
    }
  }
  if (signatures.size === 0) return maps;
  for (const [field, source] of sources) maps.push(...classMaps(field, source, values.get(field) ?? []));
  for (const bit of bits.values()) maps.push(bitMap(bit));
  const lists = [...signatures.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
  const signatureEntries = lists.map(({ id, classes }) => mapEntry(mapKey(id), param(...joined(classes, "|"))));
  maps.push(build({ source: param(SIGNATURE_ID), name: SIGNATURE, volatile: true }, signatureEntries));
  maps.push(build({ source: param(GROUP, "|", SIGNATURE), name: TABLE, volatile: true }, rows));
  return maps;
}

/** `$x_…`: which of the group's values the field may be; `$k_…`: its class, after a comparison that knows case. */
function classMaps(field: string, source: Variable, entries: readonly MapEntries[]): readonly SizedMap[] {
  const found = variable(`x_${field}`);
  const classes = [
    mapEntry(mapKey(":"), word("a")),
    mapEntry(mapRegexKey("^=([0-9]+):"), FIRST_CAPTURE),
    mapEntry(mapRegexKey("^([0-9]+):(.*):\\2$"), FIRST_CAPTURE),
  ];
  return [
    build({ source: param(GROUP, "|", source), name: found, volatile: true }, entries),
    build(
      { source: param(found, ":", source), name: variable(`k_${field}`), volatile: true, fallback: value(word("o")) },
      classes,
    ),
  ];
}

function bitMap({ name, source, pattern }: RegexBit): SizedMap {
  const entries = [mapEntry(mapKey(""), word(0)), mapEntry(mapRegexKey(`^(?:${pattern})$`), word(1))];
  return build({ source: param(source), name: variable(name), fallback: value(word(0)) }, entries);
}

function attributeMaps({ runs }: LoweredFleet): readonly SizedMap[] {
  const lines = new Map<string, AttributeLines[]>();
  for (const { attributes } of runs) {
    for (const attribute of attributes) append(lines, attribute.variable.text, [attribute]);
  }
  return [...lines].map(([text, list]) => {
    const own = attributeFallback(text);
    const [{ variable: name }] = list as [AttributeLines];
    const shape = { source: param(RULE), name, fallback: own === null ? NOTHING : value(own) };
    const count = list.reduce((sum, run) => sum + run.count, 0);
    return buildSized(shape, mapEntries(list.map(({ entries }) => entries)), { count, longestKey: LONGEST_RULE_ID });
  });
}

/** The request's list with the rule's values appended, or the rule's alone. */
function joinMaps({ runs }: LoweredFleet): readonly SizedMap[] {
  const names = new Map<string, JoinedHeader>();
  for (const { joined: headers } of runs) for (const header of headers) names.set(header.variable.text, header);
  return [...names.values()].map(({ name, variable: whole, added }) => {
    const own = headerVariable(name);
    const entries = [mapEntry(mapKey(""), param(...added))];
    return build({ source: param(own), name: whole, fallback: value(param(own, ",", ...added)) }, entries);
  });
}

function timeoutMap({ connectTimeouts }: LoweredFleet): readonly SizedMap[] {
  if (connectTimeouts.length === 0) return [];
  const entries = connectTimeouts.map(([name, ms]) => mapEntry(mapKey(upstreamName(name)), word(ms)));
  return [build({ source: param(UPSTREAM), name: CONNECT_TIMEOUT }, entries)];
}

function append<T>(map: Map<string, T[]>, key: string, entries: readonly T[]): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [...entries]);
  else for (const entry of entries) list.push(entry);
}

function joined(variables: readonly Variable[], separator: string): readonly (string | Variable)[] {
  return variables.flatMap((entry, index) => (index === 0 ? [entry] : [separator, entry]));
}
