/** JSON bodies of the size that a configuration may have, in every shape that is dear to read. */
import { type Shot, shootAll } from "./expect.ts";
import type { Attack } from "./types.ts";

const SIZES = { short: 1024 * 1024, whole: 32 * 1024 * 1024 - 64 };

function fill(unit: string, bytes: number): string {
  return unit.repeat(Math.floor(bytes / unit.length));
}

function list(bytes: number, unit: (index: number) => string): string {
  const parts: string[] = [];
  for (let size = 0; size < bytes; size += (parts.at(-1) as string).length + 1) parts.push(unit(parts.length));
  return parts.slice(0, -1).join(",");
}

/** By name; each gives about so many bytes. */
export const jsonShapes: Readonly<Record<string, (bytes: number) => string>> = {
  "empty objects": (bytes) => `[${fill("{},", bytes - 4)}{}]`,
  "empty objects as routes": (bytes) => `{"routes":[${fill("{},", bytes - 20)}{}]}`,
  "empty objects in one route": (bytes) => `{"routes":[{"rules":[${fill("{},", bytes - 40)}{}]}]}`,
  "brackets that never close": (bytes) => "[".repeat(bytes),
  "brackets that close": (bytes) => "[".repeat(bytes / 2) + "]".repeat(bytes / 2),
  "objects in objects": (bytes) => `${fill('{"a":', bytes * 0.8)}1${"}".repeat(Math.floor((bytes * 0.8) / 5))}`,
  "64 levels again and again": (bytes) => `{"routes":[${fill(`${"[".repeat(60)}${"]".repeat(60)},`, bytes - 20)}1]}`,
  "distinct keys": (bytes) => `{${list(bytes, (index) => `"k${index}":1`)}}`,
  "distinct keys with long lists": (bytes) =>
    `{"a":1,${list(bytes, (index) => `"k${index}":[${fill("1,", bytes / 8)}1]`)}}`,
  "objects of one key of their own": (bytes) => `{"clusters":[${list(bytes - 20, (index) => `{"k${index}":1}`)}]}`,
  "one key again and again": (bytes) => `{${fill('"a":1,', bytes - 8)}"a":1}`,
  "__proto__ again and again": (bytes) => `{"routes":[${fill('{"__proto__":{}},', bytes - 20)}{}]}`,
  "one number": (bytes) => `{"a":${"1".repeat(bytes - 8)}}`,
  "many numbers": (bytes) => `{"routes":[${fill("1,", bytes - 20)}1]}`,
  "one string of escapes": (bytes) => `{"a":"${fill("\\u00e4", bytes - 10)}"}`,
  "one key of escapes": (bytes) => `{"${fill("\\n", bytes - 10)}":[]}`,
  "one string of four-byte characters": (bytes) => `{"a":"${fill("\u{1f600}", bytes / 2 - 20)}"}`,
  "nothing but blanks": (bytes) => " ".repeat(bytes),
  "blanks in a list": (bytes) => `{"routes":[${" ".repeat(bytes - 15)}1]}`,
  "a comma at the end": (bytes) => `{"routes":[${fill("1,", bytes - 20)}]}`,
  "a string that does not end": (bytes) => `{"routes":["${"x".repeat(bytes - 14)}`,
  quotes: (bytes) => '"'.repeat(bytes),
};

/** Whole configurations that cannot be. */
export const jsonBodies: Attack = {
  name: "JSON of a configuration",
  promise: "no shape of a body that is allowed by its size holds the loop, takes the memory or keeps others waiting",
  run(server, size) {
    const shots = Object.entries(jsonShapes).flatMap(([name, make], index): Shot[] => {
      const body = make(SIZES[size]);
      const put: Shot = { name, method: "PUT", path: "/v1/config", body };
      const apply: Shot = { name, method: "POST", path: "/v1/config/apply?dryRun=true&owner=me", body };
      return size === "whole" ? [put, apply] : [index % 2 === 0 ? put : apply];
    });
    return shootAll(server, shots, [400, 413, 422]);
  },
};
