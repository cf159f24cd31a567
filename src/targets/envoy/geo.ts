/**
 * Labels of clients: Envoy's routes look at fields only, and its IP tagging filter writes the tags of the client's address into one, over
 * whatever the client sent under that name, and has the route chosen anew (docs/decisions/0060). It gives the tags of all ranges that an
 * address lies in, so it is told ranges that do not overlap.
 */
import { create } from "@bufbuild/protobuf";
import { BinaryWriter } from "@bufbuild/protobuf/wire";
import {
  type HttpFilter,
  HttpFilterSchema,
} from "../../gen/proto/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js";
import type { GeoTableIr } from "../../ir/index.ts";
import { type DisjointRange, disjointRanges } from "../../util/disjointRanges.ts";
import { type Steps, shouldYield } from "../../util/steps.ts";
import { geoTag } from "./noted.ts";
import { packBytes } from "./types.ts";
import { openMessage, writeNumber, writeText } from "./writer.ts";

const NAME = "envoy.filters.http.ip_tagging";
const TYPE = "envoy.extensions.filters.http.ip_tagging.v3.IPTagging";
/** Numbers in IPTagging and below it. */
const TAGS = 4;
const TAG = { name: 1, ranges: 2 } as const;
const RANGE = { address: 1, length: 2 } as const;
const WRAPPED = 1;

/** The usual case: one list for all. */
const NONE: readonly HttpFilter[] = [];

/** The filters that a listener of these tables has. */
export type GeoFilters = (tables: readonly GeoTableIr[]) => Steps<readonly HttpFilter[]>;

/** Filters by identity of the list of tables, with a memory of its own. */
export function createGeoFilters(): GeoFilters {
  const known = new WeakMap<readonly GeoTableIr[], readonly HttpFilter[]>();
  return function* filtersOf(tables) {
    if (tables.length === 0) return NONE;
    const found = known.get(tables) ?? [yield* taggingFilter(tables)];
    known.set(tables, found);
    return found;
  };
}

function* taggingFilter(tables: readonly GeoTableIr[]): Steps<HttpFilter> {
  const writer = new BinaryWriter();
  for (const { name, entries, defaultLabel } of tables) {
    const limit = Number.POSITIVE_INFINITY;
    const ranges = (yield* disjointRanges(entries, { rest: defaultLabel, limit })) ?? [];
    const byLabel = new Map<string, DisjointRange[]>();
    for (const [index, range] of ranges.entries()) {
      const others = byLabel.get(range.label);
      if (others === undefined) byLabel.set(range.label, [range]);
      else others.push(range);
      if (shouldYield(index)) yield;
    }
    for (const [label, own] of [...byLabel].sort(([a], [b]) => (a < b ? -1 : 1))) {
      openMessage(writer, TAGS);
      writeText(writer, TAG.name, geoTag(name, label));
      for (const [index, range] of own.entries()) {
        writeRange(writer, range);
        if (shouldYield(index)) yield;
      }
      writer.join();
    }
  }
  return create(HttpFilterSchema, {
    name: NAME,
    configType: { case: "typedConfig", value: packBytes(TYPE, writer.finish()) },
  });
}

function writeRange(writer: BinaryWriter, { address, length }: DisjointRange): void {
  openMessage(writer, TAG.ranges);
  writeText(writer, RANGE.address, address);
  openMessage(writer, RANGE.length);
  writeNumber(writer, WRAPPED, length);
  writer.join();
  writer.join();
}
