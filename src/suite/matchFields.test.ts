/**
 * What a rule may ask of a request is read by the model's rules wherever `schemas/` lets it stand: each regular expression is
 * judged, and each field tells one match from another. A new field of a match is tried here with no further code.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Place } from "../tooling/leaves.ts";
import { PLACES } from "./arbitrary/edits.ts";
import { arbitraryOf } from "./arbitrary/fromSchema.ts";
import { namesOf, plain } from "./arbitrary/names.ts";
import { errorsOf } from "./arbitrary/prune.ts";

const MATCH = "route.rules[].matches[]";
const BELOW = PLACES.filter(({ path }) => path.startsWith(`${MATCH}.`));
const LISTS = BELOW.filter(({ schema }) => schema.items !== undefined);
const LEAVES = BELOW.filter(({ schema }) => schema.items === undefined && schema.properties === undefined);
const REGEXES = LEAVES.filter(({ schema }) => schema["x-value"] === "regex");

/** Drawn values of one place, among which are two valid ones that differ. */
const DRAWN = 40;

function placeOf(path: string): Place {
  const place = PLACES.find((each) => each.path === path);
  if (place === undefined) throw new Error(`there is no place ${path}`);
  return place;
}

/** The same ones in each run. */
function valuesOf(place: Place): unknown[] {
  return fc.sample(fc.noBias(arbitraryOf(place)), { seed: 1, numRuns: DRAWN });
}

/** A match with this value at the place, and beside it only what must be there. Undefined: all but the value. */
function matchWith(path: string, value: unknown): unknown {
  if (path === MATCH) return value;
  if (path.endsWith("[]")) return matchWith(path.slice(0, -2), [value]);
  const at = path.lastIndexOf(".");
  const name = path.slice(at + 1);
  const { path: parent, schema } = placeOf(path.slice(0, at));
  const branches = (schema.oneOf ?? []).map(({ required }) => required);
  const isBranch = value !== undefined && branches.some((branch) => branch.includes(name));
  const branch = isBranch ? [] : (branches.find((other) => !other.includes(name)) ?? []);
  const needed = [...(schema.required ?? []), ...branch].filter((other) => other !== name);
  const others = needed.map((other) => [other, valuesOf(placeOf(`${parent}.${other}`))[0]]);
  return matchWith(parent, { ...Object.fromEntries(others), [name]: value });
}

/** Of both labels that are drawn. */
const GEO_ENTRIES = ["near", "far.off"].map((label, index) => ({ cidr: `10.${index}.0.0/16`, label }));

/** What is wrong with a model of one rule with these matches. */
function problemsOf(...matches: unknown[]): string[] {
  const protocol = matches.some((match) => Object.hasOwn(match as object, "grpc")) ? "grpc" : "http";
  const document = {
    fleets: [{ name: "edge", proxy: "nginx" }],
    listeners: [{ name: "web", fleets: ["edge"], port: 8080, protocol: "HTTP", http: { http2: "only" } }],
    clusters: [{ name: "one", protocol: "http2", endpoints: [{ address: "127.0.0.1", port: 1 }] }],
    geoTables: namesOf("geoTable").map((name) => ({ name, entries: GEO_ENTRIES })),
    routes: [{ name: "r", listeners: ["web"], protocol, rules: [{ matches, split: [{ cluster: "one" }] }] }],
  };
  return errorsOf(plain(document)).map(({ code, pointer }) => `${code} ${pointer}`);
}

/** Two valid values of a place that differ in more than letter case; undefined where all but one is no value. */
function twoOf(place: Place): readonly unknown[] {
  if (place.schema.const !== undefined) return [place.schema.const, undefined];
  const valid = valuesOf(place).filter((value) => problemsOf(matchWith(place.path, value)).length === 0);
  const distinct = [...new Map(valid.map((value) => [JSON.stringify(value).toLowerCase(), value])).values()];
  if (distinct.length < 2) throw new Error(`${place.path}: no two valid values; give a hint`);
  return distinct.slice(0, 2);
}

test.each(REGEXES)("a regular expression outside of the dialect is refused: $path", ({ path, steps }) => {
  const pointer = `/${steps.join("/").replaceAll("*", "0")}`;
  expect(problemsOf(matchWith(path, "(?=a)(x+)+\\1"))).toEqual([`L7-REGEX-DIALECT ${pointer}`]);
});

test.each(LEAVES)("matches that differ in one field are no duplicates: $path", (place) => {
  const [one, other] = twoOf(place).map((value) => matchWith(place.path, value));
  expect(problemsOf(one, other)).toEqual([]);
  expect(problemsOf(one, one)).toEqual(["MODEL-DUPLICATE-MATCH /rules/0/matches/1"]);
});

test.each(LISTS)("matches with one list in two orders are duplicates: $path", ({ path }) => {
  const [one, other] = twoOf(placeOf(`${path}[]`));
  const matches = [matchWith(path, [one, other]), matchWith(path, [other, one])];
  expect(problemsOf(...matches)).toEqual(["MODEL-DUPLICATE-MATCH /rules/0/matches/1"]);
});
