/** The maps of the http block, joined from the lines of all virtual hosts and rules. Ascending by variable. */
import { fullMatch } from "../../regex/index.ts";
import { due, type Steps } from "../../util/steps.ts";
import { RULE } from "./attributes.ts";
import { type RegexBit, type Signature, TABLE } from "./decisions.ts";
import { attributeFallback, type LoweredFleet } from "./lower.ts";
import { headerVariable, upstreamName } from "./names.ts";
import {
  FIRST_CAPTURE,
  joinMapLines,
  type MapLines,
  mapEntry,
  mapKey,
  mapLines,
  mapRegexKey,
  param,
  type Variable,
  value,
  variable,
  word,
} from "./quote.ts";
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
export function* mapsOf(fleet: LoweredFleet): Steps<readonly SizedMap[]> {
  const maps = [
    ...fleet.servers.map(({ hosts }) => ({ view: hosts.map, count: hosts.count, longestKey: LONGEST_HOSTNAME })),
    ...regexMaps(fleet),
    ...(yield* decisionMaps(fleet)),
    ...(yield* attributeMaps(fleet)),
    ...joinMaps(fleet),
    ...timeoutMap(fleet),
  ];
  return maps.sort((a, b) => (a.view.name.text < b.view.name.text ? -1 : 1));
}

type Shape = Pick<MapView, "name" | "source"> & Partial<MapView>;

function build(shape: Shape, { entries, count, longest }: MapLines, longestKey = longest): SizedMap {
  const view = { hostnames: false, volatile: false, fallback: NOTHING, ...shape, entries };
  return { view, count, longestKey };
}

function regexMaps({ virtualHosts }: LoweredFleet): readonly SizedMap[] {
  return virtualHosts.flatMap(({ regexes }) =>
    regexes === null ? [] : [build({ source: param(variable("p")), name: variable(regexes.name) }, regexes.lines)],
  );
}

/**
 * Signature look-ups. These maps are volatile: nginx keeps a variable's value for the whole request, but a request may pass
 * two groups (a regex's, then a prefix's).
 */
function* decisionMaps({ virtualHosts }: LoweredFleet): Steps<readonly SizedMap[]> {
  const values = new Map<string, MapLines[]>();
  const sources = new Map<string, Variable>();
  const bits = new Map<string, RegexBit>();
  const signatures = new Map<string, Signature>();
  const rows: MapLines[] = [];
  const maps: SizedMap[] = [];
  for (const [index, lookup] of virtualHosts.flatMap((host) => host.lookups).entries()) {
    if (due(index)) yield;
    signatures.set(lookup.signature.id, lookup.signature);
    for (const { id, source } of lookup.exactFields) sources.set(id, source);
    for (const bit of lookup.bits) bits.set(bit.name, bit);
    for (const [field, lines] of lookup.values) append(values, field, lines);
    if (lookup.rows !== null) rows.push(lookup.rows);
    if (lookup.chain !== null) {
      maps.push(build({ source: param(SIGNATURE), name: lookup.result, volatile: true }, lookup.chain));
    }
  }
  if (signatures.size === 0) return maps;
  for (const [field, source] of sources) {
    maps.push(...classMaps(field, source, joinMapLines(values.get(field) ?? [])));
    yield;
  }
  for (const bit of bits.values()) maps.push(bitMap(bit));
  const lists = [...signatures.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
  const signatureEntries = lists.map(({ id, classes }) => mapEntry(mapKey(id), param(...joined(classes, "|"))));
  maps.push(build({ source: param(SIGNATURE_ID), name: SIGNATURE, volatile: true }, mapLines(signatureEntries)));
  maps.push(build({ source: param(GROUP, "|", SIGNATURE), name: TABLE, volatile: true }, joinMapLines(rows)));
  return maps;
}

/** `$x_…`: which of the group's values the field may be; `$k_…`: its class, after a comparison that knows case. */
function classMaps(field: string, source: Variable, lines: MapLines): readonly SizedMap[] {
  const found = variable(`x_${field}`);
  const classes = [
    mapEntry(mapKey(":"), word("a")),
    mapEntry(mapRegexKey("^=([0-9]+):"), FIRST_CAPTURE),
    mapEntry(mapRegexKey("^([0-9]+):(.*):\\2$"), FIRST_CAPTURE),
  ];
  return [
    build({ source: param(GROUP, "|", source), name: found, volatile: true }, lines),
    build(
      { source: param(found, ":", source), name: variable(`k_${field}`), volatile: true, fallback: value(word("o")) },
      mapLines(classes),
    ),
  ];
}

function bitMap({ name, source, pattern }: RegexBit): SizedMap {
  const entries = [mapEntry(mapKey(""), word(0)), mapEntry(mapRegexKey(fullMatch(pattern)), word(1))];
  return build({ source: param(source), name: variable(name), fallback: value(word(0)) }, mapLines(entries));
}

function* attributeMaps({ runs }: LoweredFleet): Steps<readonly SizedMap[]> {
  const found = new Map<string, { readonly name: Variable; readonly lists: MapLines[] }>();
  for (const { attributes } of runs) {
    for (const { variable: name, lines } of attributes) {
      const known = found.get(name.text);
      if (known === undefined) found.set(name.text, { name, lists: [lines] });
      else known.lists.push(lines);
    }
  }
  const maps: SizedMap[] = [];
  for (const { name, lists } of found.values()) {
    const own = attributeFallback(name.text);
    const fallback = own === null ? NOTHING : value(own);
    maps.push(build({ source: param(RULE), name, fallback }, joinMapLines(lists), LONGEST_RULE_ID));
    yield;
  }
  return maps;
}

/** The request's list with the rule's values appended, or the rule's alone. */
function joinMaps({ runs }: LoweredFleet): readonly SizedMap[] {
  const names = new Map<string, JoinedHeader>();
  for (const { joined: headers } of runs) for (const header of headers) names.set(header.variable.text, header);
  return [...names.values()].map(({ name, variable: whole, added }) => {
    const own = headerVariable(name);
    const entries = [mapEntry(mapKey(""), param(...added))];
    return build({ source: param(own), name: whole, fallback: value(param(own, ",", ...added)) }, mapLines(entries));
  });
}

function timeoutMap({ connectTimeouts }: LoweredFleet): readonly SizedMap[] {
  if (connectTimeouts.length === 0) return [];
  const entries = connectTimeouts.map(([name, ms]) => mapEntry(mapKey(upstreamName(name)), word(ms)));
  return [build({ source: param(UPSTREAM), name: CONNECT_TIMEOUT }, mapLines(entries))];
}

function append(lists: Map<string, MapLines[]>, key: string, lines: MapLines): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [lines]);
  else list.push(lines);
}

function joined(variables: readonly Variable[], separator: string): readonly (string | Variable)[] {
  return variables.flatMap((entry, index) => (index === 0 ? [entry] : [separator, entry]));
}
