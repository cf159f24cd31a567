import { problem, type Rule, rulesOf, touchedOf } from "./rule.ts";

const CODE = "MODEL-HEADER-SIZE";
/**
 * What a rule may add to a head of 60 KiB. Proxies hold a head in one buffer of every connection, so room for additions costs memory
 * everywhere: eight fields of the longest values fit, and no rule is known to need a tenth of them.
 */
export const MAX_ADDED_BYTES = 8 * 1024;
/** `: ` and the end of the line. */
const BYTES_AROUND = 4;

/** Fields that a rule sets and adds have a bound together: with the client's, or the endpoint's, they fit every proxy's buffers. */
export const headerSize: Rule = function* (_snapshot, touched) {
  for (const route of touchedOf(touched, "route")) {
    for (const { rule, at } of rulesOf(route)) {
      for (const field of ["requestHeaders", "responseHeaders"] as const) {
        const { set = [], add = [] } = rule[field] ?? {};
        const sizes = [...set, ...add].map(({ name, value }) => name.length + value.length + BYTES_AROUND);
        const bytes = sizes.reduce((sum, size) => sum + size, 0);
        if (bytes <= MAX_ADDED_BYTES) continue;
        const message = `what the rule sets and adds has ${bytes} bytes; with names and line ends it may have ${MAX_ADDED_BYTES}`;
        yield problem(CODE, route, { pointer: `${at}/${field}`, message });
      }
    }
  }
};
