/** Searching bytes for an expression as RE2 does it, in linear time: RE2JS is its port. */
import { RE2JS } from "re2js";
import { MAX_MATCH } from "./match.ts";
import { searched } from "./search.ts";

/** Whether some part of the bytes matches the expression, which is of the common dialect; `.` is any byte. See `isSearchable`. */
export function foundIn(bytes: Buffer, regex: string): boolean {
  return compiled(regex).testExact(bytes.toString("latin1"));
}

/** Whether so many bytes can be searched in one piece. */
export function isSearchable(regex: string, bytes: number): boolean {
  return compiled(regex).programSize() * bytes <= MAX_MATCH;
}

/** Not kept: each may hold 8 MiB of states. */
function compiled(regex: string): RE2JS {
  return RE2JS.compile(searched(regex), RE2JS.DOTALL);
}
