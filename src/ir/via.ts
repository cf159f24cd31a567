/** Loops that only show as they happen: a port writes itself into Via, and knows itself again (RFC 9110, 7.6.3). */

/** What answers a request that was here before. */
export const LOOP_STATUS = 508;
export const LOOP_BODY = "508 Loop Detected\n";

/** What a port appends to Via of what it forwards. */
export function viaEntry(via: string): string {
  return `1.1 ${via}`;
}

/** Found in a Via field that has the port's entry, in the syntax that RE2 and PCRE2 share: not in one of a longer name. */
export function viaPattern(via: string): string {
  return `(?:^|[ \\t,])${via.replaceAll(".", "\\.")}(?:[ \\t,(]|$)`;
}
